"""The main job on real sets: every delivered model beside its baselines, on the test split.

    python -m benchmarks.tasks --data PATH [--sets text/trec6,series/*] [--budget 5m] [--seeds 1] [--encoder minilm]

Networks are trained from scratch, unless an encoder is named.

A set that is done is not run again: results are kept in a folder, and one that was interrupted goes on from where it
stopped. "member" is the best of the portfolio, "tried" counts candidates. Red is a score below its floor, or more than
one standard error below the best baseline.
"""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from seqwright import api
from seqwright.deliver.evidence import DELIVERED, PORTFOLIO
from seqwright.search.budget import Budget
from seqwright.study.record import Trial

RESULTS = "results.jsonl"


@dataclass(frozen=True)
class Benchmark:
    """A public set: its files under the data folder, what a user would have to say of it, and what it must reach.

    Args:
        valid, test: files of their own; cut from `train` where empty.
        options: for `api.fit`, as pairs.
    """

    name: str
    budget: str
    train: str
    valid: str = ""
    test: str = ""
    options: tuple[tuple[str, str], ...] = ()
    floor: float | None = None


def _series(name: str, floor: float | None = None) -> Benchmark:
    return Benchmark(f"series/{name}", "2m", "train.npz", "", "test.npz", floor=floor)


SETS = (
    Benchmark("text/trec6", "5m", "train.tsv", "", "test.tsv", floor=0.90),
    Benchmark("text/sst2", "5m", "train.tsv", "dev.tsv", "test.tsv", floor=0.81),
    Benchmark("text/banking77", "10m", "train.tsv", "", "test.tsv", floor=0.90),
    Benchmark("text/snips", "5m", "train.tsv", "valid.tsv", "test.tsv", (("target", "intent"), ("text", "text"))),
    Benchmark("text/irony", "5m", "train.tsv", "val.tsv", "test.tsv"),
    Benchmark("text/cola", "5m", "train.tsv", "dev_in.tsv", "dev_out.tsv", (("metric", "mcc"),)),
    Benchmark("pairs/rte", "5m", "train.tsv", "", "dev.tsv"),
    Benchmark("tagging/ud_english_ewt", "10m", "train.conll", "dev.conll", "test.conll", (("target", "upos"),), 0.92),
    Benchmark("tagging/wnut17", "5m", "train.conll", "dev.conll", "test.conll"),
    _series("gunpoint", 0.97),
    _series("italypowerdemand", 0.95),
    _series("japanesevowels", 0.97),
    _series("basicmotions", 0.97),
    _series("arrowhead"),
    _series("osuleaf"),
    _series("cbf"),
    _series("trace"),
    Benchmark("series/libras", "2m", "libras.csv"),
)


def chosen(patterns: str) -> list[Benchmark]:
    """The sets that match one of the comma-separated patterns."""
    wanted = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()]
    return [one for one in SETS if any(fnmatchcase(one.name, pattern) for pattern in wanted)]


def run(one: Benchmark, data: Path, folder: Path, budget: str, seed: int, encoder: str = "none") -> dict[str, Any]:
    """Fit one set; what came of it, as JSON data.

    Returns:
        rows (of test), wall_s, metric, delivered {value, low, high}, baseline and its name, difference {value,
        standard_error}, member (the best portfolio member's score or None), candidates, trials.
    """
    place = data / one.name
    files = {name: place / file for name, file in (("valid", one.valid), ("test", one.test)) if file}
    began = time.monotonic()
    result = api.fit(
        place / one.train, **files, folder=folder, budget=budget, seed=seed, encoder=encoder, **dict(one.options)
    )
    wall_s = time.monotonic() - began
    told = result.evidence
    assert told is not None, "every set has a test split"
    metric = told["metric"]
    scores = {rival["name"]: rival["metrics"].get(metric) for rival in told["rivals"]}
    gain = told["gains"].get("best baseline")
    trials = _trials(folder)
    return {
        "rows": told["rows"],
        "wall_s": round(wall_s, 1),
        "metric": metric,
        "delivered": scores[DELIVERED],
        "baseline": scores[gain["name"]]["value"] if gain else None,
        "baseline_name": gain["name"] if gain else "",
        "baselines_failed": [rival["name"] for rival in told["rivals"] if rival["error"]],
        "difference": gain,
        "member": (scores.get(PORTFOLIO) or {}).get("value"),
        "candidates": len({trial.proposal.candidate for trial in trials}),
        "trials": len(trials),
        "failed": sum(trial.failed for trial in trials),
    }


def _trials(folder: Path) -> list[Trial]:
    from seqwright.study.store import Study

    with Study.open(folder) as study:
        return study.trials()


def known(path: Path) -> dict[tuple[str, str, int, str], dict[str, Any]]:
    """Finished runs by (set, budget, seed, encoder); a half-written last line is no run."""
    found = {}
    for text in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            row = json.loads(text)
        except ValueError:
            continue
        found[row["set"], row["budget"], row["seed"], row["encoder"]] = row
    return found


def standard_errors(row: dict[str, Any]) -> float | None:
    """The difference from the best baseline in its own standard errors."""
    if not row["difference"]:
        return None
    value, error = row["difference"]["value"], row["difference"]["standard_error"]
    return value / error if error else (0.0 if value == 0 else float("inf") if value > 0 else float("-inf"))


def _baseline(row: dict[str, Any]) -> str:
    """The best baseline; those that failed count, since a better one may be among them."""
    best = "none" if row["baseline"] is None else f"{row['baseline']:.3f} {row['baseline_name']}"
    failed = len(row["baselines_failed"])
    return f"{best} ({failed} failed)" if failed else best


def show(rows: Sequence[dict[str, Any]], console: Console) -> None:
    """The table, and the means over the sets of texts."""
    table = Table(title="Delivered models on test, with 95 % intervals")
    for name in ("set", "metric"):
        table.add_column(name)
    for name in ("rows", "budget", "took", "delivered", "floor"):
        table.add_column(name, justify="right")
    table.add_column("best baseline")
    for name in ("gain", "in s.e.", "member", "tried", "trials"):
        table.add_column(name, justify="right")
    floors = {one.name: one.floor for one in SETS}
    for row in rows:
        if row.get("error"):
            table.add_row(row["set"], *[""] * 2, row["budget"], "", "failed", style="red")
            continue
        floor, away, delivered = floors.get(row["set"]), standard_errors(row), row["delivered"]
        missed = (floor is not None and delivered["value"] < floor) or (away is not None and away < -1)
        table.add_row(
            row["set"] if row["seed"] == 0 else f"{row['set']}, seed {row['seed']}",
            row["metric"],
            f"{row['rows']:,}",
            row["budget"],
            f"{row['wall_s']:.0f} s",
            f"{delivered['value']:.3f} [{delivered['low']:.3f}, {delivered['high']:.3f}]",
            "" if floor is None else f"{floor:.2f}",
            _baseline(row),
            "" if row["baseline"] is None else f"{row['difference']['value']:+.3f}",
            "" if away is None else f"{away:+.1f}",
            "" if row["member"] is None else f"{row['member']:.3f}",
            str(row["candidates"]),
            str(row["trials"]),
            style="red" if missed else "",
        )
    console.print(table)
    texts = [row for row in rows if row["set"].startswith("text/") and row.get("baseline") is not None]
    if texts:
        ours = sum(row["delivered"]["value"] for row in texts) / len(texts)
        theirs = sum(row["baseline"] for row in texts) / len(texts)
        console.print(
            f"Mean over {len(texts)} text runs: delivered {ours:.4f}, the best baseline of each {theirs:.4f}, "
            f"difference {ours - theirs:+.4f}."
        )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds text/, pairs/, ...")
    parser.add_argument("--sets", default="*", help="names or patterns, separated by commas; all by default")
    parser.add_argument("--budget", default="", help="instead of each set's own")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--encoder", default="none", help="pretrained encoder for the sets of texts")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/benchmarks/tasks"), help="where runs and results are kept"
    )
    options = parser.parse_args(argv)
    console = Console(width=None if sys.stdout.isatty() else 150)  # a file has room for the whole table
    if not (sets := chosen(options.sets)):
        console.print(
            f'No set matches "{options.sets}". There are: {", ".join(one.name for one in SETS)}.', style="red"
        )
        return 2
    if missing := [one.name for one in sets if not (options.data / one.name / one.train).exists()]:
        console.print(f"{options.data} holds no {', '.join(missing)}. Give the folder above text/.", style="red")
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    results = options.out / RESULTS
    rows = []
    for seed in range(options.seeds):
        for one in sets:
            budget = str(Budget.parse(options.budget or one.budget))
            # Series and tags are not texts that an encoder reads.
            encoder = options.encoder if one.name.startswith(("text/", "pairs/")) else "none"
            if (row := known(results).get((one.name, budget, seed, encoder))) is None:
                console.print(f"{time.strftime('%H:%M:%S')} {one.name}, {budget}, seed {seed}")
                kept = f"{budget.replace(' ', '')}-{seed}" + ("" if encoder == "none" else f"-{Path(encoder).name}")
                folder = options.out / one.name.replace("/", "-") / kept
                row = {"set": one.name, "budget": budget, "seed": seed, "encoder": encoder}
                try:
                    row |= run(one, options.data, folder, budget, seed, encoder)
                except Exception as error:  # one set's failure is a row, and no reason to lose the others
                    console.print(traceback.format_exc(), markup=False, style="red")
                    row |= {"error": f"{type(error).__name__}: {error}"}
                else:
                    with results.open("a", encoding="utf-8") as opened:
                        opened.write(f"\n{json.dumps(row)}\n")  # on a line of its own, also after one half written
            rows.append(row)
    show(rows, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())

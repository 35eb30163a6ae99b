"""Every search strategy on tables where each answer is known: how far from the best is what it finds?

    python -m benchmarks.tables --data FOLDER --seeds 100 --out results.jsonl
    python -m benchmarks.tables --data PATH/nb201_200epoch_cifar100.csv --strategies random,auto

Regret is the best score in the table less the best that was found, after so many evaluations one at a time. Where a
table has lower fidelities, each strategy is also run under schedules, on a simulated clock, for half the time that
whole trainings took. Lines of `--out` that are there already are not run again. Exit code 1 if a promise is broken.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from seqwright.arch.candidate import Candidate
from seqwright.deliver.careers import NONE, encoding_of, trains_supernet
from seqwright.deliver.strategies import STRATEGIES, schedule_of, strategy_named
from seqwright.errors import InputError, did_you_mean
from seqwright.evaluate.known_tables import Known, found, opened, recognised
from seqwright.evaluate.table import Entry, played
from seqwright.search.evolution import POPULATION, SAMPLE, Evolution
from seqwright.search.strategy import Strategy
from seqwright.study.record import Fidelity

PUBLISHED = "regularized evolution"  # with the constants of Real et al. 2019 whatever the number of trials
SLOW = ("gp",)  # takes seconds a proposal, so it runs when it is named
DRAWS_OR_RANKS = ("random", "bananas", "gp-encoding", "auto")  # what applies to a pool without edits
SCHEDULED = ("halving", "asha", "hyperband", "freeze-thaw")
# Of regret on NAS-Bench-201 at 200 evaluations:
FLOORS = {"auto": 0.01, "bananas": 0.05, "gp-encoding": 0.05, "tpe": 0.05, "gp": 0.05}
FLOOR_LOOK = 200


@dataclass(frozen=True)
class Career:
    """One search to run.

    Args:
        schedule: "" for whole trainings, as many as the last look says; otherwise for half the time of those.
    """

    table: str
    strategy: str
    schedule: str
    seed: int

    @property
    def key(self) -> tuple[str, str, str, int]:
        return self.table, self.strategy, self.schedule, self.seed


def regrets(table: Mapping[Candidate, Entry], strategy: Strategy, looks: Sequence[int]) -> list[float]:
    """Regret of the best candidate found so far, after so many evaluations, one at a time."""
    best_of_all = max(entry.score for entry in table.values() if np.isfinite(entry.score))
    scores = [score for _, score in played(table, strategy, Fidelity(0), evaluations=max(looks))]
    return [best_of_all - max(scores[:look]) for look in looks]


def strategy_for(known: Known, name: str, schedule: str, seed: int) -> Strategy:
    rungs = known.rungs if schedule else (known.rungs[-1:] or (Fidelity(0),))
    if name == PUBLISHED:
        return Evolution(known.space, seed=seed, fidelity=rungs[-1], population=POPULATION, sample=SAMPLE)
    return strategy_named(
        name, schedule or "none", known.space, rungs, max(known.looks), seed=seed, **encoding_of(known, name)
    )


def run(known: Known, career: Career) -> dict[str, Any]:
    """Regret at each look; under a schedule, at half the simulated time of so many average trainings."""
    whole = known.rungs[-1] if known.rungs else Fidelity(0)
    strategy = strategy_for(known, career.strategy, career.schedule, career.seed)
    began = time.thread_time()
    if career.schedule:
        ends = [look * known.training_s / 2 for look in known.looks]
        trials = list(played(known.table, strategy, whole, until_s=max(ends)))
        found = [[score for clock_s, score in trials if clock_s <= end] for end in ends]
    else:
        trials = list(played(known.table, strategy, whole, evaluations=max(known.looks)))
        found = [[score for _, score in trials[:look]] for look in known.looks]
    worst = min(entry.score for entry in known.table.values() if np.isfinite(entry.score))
    return {
        "table": career.table,
        "strategy": career.strategy,
        "schedule": career.schedule,
        "seed": career.seed,
        "regrets": [known.best - max([worst, *scores]) for scores in found],
        "trials": len(trials),
        "own_ms": 1000 * (time.thread_time() - began) / max(1, len(trials)),
    }


def careers(known: Known, strategies: Sequence[str], seeds: int, schedules: Sequence[str] = SCHEDULED) -> list[Career]:
    """Every search on a table: whole trainings, then schedules where there are lower fidelities."""
    chosen = [name for name in strategies if not known.pooled or name in DRAWS_OR_RANKS]
    own = {name: schedule_of(name) for name in chosen if name != PUBLISHED and STRATEGIES[name].only}
    plain = [name for name in chosen if own.get(name, NONE) == NONE]
    rationed = [
        (name, schedule)
        for name in (chosen if known.rungs else ())
        if name != PUBLISHED and own.get(name) != NONE
        for schedule in ([own[name]] if name in own else schedules)
    ]
    pairs = [*((name, "") for name in plain), *rationed]
    return [Career(known.name, name, schedule, seed) for seed in range(seeds) for name, schedule in pairs]


# Results -----------------------------------------------------------------------------------------


def interval(values: np.ndarray, draws: int = 10_000) -> tuple[float, float]:
    """95 % interval of the mean of (N,) values, by bootstrap over them."""
    index = np.random.default_rng(0).integers(len(values), size=(draws, len(values)))
    low, high = np.percentile(values[index].mean(1), (2.5, 97.5))
    return float(low), float(high)


def cell(values: np.ndarray, digits: int = 3) -> str:
    low, high = interval(values)
    return f"{values.mean():.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def shown(known: Known, rows: Sequence[dict[str, Any]], scheduled: bool) -> Table:
    """A line a strategy, the best at the last look first."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if bool(row["schedule"]) == scheduled:
            groups.setdefault(" + ".join(filter(None, (row["strategy"], row["schedule"]))), []).append(row)
    head = "half the simulated time of so many whole trainings" if scheduled else "so many evaluations"
    out = Table(title=f"{known.name}: regret in {known.unit} after {head}, mean over seeds and its 95 % interval")
    for column in ("", *map(str, known.looks), "ms a trial", "seeds"):
        out.add_column(column, justify="right" if column else "left", no_wrap=not column)
    means = {name: np.mean([row["regrets"] for row in group], 0) for name, group in groups.items()}
    for name in sorted(groups, key=lambda name: tuple(reversed(means[name]))):
        values = np.array([row["regrets"] for row in groups[name]])
        own_ms = float(np.mean([row["own_ms"] for row in groups[name]]))
        out.add_row(name, *map(cell, values.T), f"{own_ms:.1f}", str(len(values)))
    return out


def promises(known: Known, rows: Sequence[dict[str, Any]]) -> list[tuple[str, bool]]:
    """What is promised of those that were run, and whether it was kept."""
    found: dict[tuple[str, str], list[list[float]]] = {}
    for row in rows:
        found.setdefault((row["strategy"], row["schedule"]), []).append(row["regrets"])
    means = {key: np.mean(mine, 0) for key, mine in found.items()}
    said: list[tuple[str, bool]] = []
    if known.name.startswith("nas-bench-201 ") and known.name.endswith("cifar10") and FLOOR_LOOK in known.looks:
        at = known.looks.index(FLOOR_LOOK)
        for name, most in FLOORS.items():
            if (name, "") in means:
                left = means[name, ""][at]
                said.append((f"{name} leaves {left:.3f} after {FLOOR_LOOK}, at most {most}", bool(left <= most)))
    plain = {name: values for (name, schedule), values in means.items() if not schedule}
    if "auto" in plain and len(plain) > 2:
        for at, look in enumerate(known.looks):
            ahead = [name for name, values in plain.items() if values[at] < plain["auto"][at] - 1e-9]
            # Ahead by more than chance: the interval of the difference, seed by seed, leaves out zero.
            gaps = ([a[at] - b[at] for a, b in zip(found["auto", ""], found[n, ""], strict=False)] for n in ahead)
            clear = [name for name, gap in zip(ahead, gaps, strict=True) if interval(np.array(gap))[0] > 0]
            words = f"auto is within the best two after {look}{_behind(ahead)}"
            said.append((words + (f"; clearly so: {', '.join(clear) or 'none'}" if ahead else ""), len(clear) < 2))
    rationed = [values for (name, schedule), values in means.items() if schedule and name == "random"]
    if rationed and "random" in plain:
        for at, look in enumerate(known.looks):
            left, whole = min(values[at] for values in rationed), plain["random"][at]
            words = f"multi-fidelity random search in half the time of {look}: {left:.3f}; whole trainings: {whole:.3f}"
            said.append((words, bool(left <= whole)))
    return said


def _behind(ahead: Sequence[str]) -> str:
    return f" (behind {', '.join(ahead)})" if ahead else ""


# The command -------------------------------------------------------------------------------------

Source = tuple[str, Path]  # the kind of a table, and its file; "" for a file of any kind, or a folder of them
_KNOWN: dict[str, Known] = {}  # in a worker: the tables, read once


def read(sources: Sequence[Source]) -> list[Known]:
    tables: list[Known] = []
    for kind, path in sources:
        tables += [opened(kind, path)] if kind else found(path) if path.is_dir() else [recognised(path)]
    return tables


def _prepare(sources: Sequence[Source]) -> None:
    _KNOWN.update({known.name: known for known in read(sources)})


def _work(career: Career) -> dict[str, Any]:
    return run(_KNOWN[career.table], career)


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder of tables, or one")
    parser.add_argument("--table", action="append", default=[], metavar="KIND=PATH", help="one more table")
    parser.add_argument("--strategies", default="", help=f"a,b,c; default: all that apply but {', '.join(SLOW)}")
    parser.add_argument(
        "--schedules",
        default=",".join(SCHEDULED),
        help='around strategies that have none of their own (default: %(default)s); "" for whole trainings alone',
    )
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--out", type=Path, help="a jsonl to which each result is added")
    options = parser.parse_args(argv)
    options.sources = [("", options.data)] if options.data else []
    options.sources += [(kind, Path(path)) for kind, _, path in (text.partition("=") for text in options.table)]
    options.schedules = list(filter(None, options.schedules.split(",")))
    applicable = [name for name in STRATEGIES if name not in SLOW and not trains_supernet(name)]
    options.names = options.strategies.split(",") if options.strategies else [PUBLISHED, *applicable]
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options, console = parsed(argv), Console(width=None if sys.stdout.isatty() else 150)
    try:
        for name in options.names:
            if name not in (PUBLISHED, *STRATEGIES):
                raise InputError(f'--strategies: "{name}" is not known.{did_you_mean(name, (PUBLISHED, *STRATEGIES))}')
            if name != PUBLISHED and trains_supernet(name):
                raise InputError(f'--strategies: "{name}" trains a supernet, and tables hold networks alone. Leave it.')
        tables = read(options.sources)
        if not tables:
            raise InputError("No table was found. Give --data FOLDER or --table nas-bench-201=FILE.")
    except InputError as error:
        console.print(str(error), style="red", markup=False)
        return error.exit_code
    rows = {key(row): row for row in _lines(options.out)}
    asked = {known.name: careers(known, options.names, options.seeds, options.schedules) for known in tables}
    due = [career for several in asked.values() for career in several if career.key not in rows]
    if options.out and options.out.exists() and not options.out.read_bytes().endswith(b"\n"):
        options.out.write_text("".join(json.dumps(row) + "\n" for row in rows.values()), encoding="utf-8")
    with console.status("") as status:
        for done, row in enumerate(_results(due, tables, options), 1):
            rows[key(row)] = row
            status.update(f"{done} of {len(due)}: {row['strategy']} on {row['table']}")
            if options.out:
                with open(options.out, "a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
    kept = True
    for known in tables:
        mine = [rows[career.key] for career in asked[known.name]]
        for scheduled in (False, True):
            if any(bool(row["schedule"]) == scheduled for row in mine):
                console.print(shown(known, mine, scheduled))
        for words, holds in promises(known, mine):
            console.print(f"{'kept  ' if holds else 'BROKEN'}  {words}", markup=False)
            kept &= holds
    return 0 if kept else 1


def key(row: Mapping[str, Any]) -> tuple[str, str, str, int]:
    return row["table"], row["strategy"], row["schedule"], row["seed"]


def _lines(path: Path | None) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").splitlines() if path and path.exists() else ():
        try:
            yield json.loads(line)
        except ValueError:  # half written when it was killed
            continue


def _results(due: Sequence[Career], tables: Sequence[Known], options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    if options.jobs <= 1:
        by_name = {known.name: known for known in tables}
        yield from (run(by_name[career.table], career) for career in due)
        return
    started = ProcessPoolExecutor(options.jobs, get_context("spawn"), _prepare, (options.sources,))
    with started as pool:
        for future in as_completed([pool.submit(_work, career) for career in due]):
            yield future.result()


if __name__ == "__main__":
    sys.exit(main())

"""Does the search earn its name? Three generated tasks that no hand-made network solves and some in the space do.

    python -m benchmarks.planted [--tasks recall,nesting,change] [--trials 100] [--seeds 5]

Evolution and random search begin from the same portfolio, train every candidate alike and get the same number of
trials. A seed is of the data as well as of the search. Networks are kept small, so that a trial takes seconds on one
core. Results are kept in a folder, and what is done is not run again. Exit code 1 unless evolution solves each task in
four of five seeds, and more often or by better scores than random search.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.tables import cell, interval
from seqwright.arch.portfolio import portfolio
from seqwright.arch.show import line
from seqwright.data.examples import Examples
from seqwright.deliver.options import Options
from seqwright.deliver.searching import space_of, strategy_of
from seqwright.evaluate import workbench
from seqwright.evaluate.full import FullEvaluator
from seqwright.evaluate.local import LocalPool
from seqwright.search.loop import search
from seqwright.study.record import Fidelity, Trial
from seqwright.study.store import Study
from seqwright.tasks.registry import task_of

STRATEGIES = ("random", "evolution")
RESULTS = "results.jsonl"
VALID = 400  # rows to judge by
SMALL = ("/architecture/body/width=32", "/architecture/body/layers/*/mixer/hidden=32")
WORDS = ("/architecture/sequence/stem=words", "/recipe/batch_size=64")  # nothing is to be learnt from spelling

Made = tuple[list[Any], np.ndarray]  # inputs, labels (N,)


def recall(rng: np.random.Generator, rows: int) -> Made:
    """Keys and their values among noise, then one of the keys: what was its value?

    Half the keys have theirs in the next place, half five places on, so that a network must bind at two distances
    and then look up by content. The values of other keys distract.
    """
    texts, values = [], []
    while len(texts) < rows:
        words: list[str] = [f"noise{rng.integers(3)}" for _ in range(rng.integers(17, 21))]
        keys, told, taken = rng.permutation(6)[:4], rng.integers(5, size=4), set()
        for key, value in zip(keys, told, strict=True):
            gap = 5 if key % 2 else 1
            free = [p for p in range(len(words) - gap) if not {p, p + gap} & taken]
            if not free:
                break
            place = rng.choice(free)
            taken |= {place, place + gap}
            words[place], words[place + gap] = f"key{key}", f"value{value}"
        else:
            which = rng.integers(4)
            texts.append(" ".join([*words, f"key{keys[which]}"]))
            values.append(told[which])
    return texts, np.array(values)


def nesting(rng: np.random.Generator, rows: int, deepest: int = 6) -> Made:
    """Brackets that open and close among noise: how deep do they nest, at the deepest?"""
    texts: list[str] = []
    depths = rng.integers(1, deepest + 1, size=rows)
    for goal in depths:
        reached = 0
        while reached != goal:
            words, depth, reached, length = [], 0, 0, rng.integers(26, 33)
            for left in range(length, 0, -1):
                if depth < left and rng.random() < 0.25:
                    words.append(f"noise{rng.integers(4)}")
                elif depth and (depth >= min(goal, left - 1) or rng.random() < 0.5):
                    words.append("close")
                    depth -= 1
                elif depth < left - 1:
                    words.append("open")
                    depth += 1
                    reached = max(reached, depth)
                else:
                    words.append(f"noise{rng.integers(4)}")
        texts.append(" ".join(words))
    return texts, depths - 1


def change(rng: np.random.Generator, rows: int, burst: int = 20, noise: float = 0.5) -> Made:
    """Two bursts of an oscillation far apart in noise, at a distance that varies: has its frequency changed?

    Neither burst tells anything by itself, and no small window holds both.
    """
    periods, series, changes = (4.0, 6.5, 10.0), [], rng.integers(2, size=rows)
    for changed in changes:
        first = rng.integers(3)
        second = (first + changed * rng.integers(1, 3)) % 3
        before, gap, after = rng.integers(16), rng.integers(60, 100), rng.integers(16)
        x = rng.normal(0, noise, before + gap + after + 2 * burst)
        for begin, which in ((before, first), (before + burst + gap, second)):
            period = periods[which] * np.exp(rng.normal(0, 0.04))
            x[begin : begin + burst] += np.sin(2 * np.pi * (np.arange(burst) / period + rng.random()))
        series.append(x[:, None].astype(np.float32))
    return series, changes


@dataclass(frozen=True)
class Planted:
    """A generated task.

    Args:
        rows: to train on.
        examples: what a trial sees.
        solved: the validation accuracy from which on it counts as solved.
        fix: narrows the default space, which stays large.
    """

    name: str
    kind: str
    make: Callable[[np.random.Generator, int], Made]
    rows: int
    examples: int
    solved: float
    fix: tuple[str, ...]


TASKS = (
    Planted("recall", "text-classification", recall, 1000, 13_000, 0.9, SMALL + WORDS),
    Planted("nesting", "text-classification", nesting, 1000, 13_000, 0.95, SMALL + WORDS),
    Planted("change", "series-classification", change, 600, 9_000, 0.9, (*SMALL, "/recipe/batch_size=32")),
)


def bench_of(planted: Planted, seed: int, folder: Path) -> workbench.Workbench:
    """The generated rows, prepared: the first to train on, the rest to judge by."""
    rng = np.random.default_rng((seed, TASKS.index(planted)))
    inputs, labels = planted.make(rng, planted.rows + VALID)
    task = task_of(planted.kind)(tuple(map(str, range(int(labels.max()) + 1))))
    rows = np.arange(len(labels))
    examples = Examples({"text" if planted.kind.startswith("text") else "series": inputs}, labels, rows=rows)
    fold = rows[: planted.rows], rows[planted.rows :]
    return workbench.build(folder, task, examples, None, [fold], 1, fold[0], seed)


def run(planted: Planted, strategy: str, seed: int, trials: int, workers: int, folder: Path) -> dict[str, Any]:
    """Search once; the score of every trial in its order, as JSON data with the portfolio's best and the winner."""
    shutil.rmtree(folder, ignore_errors=True)
    bench = bench_of(planted, seed, folder / "prepared")
    options = Options(budget=f"{trials}trials", strategy=strategy, schedule="none", seed=seed, fix=planted.fix)
    space, begun = space_of(options, bench), portfolio(bench.task.portfolio)
    searcher = strategy_of(options, space, begun, (Fidelity(planted.examples),), trials)
    with Study.create(folder / "study", {}) as study, LocalPool(workers) as pool:
        evaluator = FullEvaluator(pool, bench.folder, folder / "study", timeout_s=600)
        found: list[Trial] = []
        search(study, searcher, evaluator, trials=trials, on_trial=found.append)
    found.sort(key=lambda trial: trial.proposal.number)
    best = max(found, key=lambda trial: trial.score)
    shutil.rmtree(folder)
    return {
        "scores": [None if trial.failed else round(trial.score, 4) for trial in found],
        "portfolio": max(trial.score for trial in found if trial.proposal.why.startswith("portfolio")),
        "winner": line(best.proposal.candidate),
        "why": best.proposal.why,
        "trained_s": round(sum(trial.seconds for trial in found), 1),
    }


def best_of(row: dict[str, Any]) -> float:
    return max(score for score in row["scores"] if score is not None)


def first_solved(row: dict[str, Any], threshold: float) -> int | None:
    """After how many trials it was solved."""
    return next((n for n, score in enumerate(row["scores"], 1) if score is not None and score >= threshold), None)


def show(found: dict[tuple[str, str, int], dict[str, Any]], trials: int, console: Console) -> bool:
    """The table; whether evolution earned its name on every task."""
    table = Table(title=f"Searches of {trials} trials, from the portfolio")
    table.add_column("task")
    table.add_column("search")
    for name in ("portfolio", "solved", "after trials", "best score, mean of the seeds", "seconds a trial"):
        table.add_column(name, justify="right")
    earned = True
    for planted in [one for one in TASKS if any(key[0] == one.name for key in found)]:
        rows = {s: [row for key, row in found.items() if key[:2] == (planted.name, s)] for s in STRATEGIES}
        solved, best = {}, {}
        for strategy, runs in rows.items():
            after = [first_solved(row, planted.solved) for row in runs]
            solved[strategy] = sum(n is not None for n in after)
            best[strategy] = np.array([best_of(row) for row in runs])
            seconds = sum(row["trained_s"] for row in runs) / sum(len(row["scores"]) for row in runs)
            table.add_row(
                f"{planted.name} (from {planted.solved})",
                strategy,
                f"{max(row['portfolio'] for row in runs):.3f}",
                f"{solved[strategy]} of {len(runs)}",
                ", ".join("-" if n is None else str(n) for n in after),
                cell(best[strategy]),
                f"{seconds:.1f}",
            )
        gain = best["evolution"] - best["random"]
        table.add_row("", "gain", "", f"{solved['evolution'] - solved['random']:+d}", "", cell(gain), "")
        table.add_section()
        better = solved["evolution"] > solved["random"] or interval(gain)[0] > 0
        earned &= better and solved["evolution"] >= 0.8 * len(gain)
    console.print(table)
    return earned


def known(path: Path, trials: int) -> dict[tuple[str, str, int], dict[str, Any]]:
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    rows = [row for row in map(json.loads, lines) if row["trials"] == trials]
    return {(row["task"], row["strategy"], row["seed"]): row for row in rows}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default=",".join(one.name for one in TASKS))
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1, help="processes that train at once")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks/planted"), help="where results are kept")
    options = parser.parse_args(argv)
    console = Console(width=None if sys.stdout.isatty() else 150)  # a file has room for the whole table
    options.out.mkdir(parents=True, exist_ok=True)
    found = known(options.out / RESULTS, options.trials)
    asked = {}
    for seed in range(options.seeds):
        for planted in [one for one in TASKS if one.name in options.tasks.split(",")]:
            for strategy in STRATEGIES:
                key = planted.name, strategy, seed
                if key not in found:
                    console.print(f"{time.strftime('%H:%M:%S')} {planted.name}, {strategy}, seed {seed}")
                    row = {"task": planted.name, "strategy": strategy, "seed": seed, "trials": options.trials}
                    folder = options.out / "-".join(map(str, key))
                    row |= run(planted, strategy, seed, options.trials, options.workers, folder)
                    with (options.out / RESULTS).open("a", encoding="utf-8") as opened:
                        opened.write(json.dumps(row) + "\n")
                    found[key] = row
                asked[key] = found[key]
    earned = show(asked, options.trials, console)
    console.print("The search earns its name." if earned else "The search does NOT earn its name on every task.")
    return 0 if earned else 1


if __name__ == "__main__":
    sys.exit(main())

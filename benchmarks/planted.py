"""Does the search earn its name? Three generated tasks that no hand-made network solves and some in the space do.

    python -m benchmarks.planted [--tasks recall,nesting,change] [--trials 100] [--seeds 5] [--first-seed 0]

Each task has easy and hard rows and some between, so that every step to a better network shows in its score.
Evolution and random search begin from the same portfolio, train every candidate alike and end when the task is solved,
or with the trials. A seed is of the data as well as of the search. The portfolio is also trained as it is made, with
recurrences, attention and wide kernels. The searches do without these, because they are slow at this size: a trial has
100 steps of 64 short rows in a convolutional network of width 32, half a second to a second on one core. Results are
kept in a folder, and what is done is not run again. Exit code 1 unless no member of the portfolio solves a task,
evolution does in four of five seeds, and more often or by better scores than random search.
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
AS_MADE = "portfolio"  # no search: its members as they are made, but for their width
RESULTS = "results.jsonl"
STEPS = (1, 4, 7, 11)  # from a marker to its value
GAPS, LONGEST = (8, 60, 110, 150), 184  # between two bursts; of a series
VALID = 400  # rows to judge by
SMALL = ("/architecture/body/width=32", "/architecture/body/layers/*/mixer/hidden=32")
WORDS = ("/architecture/sequence/stem=words", "/recipe/batch_size=64")  # nothing is to be learnt from spelling

Made = tuple[list[Any], np.ndarray]  # inputs, labels (N,)


def recall(rng: np.random.Generator, rows: int) -> Made:
    """One marker of four kinds among values: which value stands as many steps behind it as its kind tells?

    A network solves the kinds that its view reaches, so that every wider one solves a quarter more.
    """
    kinds = rng.integers(len(STEPS), size=rows)
    texts, labels = [], []
    for kind in kinds:
        words = [f"value{v}" for v in rng.integers(4, size=rng.integers(14, 18))]
        place = rng.integers(len(words) - STEPS[kind])
        labels.append(int(words[place + STEPS[kind]][-1]))
        words[place] = f"marker{kind}"
        texts.append(" ".join(words))
    return texts, np.array(labels)


def nesting(rng: np.random.Generator, rows: int, deepest: int = 6) -> Made:
    """Brackets that open and close among noise: how deep do they nest, at the deepest?"""
    texts: list[str] = []
    depths = rng.integers(1, deepest + 1, size=rows)
    for goal in depths:
        reached = 0
        while reached != goal:
            words, depth, reached, length = [], 0, 0, rng.integers(15, 19)
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


def change(rng: np.random.Generator, rows: int, burst: int = 12, noise: float = 0.3) -> Made:
    """Two bursts of an oscillation in noise, near or far from one another: does the frequency rise, fall or stay?

    No pooled part tells a rise from a fall: a network must see both bursts at once, and does so up to some gap.
    """
    series, changes = [], rng.integers(3, size=rows)
    for changed in changes:
        first = rng.integers(2) if changed == 0 else changed - 1
        second = first if changed == 0 else 1 - first
        gap = rng.choice(GAPS)
        before = rng.integers(LONGEST - gap - 2 * burst)
        x = rng.normal(0, noise, LONGEST)
        for begin, which in ((before, first), (before + burst + gap, second)):
            period = (8.0, 3.5)[which] * np.exp(rng.normal(0, 0.05))
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
        ban: what would make trials slow.
    """

    name: str
    kind: str
    make: Callable[[np.random.Generator, int], Made]
    rows: int
    examples: int
    solved: float
    fix: tuple[str, ...]
    ban: tuple[str, ...] = ()


SLOW = ("attention", "lstm", "gru", "rnn", "mingru", "ssm", "parallel")
WIDE = ("/architecture/**/kernel/15", "/architecture/**/kernel/31")  # of the convolutions
FINE = ("/architecture/**/stride/1", "/architecture/**/stride/2")
TEXT, SERIES = (*SMALL, *WORDS), (*SMALL, "/recipe/batch_size=64")

TASKS = (
    Planted("recall", "text-classification", recall, 1200, 6_400, 0.85, TEXT, SLOW + WIDE),
    Planted("nesting", "text-classification", nesting, 1200, 6_400, 0.9, TEXT, SLOW + WIDE),
    Planted("change", "series-classification", change, 1200, 6_400, 0.9, SERIES, SLOW + WIDE + FINE),
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
    begun = portfolio(bench.task.portfolio)
    given: dict[str, Any] = {"schedule": "none", "seed": seed, "fix": planted.fix}
    if strategy == AS_MADE:
        trials = len(begun)
    else:
        given |= {"strategy": strategy, "ban": planted.ban}
    options = Options(budget=f"{trials}trials", **given)
    space = space_of(options, bench)
    searcher = strategy_of(options, space, begun, (Fidelity(planted.examples),), trials)
    with Study.create(folder / "study", {}) as study, LocalPool(workers) as pool:
        evaluator = FullEvaluator(pool, bench.folder, folder / "study", timeout_s=600)
        found: list[Trial] = []

        def solved() -> bool:
            return strategy != AS_MADE and any(trial.score >= planted.solved for trial in found)

        search(study, searcher, evaluator, trials=trials, stop=solved, on_trial=found.append)
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
        made = max(best_of(row) for key, row in found.items() if key[:2] == (planted.name, AS_MADE))
        solved, best = {}, {}
        for strategy, runs in rows.items():
            after = [first_solved(row, planted.solved) for row in runs]
            solved[strategy] = sum(n is not None for n in after)
            best[strategy] = np.array([best_of(row) for row in runs])
            seconds = sum(row["trained_s"] for row in runs) / sum(len(row["scores"]) for row in runs)
            table.add_row(
                f"{planted.name} (from {planted.solved})",
                strategy,
                f"{made:.3f}",
                f"{solved[strategy]} of {len(runs)}",
                ", ".join("-" if n is None else str(n) for n in after),
                cell(best[strategy]),
                f"{seconds:.1f}",
            )
        gain = best["evolution"] - best["random"]
        table.add_row("", "gain", "", f"{solved['evolution'] - solved['random']:+d}", "", cell(gain), "")
        table.add_section()
        better = solved["evolution"] > solved["random"] or interval(gain)[0] > 0
        earned &= made < planted.solved and better and solved["evolution"] >= 0.8 * len(gain)
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
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="processes that train at once")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks/planted"), help="where results are kept")
    options = parser.parse_args(argv)
    console = Console(width=None if sys.stdout.isatty() else 150)  # a file has room for the whole table
    options.out.mkdir(parents=True, exist_ok=True)
    found = known(options.out / RESULTS, options.trials)
    asked = {}
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for planted in [one for one in TASKS if one.name in options.tasks.split(",")]:
            for strategy in (AS_MADE, *STRATEGIES):
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

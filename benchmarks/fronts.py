"""How much of the true front is found: score against latency on NAS-Bench-201, where every cell's latency is known.

    python -m benchmarks.fronts --data FOLDER/nb201_200epoch_cifar10.csv --seeds 20

Printed is the hypervolume that the evaluated cells command, as a share of the whole table's, with a 95 % interval over
seeds: of random search, of evolution (which raises the score alone) and of NSGA-II. Reference: 85 % accuracy and the
slowest cell. Exit code 1 where NSGA-II is not above both at the last look.
"""

import argparse
import csv
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from seqwright.arch.candidate import Candidate
from seqwright.deliver.strategies import strategy_named
from seqwright.errors import DataError
from seqwright.evaluate.nas_bench_201 import digits, read, space
from seqwright.search.pareto import hypervolume, points
from seqwright.search.random_search import WHOLE
from seqwright.study.record import Proposal, Trial
from seqwright.testing.strategy import Game

LOOKS = (50, 100, 200)
STRATEGIES = ("random", "evolution", "nsga2")
ACCURACY = 85.0  # of the reference point
NAMES = ("latency_ms",)


def known(path: Path) -> dict[Candidate, Trial]:
    """Every cell of the table as a trial.

    Raises:
        DataError: the file is missing, has no latency, or holds something else.
    """
    table = read(path)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if "latency" not in rows[0]:
        raise DataError(f"{path} has no column latency. Give a csv of NAS-Bench-201 that has one.")
    latency_ms = {row["arch"]: 1000 * float(row["latency"]) for row in rows}
    return {
        candidate: Trial(Proposal(candidate), entry.score, costs={NAMES[0]: latency_ms[digits(candidate.architecture)]})
        for candidate, entry in table.items()
    }


def front(rows: np.ndarray) -> np.ndarray:
    """Rows (N, 2) that none dominates, by a sweep from the cheapest: the table is too large to compare all pairs."""
    ordered = rows[np.lexsort((-rows[:, 0], -rows[:, 1]))]
    best = np.maximum.accumulate(ordered[:, 0])
    return ordered[np.r_[True, ordered[1:, 0] > best[:-1]]]


def shares(trials: dict[Candidate, Trial], seeds: int) -> dict[str, np.ndarray]:
    """(seeds, looks) shares of the whole hypervolume, by strategy."""
    whole = points(list(trials.values()), NAMES)
    reference = np.array([ACCURACY, whole[:, 1].min()])
    most = hypervolume(front(whole), reference)

    def judge(proposal: Proposal) -> Trial:
        return replace(trials[proposal.candidate], proposal=proposal)

    def career(name: str, seed: int) -> list[float]:
        strategy = strategy_named(name, "none", space(), (WHOLE,), LOOKS[-1], objectives=NAMES, seed=seed)
        told = points(Game(strategy, judge).play(LOOKS[-1]).told, NAMES)
        return [hypervolume(told[:look], reference) / most for look in LOOKS]

    return {name: np.array([career(name, seed) for seed in range(seeds)]) for name in STRATEGIES}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=20)
    given = parser.parse_args(arguments)
    try:
        found = shares(known(given.data), given.seeds)
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    shown = Table(title=f"Share of the true front's hypervolume, {given.seeds} seeds")
    shown.add_column("strategy")
    for look in LOOKS:
        shown.add_column(f"after {look}", justify="right")
    for name, rows in found.items():
        wide = 1.96 * rows.std(0, ddof=min(1, len(rows) - 1)) / np.sqrt(len(rows))
        shown.add_row(name, *(f"{mean:.3f} ± {w:.3f}" for mean, w in zip(rows.mean(0), wide, strict=True)))
    Console().print(shown)
    last = {name: rows[:, -1].mean() for name, rows in found.items()}
    return int(last["nsga2"] <= max(last["random"], last["evolution"]))


if __name__ == "__main__":
    sys.exit(main())

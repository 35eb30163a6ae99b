"""Does evolution beat random search? Both on NAS-Bench-201, where every answer is known.

    python -m benchmarks.tables --data PATH/nb201_200epoch_cifar10.csv

Regret is the best mean validation accuracy in the table less that of the best candidate found, in points. Regularized
evolution has the published constants: a population of 100, tournaments of 25. Exit code 1 if it does not win.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from seqwright.arch.candidate import Candidate
from seqwright.errors import InputError
from seqwright.evaluate import nas_bench_201
from seqwright.evaluate.table import Entry, TableEvaluator
from seqwright.search.evolution import Evolution
from seqwright.search.random_search import RandomSearch
from seqwright.search.strategy import Strategy

LOOKS = (200, 400)  # evaluations after which regret is read
STRATEGIES: dict[str, Callable[[int], Strategy]] = {
    "random search": lambda seed: RandomSearch(nas_bench_201.space(), seed=seed),
    "regularized evolution": lambda seed: Evolution(nas_bench_201.space(), seed=seed, population=100, sample=25),
}


def regrets(table: dict[Candidate, Entry], strategy: Strategy, looks: Sequence[int] = LOOKS) -> list[float]:
    """Regret of the best candidate found so far, after so many evaluations, one at a time."""
    best_of_all = max(entry.score for entry in table.values())
    evaluator, found = TableEvaluator(table), []
    for number in range(max(looks)):
        (proposal,) = strategy.ask(1)
        evaluator.submit(replace(proposal, number=number))
        trials = evaluator.collect()
        strategy.tell(trials)
        found.append(trials[0].score)
    return [best_of_all - max(found[:look]) for look in looks]


def interval(values: np.ndarray, draws: int = 10_000) -> tuple[float, float]:
    """95 % interval of the mean of (N,) values, by bootstrap over them."""
    index = np.random.default_rng(0).integers(len(values), size=(draws, len(values)))
    low, high = np.percentile(values[index].mean(1), (2.5, 97.5))
    return float(low), float(high)


def cell(values: np.ndarray, digits: int = 3) -> str:
    low, high = interval(values)
    return f"{values.mean():.{digits}f}  [{low:.{digits}f}, {high:.{digits}f}]"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the csv table")
    parser.add_argument("--seeds", type=int, default=30)
    options = parser.parse_args(argv)
    console = Console()
    try:
        table = nas_bench_201.read(options.data)
    except InputError as error:
        console.print(str(error), style="red", markup=False)
        return error.exit_code
    found = {}  # strategy -> (seeds, looks)
    for name, make in STRATEGIES.items():
        with console.status(f"{name}, {options.seeds} seeds"):
            found[name] = np.array([regrets(table, make(seed)) for seed in range(options.seeds)])
    gain = found["random search"] - found["regularized evolution"]
    out = Table(title=f"Validation regret in points, mean of {options.seeds} seeds with its 95 % interval")
    out.add_column("")
    for look in LOOKS:
        out.add_column(f"{look} evaluations", justify="right")
    for name, values in found.items():
        out.add_row(name, *(cell(column) for column in values.T))
    out.add_section()
    out.add_row("evolution's gain", *(cell(column) for column in gain.T))
    console.print(out)
    won = all(interval(column)[0] > 0 for column in gain.T)
    console.print("Evolution beats random search." if won else "Evolution does NOT beat random search.")
    return 0 if won else 1


if __name__ == "__main__":
    sys.exit(main())

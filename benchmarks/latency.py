"""How well latency is guessed: the model that `--limit latency_ms` uses, on measured Transformers of three devices.

    python -m benchmarks.latency --data FOLDER [--seeds 20]

FOLDER holds the csv files of HAT (Wang et al. 2020, arXiv:2005.14187): translation networks by ten numbers, each timed.
The model learns from some rows and is asked about all others: its mean relative error, the rank correlation, and how
often a network is quicker than the bound by which it would have been refused (5 % were promised). Beside it stand a
forest on the same rows and, for scale, the mean of the logarithm alone.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr
from sklearn.ensemble import RandomForestRegressor

from benchmarks.tables import cell
from seqwright.search.cost_model import CostModel

SEEN = (20, 50, 200, 1000)  # rows to learn from
TIMES = ("latency_mean_encoder", "latency_mean_decoder")


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """(N, 10) numbers that describe each network, (N,) milliseconds of encoder and decoder together."""
    named = np.genfromtxt(path, delimiter=",", names=True)
    assert named.dtype.names is not None
    given = [name for name in named.dtype.names if not name.startswith("latency")]
    return np.stack([named[name] for name in given], 1), np.sum([named[name] for name in TIMES], 0)


def ours(x: np.ndarray, y: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(M,) guesses and (M,) bounds for `asked`; what stands for a candidate is its row of numbers."""

    def describe(row: Any) -> Any:
        return np.log1p(row), np.zeros(0)

    model: Any = CostModel(describe)
    known, rows = ([tuple(row) for row in given] for given in (x, asked))
    for row, cost in zip(known, y, strict=True):
        model.learn(row, cost)
    return np.exp([model.predict(row)[0] for row in rows]), np.array([model.least(row) for row in rows])


def forest(x: np.ndarray, y: np.ndarray, asked: np.ndarray) -> np.ndarray:
    return np.exp(RandomForestRegressor(random_state=0).fit(x, np.log(y)).predict(asked))


def measured(x: np.ndarray, y: np.ndarray, seen: int, seed: int) -> list[float]:
    """Our relative error, rank correlation and share of wrong bounds; the errors of a forest and of the mean."""
    learnt, rest = np.split(np.random.default_rng(seed).permutation(len(x)), [seen])

    def error(guesses: Any) -> float:
        return float(np.mean(np.abs(guesses / y[rest] - 1)))

    guesses, bounds = ours(x[learnt], y[learnt], x[rest])
    ranks: Any = spearmanr(guesses, y[rest])
    wrong = float(np.mean(y[rest] < bounds))
    rivals = forest(x[learnt], y[learnt], x[rest]), np.exp(np.log(y[learnt]).mean())
    return [error(guesses), float(ranks.statistic), wrong, *map(error, rivals)]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args(argv)
    table = Table(title="Latency, guessed from so many measured networks; mean over draws and its 95 % interval")
    for head in ("device", "rows", "relative error", "rank correlation", "quicker than its bound", "forest", "mean"):
        table.add_column(head, justify="left" if head == "device" else "right")
    for path in sorted(options.data.glob("*.csv")):
        x, y = read(path)
        for seen in SEEN:
            rows = np.array([measured(x, y, seen, seed) for seed in range(options.seeds)])
            table.add_row(path.stem, str(seen), *map(cell, rows.T))
        table.add_section()
    Console(width=None if sys.stdout.isatty() else 170).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The front of a table, and that what a benchmark prints of it is true."""

import csv
from itertools import product
from pathlib import Path
from random import Random

import numpy as np
import pytest

from benchmarks import fronts
from seqwright.search.pareto import fronts as peeled


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All cells: what costs more is better on the whole."""
    rng, path = Random(0), tmp_path_factory.mktemp("table") / "cells.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["arch", "val_acc_0", "train_time", "latency"])
        for cell in product(range(5), repeat=6):
            price = sum(cell) + 1
            writer.writerow(["".join(map(str, cell)), 84 + price / 3 + rng.gauss(0, 1), 1.0, price / 1000])
    return path


def test_the_sweep_finds_the_front() -> None:
    rows = np.random.default_rng(0).integers(0, 9, (60, 2)).astype(float)
    expected = np.unique(rows[peeled(rows) == 0], axis=0)
    assert np.array_equal(np.unique(fronts.front(rows), axis=0), expected)


def test_shares_rise_and_end_below_one(table: Path) -> None:
    found = fronts.shares(fronts.known(table), 1)
    assert set(found) == {"random", "evolution", "nsga2"}
    for rows in found.values():
        assert rows.shape == (1, 3) and (np.diff(rows) >= 0).all() and (rows > 0).all() and (rows <= 1).all()


def test_the_command(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fronts.main(["--data", str(table), "--seeds", "2"]) == 0
    assert "nsga2" in capsys.readouterr().out
    assert fronts.main(["--data", str(tmp_path / "none.csv")]) == 2

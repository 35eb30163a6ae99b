"""Made-up landscapes are what they are called."""

from itertools import pairwise

import numpy as np
import pytest
from benchmarks.landscapes import BLOCK, LANDSCAPES, cells, deceptive, main, rugged, smooth


@pytest.fixture(scope="module")
def known() -> np.ndarray:
    return cells()[2]


def summits(known: np.ndarray, scores: np.ndarray) -> int:
    """Cells that no single edit betters."""
    by_cell = scores.reshape((known.max() + 1,) * known.shape[1])
    best = np.ones_like(by_cell, bool)
    for axis in range(by_cell.ndim):
        best &= by_cell >= by_cell.max(axis, keepdims=True)
    return int(best.sum())


def test_smooth_has_one_summit_rugged_many(known: np.ndarray) -> None:
    assert summits(known, smooth(known, np.random.default_rng(1))) == 1
    assert summits(known, rugged(known, np.random.default_rng(1))) > 20


def test_deceptive_leads_away_from_the_best(known: np.ndarray) -> None:
    scores = deceptive(known, np.random.default_rng(2))
    best = known[scores.argmax()]
    hits = (known == best).sum(1)
    means = [scores[hits == n].mean() for n in range(known.shape[1])]
    assert all(a > b for a, b in pairwise(means[:BLOCK]))


def test_prints_a_table_for_each_and_refuses_what_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--strategies", "random,local", "--seeds", "1", "--landscapes", "smooth"]) == 0
    assert "smooth: regret" in capsys.readouterr().out
    assert main(["--landscapes", "smoth"]) == 2
    said = capsys.readouterr().out
    assert 'Did you mean "smooth"' in said and all(name in said for name in LANDSCAPES)

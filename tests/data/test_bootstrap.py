"""Intervals: known spread, coverage, pairing, direction, speed."""

import time
from dataclasses import dataclass, field

import numpy as np
import pytest

from seqwright.data.bootstrap import gain, interval, paired
from seqwright.data.metrics import Accuracy, MacroF1, SpanF1, score
from seqwright.errors import DataError


def coins(share, count, seed):
    return Accuracy().statistics((np.random.default_rng(seed).random(count) < share).astype(int), np.ones(count, int))


def test_standard_error_of_a_share_is_the_binomial_one():
    found = interval(Accuracy(), coins(0.8, 2000, 0), resamples=4000)
    assert found.standard_error == pytest.approx(np.sqrt(found.value * (1 - found.value) / 2000), rel=0.05)
    assert found.high - found.low == pytest.approx(2 * 1.96 * found.standard_error, rel=0.1)


def test_covers_the_truth_nineteen_times_in_twenty():
    hits = 0
    for seed in range(300):
        found = interval(Accuracy(), coins(0.7, 200, seed), resamples=400, seed=seed)
        hits += found.low <= 0.7 <= found.high
    assert 0.90 <= hits / 300 <= 0.985


def test_is_the_same_for_the_same_seed_only():
    statistics = coins(0.6, 500, 3)
    assert interval(Accuracy(), statistics, seed=1) == interval(Accuracy(), statistics, seed=1)
    assert interval(Accuracy(), statistics, seed=1) != interval(Accuracy(), statistics, seed=2)


def test_resamples_rows_and_so_whole_sentences():
    """Twenty tokens of a sentence that stand or fall together are one observation, not twenty."""
    rng = np.random.default_rng(0)
    right = rng.random(100) < 0.5
    targets = [np.ones(20, int)] * 100
    labels = ("O", "B-x")
    found = interval(SpanF1(labels), SpanF1(labels).statistics([np.full(20, r) for r in right], targets))
    assert found.standard_error > 0.03  # by token it would be near 0.01


def test_blocks_of_resamples_change_nothing(monkeypatch):
    statistics = coins(0.6, 50, 3)
    whole = interval(Accuracy(), statistics)
    monkeypatch.setattr("seqwright.data.bootstrap._CELLS", 50 * 7)
    assert interval(Accuracy(), statistics) == whole


def test_pairing_cancels_what_is_hard_for_both():
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 1000)
    theirs = np.where(rng.random(1000) < 0.7, targets, 1 - targets)
    ours = theirs.copy()
    wrong = np.flatnonzero(theirs != targets)[:20]
    ours[wrong] = targets[wrong]
    found = gain(Accuracy(), ours, theirs, targets)
    assert found.value == pytest.approx(0.02) and found.excludes_zero and found.standard_error < 0.006
    assert not gain(Accuracy(), theirs, theirs, targets).excludes_zero


def test_a_gain_is_positive_when_lower_is_better():
    @dataclass(frozen=True)
    class Error:
        name: str = "error"
        higher_is_better: bool = False
        inner: Accuracy = field(default_factory=Accuracy)

        def statistics(self, predictions, targets):
            return self.inner.statistics(predictions, targets)

        def reduce(self, sums):
            return 1 - self.inner.reduce(sums)

    targets = np.zeros(100, int)
    ours, theirs = np.repeat([0, 1], [90, 10]), np.repeat([0, 1], [60, 40])
    found = gain(Error(), ours, theirs, targets)
    assert found.value == pytest.approx(0.3) and found.low > 0


def test_weights_scale_the_rows():
    statistics = Accuracy().statistics([0, 0, 1], [0, 0, 0])
    assert interval(Accuracy(), statistics, weights=np.array([1, 1, 2.0])).value == pytest.approx(0.5)


def test_a_hundred_classes_take_about_a_second():
    rng = np.random.default_rng(0)
    predicted, targets = rng.integers(0, 100, 3000), rng.integers(0, 100, 3000)
    start = time.perf_counter()
    found = interval(MacroF1(100), MacroF1(100).statistics(predicted, targets))
    assert time.perf_counter() - start < 3
    assert found.value == pytest.approx(score(MacroF1(100), predicted, targets))


def test_no_rows_and_unequal_rows_are_refused():
    with pytest.raises(DataError, match="no labelled example"):
        interval(Accuracy(), np.zeros((0, 2)))
    with pytest.raises(DataError, match="3 rows against 2"):
        paired(Accuracy(), np.zeros((3, 2)), np.zeros((2, 2)))

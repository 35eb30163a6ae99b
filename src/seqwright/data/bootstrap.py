"""How sure a score is: percentile bootstrap intervals (Efron 1979) of a metric and of a difference of two.

A resample of N examples is a vector of counts, so that all resamples are `counts @ statistics`, then `reduce`.
Both sides of a difference see the same resamples: what is hard for both cancels (a paired bootstrap).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqwright.data.task import Metric
from seqwright.errors import DataError

RESAMPLES = 1000
_CELLS = 4_000_000  # counts held at once: 32 MB


@dataclass(frozen=True)
class Interval:
    """A value, its 95 % interval and its standard error.

    An interval of width 0 says that every resample gave the same (all examples right, say), not that there is no doubt.
    """

    value: float
    low: float
    high: float
    standard_error: float

    @property
    def excludes_zero(self) -> bool:
        """For a difference: whether it is told apart from none at all."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def interval(
    metric: Metric,
    statistics: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Interval:
    """The metric with its percentile interval.

    Args:
        statistics: (N, S) from `metric.statistics`; a row is the unit that is resampled.
        weights: (N,) sample weights, or None.

    Raises:
        DataError: there is no row; give at least one labelled example.
    """
    weighted = _weighted(statistics, weights)
    [sums] = _resample([weighted], seed, resamples)
    return _of(float(metric.reduce(weighted.sum(0))), metric.reduce(sums), level)


def paired(
    metric: Metric,
    ours: np.ndarray,
    theirs: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> Interval:
    """The gain of ours over theirs on the same rows; above 0 when ours is better, whichever way the metric points.

    Args:
        ours, theirs: (N, S) statistics of the two predictions, row by row of the same example.

    Raises:
        DataError: no rows, or not the same number of them.
    """
    if len(ours) != len(theirs):
        raise DataError(f"A paired difference needs the same examples: {len(ours)} rows against {len(theirs)}.")
    ours, theirs = _weighted(ours, weights), _weighted(theirs, weights)
    sign = 1.0 if metric.higher_is_better else -1.0
    our_sums, their_sums = _resample([ours, theirs], seed, resamples)
    value = sign * float(metric.reduce(ours.sum(0)) - metric.reduce(theirs.sum(0)))
    return _of(value, sign * (metric.reduce(our_sums) - metric.reduce(their_sums)), level)


def gain(metric: Metric, ours: Any, theirs: Any, targets: Any, *, seed: int = 0) -> Interval:
    """`paired`, from decoded predictions and targets."""
    return paired(metric, metric.statistics(ours, targets), metric.statistics(theirs, targets), seed=seed)


def _weighted(statistics: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    if not len(statistics):
        raise DataError("There is nothing to score: no labelled example. Give a file with at least one.")
    return statistics if weights is None else statistics * np.asarray(weights, np.float64)[:, None]


def _resample(many: list[np.ndarray], seed: int, resamples: int) -> list[np.ndarray]:
    """For each (N, S) the (R, S) sums of R resamples, the same resamples for all."""
    rng = np.random.default_rng([seed, 0xB007])
    count = len(many[0])
    block = max(1, min(resamples, _CELLS // count))
    sums = [np.empty((resamples, statistics.shape[1])) for statistics in many]
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = rng.integers(0, count, (rows, count)) + count * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)
        for out, statistics in zip(sums, many, strict=True):
            out[start : start + rows] = counts @ statistics
    return sums


def _of(value: float, scores: np.ndarray, level: float) -> Interval:
    low, high = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high), float(scores.std(ddof=1)) if len(scores) > 1 else 0.0)

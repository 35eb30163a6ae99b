"""Where a learning curve will end, judged by its beginning and by the curves of others.

Swersky, Snoek & Adams 2014, arXiv:1406.3896: a curve is its end, which nobody knows, and a mixture of exponential
decays, whose covariance is (b / (t + t' + b))^a. Ours differs: the decay has a mean of its own, since curves rise, as
(b / (t + b))^a times a height that all share; the ends of two candidates are independent; and a, b and the
variances are the likeliest of a grid, so that a fit is quick and repeatable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

POINTS = 6  # of a curve that are looked at
MOST = 100  # curves that the constants are learnt from, the newest
POWERS, SCALES = (0.5, 1.5), (0.03, 0.2, 1.0)  # of time, in trainings to the end
ENDS, DECAYS, NOISES = (0.5, 1.0), (0.03, 0.1, 0.3, 1.0, 3.0), (0.03, 0.15)  # deviations, in those of the last scores
RIDGE = 0.1  # holds the mean end and the height where little is known

Curve = Sequence[tuple[float, float]]  # (time from 0 to 1, score), ascending


@dataclass(frozen=True)
class _Constants:
    power: float
    scale: float
    end: float
    decay: float
    noise: float

    def covariance(self, t: np.ndarray, other: np.ndarray) -> np.ndarray:
        """(N, A, B) of what is behind the noise at times (N, A) and (N, B)."""
        apart = (self.scale / (t[:, :, None] + other[:, None, :] + self.scale)) ** self.power
        return self.end**2 + self.decay**2 * apart

    def basis(self, t: np.ndarray) -> np.ndarray:
        """(N, A, 2): the mean is the end's and the height's, times these."""
        return np.stack([np.ones_like(t), -((self.scale / (t + self.scale)) ** self.power)], -1)


class LearningCurves:
    """Curves of one space, learnt from together. Times run from 0 to 1, where training ends."""

    def __init__(self) -> None:
        self._constants = _Constants(1.0, 0.1, 1.0, 0.3, 0.1)
        self._mean = np.zeros(2)
        self._shift, self._unit = 0.0, 1.0

    def fit(self, curves: Sequence[Curve]) -> None:
        """Learn the constants from one curve or more."""
        chosen = curves[-MOST:]
        last = np.array([curve[-1][1] for curve in chosen])
        self._shift = float(np.median(last))
        self._unit = max(float(np.percentile(last, 84) - np.percentile(last, 16)) / 2, 1e-9)
        t, y, there = self._table(chosen)
        best = -np.inf
        for constants in map(_Constants, *zip(*product(POWERS, SCALES, ENDS, DECAYS, NOISES), strict=True)):
            inverse, volume = _inverted(constants, t, there)
            basis = constants.basis(t) * there[..., None]
            mean = _regressed(basis, inverse, y)
            rest = y - basis @ mean
            likelihood = -0.5 * float(np.einsum("na,nab,nb->", rest, inverse, rest) + volume + RIDGE * mean @ mean)
            if likelihood > best + 1e-6:
                best, self._constants, self._mean = likelihood, constants, mean

    def ends(self, curves: Sequence[Curve]) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the scores at time 1, each (N,)."""
        t, y, there = self._table(curves)
        inverse, _ = _inverted(self._constants, t, there)
        at = np.ones((len(t), 1))
        rest = y - (self._constants.basis(t) * there[..., None]) @ self._mean
        cross = self._constants.covariance(t, at)[:, :, 0] * there
        weights = np.einsum("na,nab->nb", cross, inverse)
        mean = (self._constants.basis(at) @ self._mean)[:, 0] + (weights * rest).sum(1)
        variance = self._constants.covariance(at, at)[:, 0, 0] - (weights * cross).sum(1) + self._constants.noise**2
        return self._shift + self._unit * mean, self._unit * np.sqrt(np.maximum(variance, 1e-12))

    def _table(self, curves: Sequence[Curve]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Times, scores, and whether there is a point, each (N, POINTS)."""
        t, y, there = (np.zeros((len(curves), POINTS)) for _ in range(3))
        for row, curve in enumerate(curves):
            points = thinned(curve)
            t[row, : len(points)], y[row, : len(points)] = zip(*points, strict=True)
            there[row, : len(points)] = 1.0
        return t, there * (y - self._shift) / self._unit, there


def thinned(curve: Curve) -> list[tuple[float, float]]:
    """At most POINTS of a curve: the first, the last, and between them those that halve what is left.

    >>> [int(t) for t, _ in thinned([(float(t), 0.0) for t in range(1, 65)])]
    [1, 2, 5, 12, 28, 64]
    """
    if len(curve) <= POINTS:
        return list(curve)
    wanted = np.geomspace(curve[0][0], curve[-1][0], POINTS)
    nearest = {min(range(len(curve)), key=lambda i: (abs(curve[i][0] - time), i)) for time in wanted}
    return [curve[i] for i in sorted(nearest)]


def _inverted(constants: _Constants, t: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, float]:
    """Inverses (N, POINTS, POINTS), 1 where there is no point, and the sum of all volumes' logarithms."""
    both = there[:, :, None] * there[:, None, :]
    k = constants.covariance(t, t) * both
    k += np.eye(t.shape[1]) * np.where(there, constants.noise**2, 1.0)[:, :, None]
    return np.linalg.inv(k), float(np.linalg.slogdet(k)[1].sum())


def _regressed(basis: np.ndarray, inverse: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The likeliest mean end and height."""
    left = np.einsum("nai,nab,nbj->ij", basis, inverse, basis, optimize=True) + RIDGE * np.eye(2)
    return np.linalg.solve(left, np.einsum("nai,nab,nb->i", basis, inverse, y, optimize=True))

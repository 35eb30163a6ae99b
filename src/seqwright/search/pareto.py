"""Better in one thing and worse in none: sorting by dominance, crowding, and the volume that a front commands.

Non-dominated sorting and crowding distance are those of Deb et al. 2002 (NSGA-II, IEEE TEC 6(2)); hypervolume is
that of Zitzler & Thiele 1999. Points are (N, M), higher is better in each of M objectives; costs enter as minus their
logarithm, so that half as dear counts the same everywhere.
"""

import math
from collections.abc import Sequence

import numpy as np

from seqwright.study.record import Trial


def points(trials: Sequence[Trial], names: Sequence[str]) -> np.ndarray:
    """(N, 1 + M) of trials: the score, and minus log2 of each cost. What was not measured is worse than all that was.

    A trial that failed has the worst of everything.
    """
    rows = [[trial.score, *(-_log(trial.costs.get(name)) for name in names)] for trial in trials]
    found = np.array(rows, float).reshape(len(trials), 1 + len(names))
    found[[trial.failed for trial in trials]] = -np.inf
    for column in found.T:
        known = column[np.isfinite(column)]
        column[~np.isfinite(column)] = known.min() - 1 if len(known) else 0.0
    return found


def _log(cost: float | None) -> float:
    return math.inf if cost is None or not cost >= 0 else math.log2(max(cost, 1e-12))


def dominates(points: np.ndarray) -> np.ndarray:
    """(N, N) whether row i is nowhere worse than row j and somewhere better."""
    a, b = points[:, None], points[None]
    return np.logical_and((a >= b).all(-1), (a > b).any(-1))


def fronts(points: np.ndarray) -> np.ndarray:
    """(N,) the front of each point (N, M): 0 where nothing dominates it, 1 where only points of front 0 do, ...

    >>> fronts(np.array([[1, 1], [2, 0], [0, 0], [2, 2]])).tolist()
    [1, 1, 2, 0]
    """
    over = dominates(points)
    place, left = np.zeros(len(points), int), np.ones(len(points), bool)
    number = 0
    while left.any():
        now = left & ~over[left].any(0)
        place[now], left = number, left & ~now
        number += 1
    return place


def crowding(points: np.ndarray) -> np.ndarray:
    """(N,) how far apart the neighbours of each point of one front are, summed over M objectives; inf at the ends."""
    distance = np.zeros(len(points))
    for column in points.T:
        order = np.argsort(column, kind="stable")
        spread = column[order[-1]] - column[order[0]]
        if spread == 0:
            continue  # all alike: nothing is an end
        distance[order[[0, -1]]] = np.inf
        distance[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / spread
    return distance


def order(points: np.ndarray) -> list[int]:
    """Rows of (N, M), best first: by front, then by crowding, then the first objective, then the earlier one."""
    place = fronts(points)
    distance = np.zeros(len(points))
    for number in range(place.max(initial=-1) + 1):
        rows = np.flatnonzero(place == number)
        distance[rows] = crowding(points[rows])
    return sorted(range(len(points)), key=lambda i: (place[i], -distance[i], -points[i, 0], i))


def by_front(trials: Sequence[Trial], names: Sequence[str]) -> list[Trial]:
    """Trials in that order, by their score and the costs `names`."""
    return [trials[i] for i in order(points(trials, names))]


def hypervolume(points: np.ndarray, reference: np.ndarray) -> float:
    """The volume between `reference` (M,) and the points (N, M): of all that some point is better than.

    Exact, by slicing along the last objective; for a few objectives and a hundred points.

    >>> hypervolume(np.array([[2.0, 1.0], [1.0, 3.0]]), np.zeros(2))
    4.0
    """
    inside = points[(points > reference).all(1)] - reference
    return _volume(inside[fronts(inside) == 0]) if len(inside) else 0.0


def _volume(points: np.ndarray) -> float:
    if points.shape[1] == 1:
        return float(points.max())
    ordered = points[np.argsort(-points[:, -1], kind="stable")]
    heights = np.append(ordered[:, -1], 0.0)
    slices = heights[:-1] - heights[1:]
    return sum(float(h) * _volume(ordered[: i + 1, :-1]) for i, h in enumerate(slices) if h > 0)

"""Dominance, fronts, crowding and hypervolume, against their definitions."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqwright.search.pareto import by_front, crowding, fronts, hypervolume, order, points
from seqwright.study.record import Proposal, Trial

SETS = st.integers(1, 3).flatmap(
    lambda m: st.lists(st.tuples(*[st.integers(0, 5)] * m), min_size=1, max_size=12).map(
        lambda rows: np.array(rows, float).reshape(-1, m)
    )
)


def beats(a: np.ndarray, b: np.ndarray) -> bool:
    return all(x >= y for x, y in zip(a, b, strict=True)) and any(x > y for x, y in zip(a, b, strict=True))


@given(SETS)
def test_fronts_are_peeled_one_by_one(given_points: np.ndarray) -> None:
    left, number, place = set(range(len(given_points))), 0, {}
    while left:
        best = {i for i in left if not any(beats(given_points[j], given_points[i]) for j in left)}
        place |= dict.fromkeys(best, number)
        left, number = left - best, number + 1
    assert fronts(given_points).tolist() == [place[i] for i in range(len(given_points))]


@given(SETS)
def test_hypervolume_counts_the_unit_cubes_below(given_points: np.ndarray) -> None:
    """Integer points command whole unit cubes, so the volume can be counted."""
    cells = np.stack(np.meshgrid(*[np.arange(6)] * given_points.shape[1], indexing="ij"), -1).reshape(
        -1, given_points.shape[1]
    )
    commanded = sum(any((cell + 1 <= point).all() for point in given_points) for cell in cells)
    assert hypervolume(given_points, np.zeros(given_points.shape[1])) == pytest.approx(commanded)


def test_what_lies_beyond_the_reference_counts_nothing() -> None:
    assert hypervolume(np.array([[3.0, -1.0], [1.0, 1.0]]), np.zeros(2)) == 1.0
    assert hypervolume(np.zeros((0, 2)), np.zeros(2)) == 0.0


def test_crowding_is_infinite_at_the_ends_and_the_span_of_neighbours_between() -> None:
    line = np.array([[0.0, 4.0], [1.0, 3.0], [4.0, 0.0]])
    assert crowding(line).tolist() == [math.inf, 2.0, math.inf]
    assert crowding(np.ones((3, 2))).tolist() == [0.0, 0.0, 0.0]  # all alike


def test_order_goes_by_front_then_by_crowding() -> None:
    given_points = np.array([[0.0, 4.0], [1.0, 3.0], [1.5, 2.5], [4.0, 0.0], [0.5, 0.5]])
    assert order(given_points) == [3, 0, 2, 1, 4]  # 2 has more room around it than 1, and 4 is dominated


def trial(number: int, score: float, **costs: float) -> Trial:
    return Trial(Proposal(None, number=number), score, costs=costs)  # type: ignore[arg-type]


def test_a_cost_that_was_not_measured_is_worse_than_all_that_were() -> None:
    trials = [trial(0, 0.5, flops=8), trial(1, 0.5, flops=2), trial(2, 0.5), trial(3, 0.9, flops=8)]
    found = points(trials, ["flops"])
    assert found[:, 1].tolist() == [-3.0, -1.0, -4.0, -3.0]
    assert [t.proposal.number for t in by_front(trials, ["flops"])] == [3, 1, 0, 2]


def test_a_failed_trial_comes_last() -> None:
    failed = Trial(Proposal(None, number=9), -math.inf, costs={"flops": 1.0}, error="x")  # type: ignore[arg-type]
    ranked = by_front([failed, trial(0, 0.1, flops=8), trial(1, 0.2, flops=9)], ["flops"])
    assert ranked[-1] is failed


def test_with_one_objective_the_order_is_by_score() -> None:
    trials = [trial(k, score) for k, score in enumerate((0.3, 0.9, 0.3, 0.5))]
    ranked = by_front(trials, [])
    assert all(a.score >= b.score for a, b in pairwise(ranked))

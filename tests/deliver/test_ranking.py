"""Ranks, their test and the critical difference, against others' figures and by hand."""

import numpy as np
import pytest
from scipy.stats import f, friedmanchisquare

from seqwright.deliver.ranking import Ranking, interval, ranking


def test_the_statistic_is_friedmans_and_the_distance_that_of_the_paper() -> None:
    """Demsar 2006 has CD = 1.25 for four classifiers on fourteen data sets."""
    scores = np.random.default_rng(0).integers(0, 6, (14, 4)) + np.array([0.0, 1, 0, 2])
    found = ranking(("a", "b", "c", "d"), scores)
    chi = friedmanchisquare(*scores.T).statistic  # with ties, by others
    assert found.p == pytest.approx(f.sf(13 * chi / (14 * 3 - chi), 3, 39))
    assert found.distance == pytest.approx(1.25, abs=0.005) and found.blocks == 14
    assert sum(found.ranks) == pytest.approx(10) and list(found.ranks) == sorted(found.ranks)


def test_one_that_always_wins_is_told_apart_and_equals_are_not() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(30, 3))
    better = ranking(("a", "b", "c"), noise + np.array([0, 9, 0]))
    assert better.names[0] == "b" and better.p < 1e-6 and better.alike() == [(1, 2)]
    assert "less than 0.61" in better.said()
    same = ranking(("a", "b"), np.ones((5, 2)))
    assert same.p == 1 and same.ranks == (1.5, 1.5) and "not told apart" in same.said()
    assert "One seed" in ranking(("a", "b"), np.array([[1.0, 2.0]])).said()


def test_blocks_that_all_agree_are_no_proof_when_they_are_two() -> None:
    assert ranking(("a", "b", "c"), np.array([[1.0, 2, 3], [1, 2, 3]])).p == pytest.approx(0.1353, abs=1e-4)


def test_an_interval_holds_the_mean_and_shrinks_with_seeds() -> None:
    values = np.random.default_rng(1).normal(size=(100, 3)) + np.array([0, 5, 10])
    low, high = interval(values)
    assert ((low < values.mean(0)) & (values.mean(0) < high)).all()
    few = interval(values[:10])
    assert (few[1] - few[0] > high - low).all()


def test_an_interval_of_few_seeds_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    held = [low[0] < 0 < high[0] for low, high in (interval(rng.normal(size=(6, 1))) for _ in range(400))]
    assert np.mean(held) > 0.92  # plain percentiles: 0.86
    low, high = interval(np.array([[1.0, 2.0]]))
    assert low.tolist() == high.tolist() == [1.0, 2.0]


def test_where_the_test_tells_nothing_apart_one_bar_joins_all() -> None:
    assert Ranking(("a", "b", "c"), (1.0, 2.0, 3.0), 0.06, 1.5, 9).alike() == [(0, 2)]
    assert Ranking(("a", "b", "c"), (1.0, 2.0, 3.0), 0.04, 1.5, 9).alike() == [(0, 1), (1, 2)]

"""Ensemble selection and the common ground of candidates, on answers made by hand."""

import numpy as np
import pytest

from seqwright.deliver import ensemble
from seqwright.deliver.bundle import blend
from seqwright.deliver.ensemble import common, select

TARGETS = np.array([0, 0, 1, 1])


def accuracy(probabilities):
    return float((np.asarray(probabilities).argmax(-1) == TARGETS).mean())


def answers(*ones):
    """(4, 2) probabilities from those of class 1."""
    return np.stack([1 - np.array(ones), np.array(ones)], 1)


def test_complementary_candidates_are_joined() -> None:
    found = select({"a": answers(0.1, 0.6, 0.9, 0.9), "b": answers(0.1, 0.1, 0.9, 0.2)}, accuracy)
    assert found == {"a": 0.5, "b": 0.5}
    assert accuracy(blend([answers(0.1, 0.6, 0.9, 0.9), answers(0.1, 0.1, 0.9, 0.2)], np.array([0.5, 0.5]))) == 1.0


def test_one_that_cannot_be_bettered_stays_alone() -> None:
    assert select({"worse": answers(1, 1, 0, 0), "best": answers(0, 0, 1, 1)}, accuracy) == {"best": 1.0}
    same = answers(0.1, 0.6, 0.9, 0.9)
    assert select({"a": same, "twin": same.copy()}, accuracy) == {"a": 1.0}


def test_a_gain_that_is_too_small_is_refused(monkeypatch) -> None:
    parts = {"a": answers(0.1, 0.6, 0.9, 0.9), "b": answers(0.1, 0.1, 0.9, 0.2)}
    assert select(parts, accuracy, rounds=0) == {"a": 1.0}
    monkeypatch.setattr(ensemble, "LEAST", 0.3)
    assert select(parts, accuracy) == {"a": 1.0}


def test_of_equal_scores_the_likelier_counts() -> None:
    def likelihood(p):
        return float(np.log(np.asarray(p)[range(4), TARGETS]).mean())

    unsure, other = answers(0.1, 0.4, 0.6, 0.9), answers(0.4, 0.1, 0.9, 0.6)
    assert select({"a": unsure, "b": other}, accuracy) == {"a": 1.0}
    assert select({"a": unsure, "b": other}, accuracy, likelihood) == {"a": 0.5, "b": 0.5}


def test_a_good_candidate_may_count_twice() -> None:
    def squared(p):
        return -float(((np.asarray(p)[:, 1] - TARGETS) ** 2).sum())

    found = select({"good": answers(0.1, 0.0, 1.0, 1.0), "rough": answers(0.0, 0.3, 0.9, 0.9)}, squared)
    assert sum(found.values()) == pytest.approx(1.0)
    assert found["good"] > found.get("rough", 0.0)


def test_per_step_answers_are_blended_too() -> None:
    one, other = [answers(0.0, 1.0), answers(1.0)], [answers(1.0, 1.0), answers(0.0)]
    found = blend([one, other], np.array([0.75, 0.25]))
    assert [f[:, 1].tolist() for f in found] == [[0.25, 1.0], [0.75]]


def test_common_of_disjoint_folds() -> None:
    """Each network answered another fold; together they answered all."""
    parts = {
        "a": [(np.array([0, 2]), answers(0.1, 0.3)), (np.array([3, 1]), answers(0.4, 0.2))],
        "b": [(np.array([2, 1]), answers(0.8, 0.7)), (np.array([1, 3]), answers(0.9, 0.6))],
    }
    index, found = common(parts)
    assert index.tolist() == [1, 2, 3], "what all of them answered"
    assert found["a"][:, 1] == pytest.approx([0.2, 0.3, 0.4])
    assert found["b"][:, 1] == pytest.approx([0.8, 0.8, 0.6]), "answered twice: the mean"


def test_common_per_step() -> None:
    parts = {"a": [(np.array([5]), [answers(0.1, 0.2)])], "b": [(np.array([4, 5]), [answers(0.0), answers(0.3, 0.4)])]}
    index, found = common(parts)
    assert index.tolist() == [5]
    assert isinstance(found["b"], list) and found["b"][0][:, 1] == pytest.approx([0.3, 0.4])


def test_common_of_nothing_in_common() -> None:
    index, found = common({"a": [(np.array([0]), answers(0.1))], "b": [(np.array([1]), answers(0.2))]})
    assert len(index) == 0 and all(len(a) == 0 for a in found.values())

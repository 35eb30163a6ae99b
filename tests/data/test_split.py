"""Splits hold everything once, keep classes' shares and groups whole, and depend on the seed alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqwright.data.examples import Examples
from seqwright.data.split import folds, split
from seqwright.errors import DataError


def some(targets, groups=None) -> Examples:
    return Examples({"text": ["x"] * len(targets)}, targets=np.asarray(targets), groups=groups)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 6), min_size=4, max_size=120),
    st.sampled_from([(0.8, 0.1, 0.1), (70, 15, 15), (0.5, 0.5), (0.9, 0.1, 0), (1.0,)]),
    st.integers(0, 5),
)
def test_every_example_is_in_exactly_one_part(targets, shares, seed):
    parts = split(some(targets), shares, seed=seed)
    assert sorted(np.concatenate(parts)) == list(range(len(targets)))
    assert all((len(part) > 0) == (share > 0) for part, share in zip(parts, shares, strict=True))
    again = split(some(targets), shares, seed=seed)
    assert all((a == b).all() for a, b in zip(parts, again, strict=True))


def test_shares_and_classes_are_kept():
    targets = np.repeat(np.arange(30), 37)
    train, valid, test = split(some(targets), seed=3)
    assert [len(train), len(valid), len(test)] == pytest.approx([888, 111, 111], abs=1)
    for part, share in ((train, 0.8), (valid, 0.1), (test, 0.1)):
        assert np.abs(np.bincount(targets[part], minlength=30) - 37 * share).max() <= 1
    other = split(some(targets), seed=4)[2]
    assert list(other) != list(test)


def test_labels_seen_once_are_trained_on():
    targets = np.r_[np.zeros(50), np.ones(50), np.arange(2, 12)].astype(int)
    train, *_ = split(some(targets), seed=0)
    assert set(range(100, 110)) <= set(train)
    for train, _ in folds(some(targets), 5, seed=0):
        assert set(range(100, 110)) <= set(train)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=30, max_size=100), st.integers(0, 3))
def test_groups_stay_whole(rows, seed):
    targets, groups = zip(*rows, strict=True)
    examples = some(targets, [f"g{g}" for g in groups])
    if len(set(groups)) < 3:
        return
    parts = split(examples, (0.6, 0.2, 0.2), seed=seed)
    assert sorted(np.concatenate(parts)) == list(range(len(rows)))
    members = [{groups[i] for i in part} for part in parts]
    assert all(members) and sum(map(len, members)) == len(set(groups))
    for train, valid in folds(examples, 3, seed=seed):
        assert not {groups[i] for i in train} & {groups[i] for i in valid}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=10, max_size=80), st.integers(2, 6))
def test_folds_cover_and_balance(targets, k):
    made = folds(some(targets), k, seed=1)
    counts = np.bincount(targets)
    seen = np.concatenate([valid for _, valid in made])
    assert len(seen) == len(set(seen)) >= len(targets) - (counts == 1).sum()
    sizes = [len(valid) for _, valid in made]
    assert max(sizes) - min(sizes) <= 1
    for train, valid in made:
        assert sorted(np.r_[train, valid]) == list(range(len(targets)))


def test_per_step_targets_are_split_at_random():
    examples = Examples({"tokens": [["a"]] * 20}, targets=[np.zeros(1, int)] * 20)
    assert [len(p) for p in split(examples, seed=0)] == [16, 2, 2]


@pytest.mark.parametrize("shares", [(0.8, 0.1), (0, 0.5, 0.5), (1.2, -0.2), (), (float("nan"), 1)])
def test_nonsense_shares_are_refused(shares):
    with pytest.raises(DataError, match=r"[Ss]hare"):
        split(some([0, 1] * 10), shares, seed=0)


def test_too_little_is_refused():
    with pytest.raises(DataError, match="2 example"):
        split(some([0, 1]), seed=0)
    with pytest.raises(DataError, match="2 group"):
        split(some([0, 1] * 10, ["a", "b"] * 10), seed=0)
    with pytest.raises(DataError, match="at most 3"):
        folds(some([0, 1, 1]), 5, seed=0)

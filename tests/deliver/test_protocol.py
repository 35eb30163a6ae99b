"""Who may see what: shares, folds, the user's own files, groups that are never parted."""

from dataclasses import replace

import numpy as np
import pytest

from seqwright.data.examples import Examples
from seqwright.deliver.protocol import FOLDS, SMALL, Protocol, protocol
from seqwright.errors import DataError


def made(count: int, groups: int = 0, first: int = 0) -> Examples:
    rng = np.random.default_rng(first)
    return Examples(
        {"text": [f"text {first + i}" for i in range(count)]},
        rng.integers(0, 3, count),
        rng.random(count).astype(np.float32),
        [f"g{i}" for i in rng.integers(0, groups, count)] if groups else None,
        np.arange(count),
    )


def sound(found: Protocol) -> None:
    """Folds are whole and disjoint, and test is nowhere in development."""
    assert found.test is not None
    inside, sealed = set(found.development.inputs["text"]), set(found.test.inputs["text"])
    assert not inside & sealed
    for train, valid in found.folds:
        assert not set(train) & set(valid)
        assert max(*train, *valid) < len(found.development)
    if found.development.groups is not None:
        groups = np.array(found.development.groups)
        assert not set(groups) & set(found.test.groups or ())
        for train, valid in found.folds:
            assert not set(groups[train]) & set(groups[valid])


@pytest.mark.parametrize(
    ("shares", "sizes"), [((0.8, 0.1, 0.1), (1600, 200, 200)), ((0.7, 0.15, 0.15), (1400, 300, 300))]
)
def test_shares(shares, sizes) -> None:
    found = protocol(made(2000), None, None, shares)
    sound(found)
    train, valid = found.folds[0]
    assert (len(train), len(valid), len(found.test or ())) == pytest.approx(sizes, abs=3)
    assert found.searched == 1
    assert (
        f"train {len(train):,} rows, validation {len(valid):,} rows, test {len(found.test or ()):,} rows" in found.said
    )
    # Refits of several seeds are judged on other folds; together they see every example.
    held = np.concatenate([valid for _, valid in found.folds])
    assert sorted(held) == list(range(len(found.development)))
    assert max(len(v) for _, v in found.folds) <= 1.25 * len(valid)


def test_few_rows_are_folded() -> None:
    found = protocol(made(300), None, None)
    sound(found)
    assert len(found.folds) == found.searched == FOLDS
    assert found.said == "5-fold cross-validation over 270 rows, test 30 rows, sealed"
    assert sorted(np.concatenate([v for _, v in found.folds])) == list(range(270))
    assert SMALL == 1000 and protocol(made(1200), None, None).searched == 1
    few = protocol(made(12), None, None)
    sound(few)
    assert len(few.development) + len(few.test or ()) == 12


def test_own_validation_file() -> None:
    found = protocol(made(900), made(50, first=10_000), None)
    sound(found)
    ((train, valid),) = found.folds
    assert len(valid) == 50 and (len(train), len(found.test or ())) == pytest.approx((800, 100), abs=2)
    assert [found.development.inputs["text"][i] for i in valid] == made(50, first=10_000).inputs["text"]
    assert set(found.fit_on) == set(train), "preprocessing never learns from the user's validation file"
    assert "(your file)" in found.said


@pytest.mark.parametrize("lacking", ["train", "valid"])
def test_weights_count_though_one_file_lacks_them(lacking: str) -> None:
    train, valid = made(1200), made(50, first=10_000)
    bare = replace(train if lacking == "train" else valid, weights=None)
    found = protocol(*((bare, valid) if lacking == "train" else (train, bare)), None, (0.9, 0.1, 0.0)).development
    assert found.weights is not None and found.weights.dtype == np.float32
    ours, theirs = found.weights[:1200], found.weights[1200:]
    assert (ours == (1.0 if lacking == "train" else train.weights)).all()
    assert (theirs == (1.0 if lacking == "valid" else valid.weights)).all()


def test_own_test_file() -> None:
    found = protocol(made(2000), None, made(77, first=10_000))
    sound(found)
    assert len(found.test or ()) == 77 and len(found.development) == 2000
    assert len(found.folds[0][1]) == pytest.approx(2000 / 9, abs=3)


def test_without_a_test_split() -> None:
    found = protocol(made(2000), None, None, (0.9, 0.1, 0.0))
    assert found.test is None and len(found.development) == 2000 and found.said.endswith("no test split")


def test_both_files() -> None:
    found = protocol(made(500), made(40, first=10_000), made(30, first=20_000))
    sound(found)
    assert [len(part) for part in found.folds[0]] == [500, 40] and len(found.test or ()) == 30


@pytest.mark.parametrize("count", [200, 3000])
def test_groups_are_never_parted(count: int) -> None:
    sound(protocol(made(count, groups=25), None, None))


def test_few_groups() -> None:
    sound(protocol(made(60, groups=4), None, None))


def test_the_seed_decides() -> None:
    one, same, other = (protocol(made(300), None, None, seed=seed) for seed in (1, 1, 2))
    assert one.test is not None and same.test is not None and other.test is not None
    assert one.test.inputs == same.test.inputs != other.test.inputs
    assert all(
        np.array_equal(a, b) for p, q in zip(one.folds, same.folds, strict=True) for a, b in zip(p, q, strict=True)
    )


def test_weights_and_targets_stay_with_their_rows() -> None:
    examples = made(400)
    found = protocol(examples, None, None)
    rows = found.development.rows
    assert np.array_equal(found.development.weights, examples.weights[rows])
    assert np.array_equal(found.development.targets, examples.targets[rows])


def test_a_handful_of_rows_is_too_few() -> None:
    with pytest.raises(DataError, match="2 rows are left to learn from beside the test split: too few"):
        protocol(made(3), None, None)

"""Which examples train, choose and are sealed: by share or in folds, stratified, seeded, never parting a group.

Everything returns sorted index arrays, a function of the examples' targets, groups and the seed alone.
A label seen once goes to the first part (train): it could be learnt there, and only be missed elsewhere.
"""

from collections.abc import Sequence

import numpy as np

from seqwright.data.examples import Examples
from seqwright.errors import DataError


def split(
    examples: Examples, shares: Sequence[float] = (0.8, 0.1, 0.1), *, seed: int, stratify: bool = True
) -> tuple[np.ndarray, ...]:
    """One sorted index array a share; together they hold every example once.

    Args:
        examples: with `groups`, no group is parted; with one target an example, classes keep their shares.
        shares: of train, valid, test; they sum to 1 or to 100, and a 0 gives an empty part.
        seed: the split is a function of it.

    Raises:
        DataError: the shares do not sum to 1 or 100, or there are fewer examples (groups) than parts.
    """
    wanted = _checked(shares)
    rng = np.random.default_rng([seed, 0x5917])
    strata = _strata(examples, stratify)
    groups = _groups(examples)
    parts = int((wanted > 0).sum())
    if groups is not None:
        if groups.max() + 1 < parts:
            raise DataError(
                f"{groups.max() + 1} group(s) cannot be split in {parts} parts without parting one: "
                "give more groups, fewer shares (--split), or leave out --group."
            )
        part = _share_groups(groups, strata, wanted, rng)
    else:
        if len(examples) < parts:
            raise DataError(f"{len(examples)} example(s) cannot be split in {parts} parts: give more rows.")
        part = _share_examples(strata, wanted, rng)
    return tuple(np.flatnonzero(part == p) for p in range(len(wanted)))


def folds(examples: Examples, k: int, *, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """`k` pairs (train index, valid index); the valid parts are disjoint and, labels seen once apart, cover all.

    Raises:
        DataError: k < 2, or fewer examples (groups) than folds.
    """
    if k < 2:
        raise DataError(f"k-fold needs at least 2 folds, not {k}.")
    rng = np.random.default_rng([seed, 0xF01D])
    strata = _strata(examples, True)
    groups = _groups(examples)
    units = len(examples) if groups is None else int(groups.max()) + 1
    if units < k:
        what = "examples" if groups is None else "groups"
        raise DataError(f"{units} {what} cannot make {k} folds: ask for at most {units}, or give more rows.")
    if groups is not None:
        fold = _share_groups(groups, strata, np.full(k, 1 / k), rng)
    else:
        # Dealt like cards, class after class without starting anew: fold sizes differ by one at most.
        order = np.lexsort((rng.random(len(strata)), strata))
        once = np.bincount(strata)[strata[order]] == 1
        if len(order) - once.sum() >= k:
            order = np.concatenate([order[~once], order[once]])
        fold = np.empty(len(strata), np.int64)
        fold[order] = np.arange(len(order)) % k
        if len(order) - once.sum() >= k:
            fold[order[len(order) - once.sum() :]] = -1
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(k)]


def _checked(shares: Sequence[float]) -> np.ndarray:
    wanted = np.asarray(shares, float)
    total = wanted.sum() if wanted.ndim == 1 and len(wanted) else 0.0
    if wanted.ndim != 1 or not np.isfinite(total) or (wanted < 0).any() or min(abs(total - 1), abs(total - 100)) > 1e-6:
        raise DataError(f"Shares must be positive and sum to 1 or 100, such as 80/10/10, not {tuple(shares)}.")
    if wanted[0] == 0:
        raise DataError(f"The first share is train's and cannot be 0: {tuple(shares)}.")
    return wanted / total


def _strata(examples: Examples, stratify: bool) -> np.ndarray:
    """(N,) the class of each example, 0 for all where targets are unknown or per step."""
    targets = examples.targets
    if not stratify or targets is None or (len(targets) and np.ndim(targets[0]) > 0):
        return np.zeros(len(examples), np.int64)
    return np.unique(np.asarray(targets), return_inverse=True)[1].astype(np.int64)


def _groups(examples: Examples) -> np.ndarray | None:
    """(N,) group numbers from 0 in order of appearance; an example without a group is one of its own."""
    if examples.groups is None:
        return None
    number: dict[object, int] = {}
    keys = ((True, g) if g is not None else (False, i) for i, g in enumerate(examples.groups))
    return np.array([number.setdefault(key, len(number)) for key in keys], np.int64)


def _share_examples(strata: np.ndarray, wanted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(N,) the part of each example; what rounding owes a part is carried to the next class."""
    part = np.zeros(len(strata), np.int64)
    owed = np.zeros(len(wanted))
    order = np.lexsort((rng.random(len(strata)), strata))
    starts = np.flatnonzero(np.r_[True, np.diff(strata[order]) > 0])
    for members in sorted(np.split(order, starts[1:]), key=len, reverse=True):
        if len(members) == 1 and len(starts) > 1:
            counts = np.eye(len(wanted), dtype=np.int64)[0]
            owed += wanted - counts
        else:
            due = wanted * len(members) + owed
            counts = np.maximum(np.floor(wanted * len(members)).astype(np.int64), 0)
            for _ in range(len(members) - counts.sum()):
                counts[np.argmax(np.where(wanted > 0, due - counts, -np.inf))] += 1
            if counts[0] == 0:  # a class must be seen in training at all
                counts[np.argmax(counts)] -= 1
                counts[0] += 1
            owed = due - counts
        part[members] = np.repeat(np.arange(len(wanted)), counts)
    return _none_empty(part, wanted)


def _none_empty(part: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Moves one example from the largest part to each part that should have some and has none."""
    for p in np.flatnonzero(wanted > 0):
        if not (part == p).any():
            largest = np.argmax(np.bincount(part, minlength=len(wanted)))
            part[np.flatnonzero(part == largest)[-1]] = p
    return part


def _share_groups(groups: np.ndarray, strata: np.ndarray, wanted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(N,) the part of each example: groups, the largest first, go where what they bring is missed most."""
    count = np.zeros((groups.max() + 1, strata.max() + 2))
    np.add.at(count, (groups, strata), 1)
    count[:, -1] = count.sum(1)  # the size counts as much as all classes together
    want = np.maximum(np.outer(wanted, count.sum(0)), 1e-9)
    have = np.zeros_like(want)
    chosen = np.zeros(len(count), np.int64)
    for g in np.lexsort((rng.random(len(count)), -count[:, -1])):
        missed = (1 - have / want) @ count[g]
        missed[wanted == 0] = -np.inf
        chosen[g] = np.argmax(missed)
        have[chosen[g]] += count[g]
    return chosen[groups]

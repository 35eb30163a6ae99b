"""Who may see what: the sealed test split, and the folds on which search and refits are judged.

======================== =====================================================================================
the user gives           search is judged on                    refit with seed s is judged on
======================== =====================================================================================
a validation file        that file                              that file
about 1,000 rows or more one split of the wanted share          another fold of the same size, for each s
fewer rows               all of k folds, answers pooled         fold s
======================== =====================================================================================

So with folds, refits of several seeds together have trained on every example, and each was judged on examples
that it had not seen.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from seqwright.data.examples import Examples
from seqwright.data.split import folds as cut
from seqwright.data.split import split
from seqwright.errors import DataError

SMALL = 1000  # rows under which one split is too noisy to choose by
FOLDS = 5


@dataclass(frozen=True)
class Protocol:
    """Development examples with their folds, and the sealed test examples.

    Args:
        searched: how many of the folds a full-fidelity trial is judged on.
        fit_on: rows of development from which the preprocessing may learn.
    """

    development: Examples
    test: Examples | None
    folds: tuple[tuple[np.ndarray, np.ndarray], ...]
    searched: int
    fit_on: np.ndarray
    said: str


def protocol(
    examples: Examples,
    valid: "Examples | None",
    test: "Examples | None",
    shares: "tuple[float, float, float]" = (0.8, 0.1, 0.1),
    seed: int = 0,
) -> Protocol:
    """Seal the test split and cut the rest."""
    if test is None and shares[2] > 0:
        if valid is None:
            first, second, sealed = split(examples, shares, seed=seed)
        else:
            rest = shares[0] + shares[2]
            first, second, sealed = split(examples, (shares[0] / rest, 0.0, shares[2] / rest), seed=seed)
        test = examples.take(sealed)
        kept = np.sort(np.concatenate([first, second]))
        examples = examples.take(kept)
    sealed_said = f"test {len(test):,} rows, sealed" if test is not None else "no test split"
    if valid is not None:
        together = joined(examples, valid)
        train, held = np.arange(len(examples)), np.arange(len(examples), len(together))
        said = f"train {len(train):,} rows, validation {len(held):,} rows (your file), {sealed_said}"
        return Protocol(together, test, ((train, held),), 1, train, said)
    count = len(examples)
    everything = np.arange(count)
    share = shares[1] / (shares[0] + shares[1])
    if count < FOLDS:
        raise DataError(f"{count} rows are left to learn from beside the test split: too few. Give at least 10 in all.")
    if count < SMALL:
        pieces = tuple(cut(examples, _at_most(examples, FOLDS), seed=seed))
        said = f"{len(pieces)}-fold cross-validation over {count:,} rows, {sealed_said}"
        return Protocol(examples, test, pieces, len(pieces), everything, said)
    train, held, _ = split(examples, (1 - share, share, 0.0), seed=seed)
    rest = examples.take(train)
    others = cut(rest, _at_most(rest, max(2, round(1 / share) - 1)), seed=seed)
    pieces = ((train, held), *((np.sort(np.concatenate([train[a], held])), train[b]) for a, b in others))
    said = f"train {len(train):,} rows, validation {len(held):,} rows, {sealed_said}"
    return Protocol(examples, test, pieces, 1, everything, said)


def _at_most(examples: Examples, folds: int) -> int:
    """As many folds as wanted, or as there are groups to put in them; two at least, or there is nothing to cut."""
    if examples.groups is None:
        return folds
    apart = {g for g in examples.groups if g is not None}
    return max(2, min(folds, len(apart) + sum(g is None for g in examples.groups)))


def joined(first: Examples, second: Examples) -> Examples:
    """Two sets of examples, one after the other.

    Where only one of them has weights or groups, the other's rows weigh 1 and are each a group.
    """

    def both(a: Any, b: Any) -> Any:
        return np.concatenate([a, b]) if isinstance(a, np.ndarray) else [*a, *b]

    def either(name: str, usual: Any) -> Any:
        a, b = getattr(first, name), getattr(second, name)
        if a is None and b is None:
            return None
        return both(usual(len(first)) if a is None else a, usual(len(second)) if b is None else b)

    return replace(
        first,
        inputs={name: both(values, second.inputs[name]) for name, values in first.inputs.items()},
        targets=both(first.targets, second.targets),
        weights=either("weights", lambda count: np.ones(count, np.float32)),
        groups=either("groups", lambda count: [None] * count),
        rows=both(first.rows, second.rows),
    )

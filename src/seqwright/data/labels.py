"""Labels as class numbers: what counts as a label, in which order, and when a column is no set of classes at all."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from seqwright.data.finding import Finding
from seqwright.data.profile import missing, number
from seqwright.data.wording import listing, plural, short
from seqwright.errors import DataError


def name_of(cell: Any) -> str | None:
    """A cell as a label: None if missing; 1.0 is "1", as frames write whole numbers once one is missing."""
    if missing(cell):
        return None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def names_of(cells: Sequence[Any]) -> list[str | None]:
    """`name_of` each cell, worked out once for each value."""
    try:
        known = {(type(cell), cell): name_of(cell) for cell in {(type(c), c): c for c in cells}.values()}
    except TypeError:  # a list or an object cannot be looked up
        wrong = next(cell for cell in cells if isinstance(cell, dict | list | set | np.ndarray))
        raise DataError(
            f"A label is one word or number, not {short(str(wrong), 60)}. Choose another column with --target."
        ) from None
    return [known[type(cell), cell] for cell in cells]


def order(names: Sequence[str], known: Sequence[str] = ()) -> tuple[str, ...]:
    """Labels in their standing order: the source's own, else as numbers where all are, else by name."""
    present = set(names)
    if known and present <= set(known):
        return tuple(name for name in known if name in present)
    if all(number(name) is not None for name in present):
        return tuple(sorted(present, key=lambda name: (float(name), name)))
    return tuple(sorted(present))


def classes_of(names: Sequence[str | None], column: str, source: str, known: Sequence[str] = ()) -> tuple[str, ...]:
    """The classes among labels to learn from.

    Raises:
        DataError: no label, one class only, numbers to predict, or hardly a value that recurs.
    """
    counts = Counter(name for name in names if name is not None)
    where = f'{source}: target column "{column}"'
    total = sum(counts.values())
    if not counts:
        raise DataError(f"{where} holds no label at all. Choose another with --target.")
    if len(counts) == 1:
        raise DataError(
            f'{where} has one class only, "{next(iter(counts))}", in all {plural(total, "row")}: there is nothing '
            "to tell apart. Give rows of at least two classes, or choose another column with --target."
        )
    many = len(counts) > max(20, 0.1 * total)
    if many and all(number(name) is not None for name in counts):
        raise DataError(
            f"{where} has {len(counts):,} distinct numbers (such as {listing(counts, 3)}): predicting a number is "
            "regression, which is not a task here. Put the numbers in a few ranges first, or choose another --target."
        )
    if total >= 20 and len(counts) > 0.5 * total:
        raise DataError(
            f"{where} has {len(counts):,} distinct values in {plural(total, 'row')} (such as {listing(counts, 3)}): "
            "these are no classes. Choose another column with --target."
        )
    return order(list(counts), known)


def numbered(names: Sequence[str | None], labels: Sequence[str]) -> np.ndarray:
    """(N,) int64 class numbers, -1 where missing or not among the labels."""
    number_of = {name: i for i, name in enumerate(labels)}
    return np.array([-1 if name is None else number_of.get(name, -1) for name in names], np.int64)


def unseen(names: Sequence[str | None], labels: Sequence[str], noun: str) -> list[Finding]:
    """A warning of labels that training does not know."""
    known = set(labels)
    counts = Counter(name for name in names if name is not None and name not in known)
    if not counts:
        return []
    return [
        Finding(
            "warned",
            f"{plural(sum(counts.values()), noun)} with labels unseen in training ({listing(counts, 5)}), not scored",
            "--target",
        )
    ]

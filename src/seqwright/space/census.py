"""Counting and listing a space: its questions, its size, its values."""

from collections.abc import Iterator
from math import prod
from typing import Any

from seqwright.space.fill import read
from seqwright.space.nodes import Choice, Path, Record, Space, Stack, is_tuple


def questions(space: Space) -> dict[Path, Choice]:
    """Every question that could ever be asked, by path, in the order `fill` asks. It is kept: do not change it."""
    if not isinstance(space, Choice | Record | Stack):
        return dict(_questions(space, ""))
    # Kept on the node itself: hashing a large space to look it up elsewhere would cost more than it saves.
    kept: dict[str, Any] = space.__dict__
    if "_questions" not in kept:
        kept["_questions"] = dict(_questions(space, ""))
    return kept["_questions"]


def _questions(space: Space, path: Path) -> Iterator[tuple[Path, Choice]]:
    if isinstance(space, Choice):
        yield path, space
        for option, label in zip(space.options, space.labels(), strict=True):
            yield from _questions(option, f"{path}/{label}")
    elif isinstance(space, Record):
        for name, part in space.fields:
            yield from _questions(part, f"{path}/{name}")
    elif isinstance(space, Stack):
        yield f"{path}#", space.depth
        for i in range(space.most):
            yield from _questions(space.element, f"{path}/{i}")
    elif is_tuple(space):
        for i, part in enumerate(space):
            yield from _questions(part, f"{path}/{i}")


def size(space: Space) -> int:
    """How many distinct values the space holds, exactly."""
    if isinstance(space, Choice):
        return sum(map(size, space.options))
    if isinstance(space, Record):
        return prod(size(part) for _, part in space.fields)
    if isinstance(space, Stack):
        each = size(space.element)
        return sum(each**n for n in range(space.least, space.most + 1))
    if is_tuple(space):
        return prod(map(size, space))
    return 1


def every(space: Space) -> Iterator[Any]:
    """All values, one after the other, the last question turning fastest. Look at `size` first."""
    if isinstance(space, Choice):
        for option in space.options:
            yield from every(option)
    elif isinstance(space, Record):
        names = [name for name, _ in space.fields]
        for values in _product(tuple(part for _, part in space.fields)):
            yield space.cls(**dict(zip(names, values, strict=True)))
    elif isinstance(space, Stack):
        for n in range(space.least, space.most + 1):
            yield from _product((space.element,) * n)
    elif is_tuple(space):
        yield from _product(space)
    else:
        yield space


def _product(parts: tuple[Space, ...]) -> Iterator[tuple[Any, ...]]:
    """Like itertools.product over `every` part, without holding any part in memory."""
    if not parts:
        yield ()
        return
    for first in every(parts[0]):
        for rest in _product(parts[1:]):
            yield (first, *rest)


def contains(space: Space, value: Any) -> bool:
    """Whether `value` lies in the space."""
    return read(space, value) is not None

"""Which encoder stands in an architecture, and how it is trained, replaced throughout a value or a space.

A space is written for no encoder in particular. Before a search begins it is bound to the one whose pieces the data
were prepared for, so that ids tell networks on different encoders apart.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

from seqwright.arch.encoders import Pretrained
from seqwright.space.nodes import Choice, Record, Space, Stack, is_tuple


def bound(given: Space, digest: str) -> Space:
    """A value or a space with every `Pretrained` read from the encoder of that digest; what has none, as it is."""
    return _replaced(given, "encoder", digest)


def with_tuning(given: Space, tuning: Space) -> Space:
    """A value or a space in which every `Pretrained` is tuned so: `Frozen()`, a `Tuned`, or for a space a question."""
    return _replaced(given, "tuning", tuning)


def encoders(given: Space) -> frozenset[str]:
    """The digests of all encoders that a value or a space names; "" stands for one that is not bound yet."""
    found: set[str] = set()

    def note(name: str, part: Any) -> Any:
        found.update(part.options if isinstance(part, Choice) else (part,))
        return part

    _walk(given, "encoder", lambda part: note("encoder", part))
    return frozenset(found)


def _replaced(given: Space, name: str, part: Any) -> Space:
    return _walk(given, name, lambda _: part)


def _walk(given: Space, name: str, change: Callable[[Any], Any]) -> Space:
    """`given` with the field `name` of every `Pretrained` changed; what does not change is shared, not copied."""

    def walk(space: Space) -> Space:
        if isinstance(space, Choice):
            options = tuple(map(walk, space.options))
            return space if _same(options, space.options) else Choice(options, space.ordered, space.names)
        if isinstance(space, Stack):
            element = walk(space.element)
            return space if element is space.element else Stack(element, space.least, space.most)
        if is_tuple(space):
            elements = tuple(map(walk, space))
            return space if _same(elements, space) else elements
        if isinstance(space, Record):
            parts = {key: changed(space.cls, key, part) for key, part in space.fields}
            if _same(tuple(parts.values()), tuple(part for _, part in space.fields)):
                return space
            return Record(space.cls, tuple(parts.items()))
        if not is_dataclass(space) or isinstance(space, type):
            return space
        before = {f.name: getattr(space, f.name) for f in fields(space)}
        parts = {key: changed(type(space), key, part) for key, part in before.items()}
        if _same(tuple(parts.values()), tuple(before.values())):
            return space
        if any(isinstance(part, Choice | Record | Stack) for part in parts.values()):  # a question in a finished value
            return Record(type(space), tuple(parts.items()))
        return type(space)(**parts)

    def changed(cls: type, key: str, part: Any) -> Any:
        return change(part) if cls is Pretrained and key == name else walk(part)

    return walk(given)


def _same(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    return all(one is other for one, other in zip(a, b, strict=True))

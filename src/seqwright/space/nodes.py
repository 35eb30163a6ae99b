"""What a search space is made of.

A space is a value with open questions in it. `Choice` is a question; `Record` is a dataclass
some of whose fields are open; `Stack` is a tuple whose length is open; a plain tuple may hold
spaces; everything else stands for itself.
"""

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, TypeGuard

from seqwright.errors import SpaceError, did_you_mean

Space = Any  # a node, a tuple of spaces, or a plain value
Path = str  # '/layers/0/mixer/lstm/hidden'; '/layers#' asks for a length; keys escaped as in JSON Pointer (RFC 6901)
Answers = dict[Path, int]
Answer = Callable[["Path", "Choice"], int]


@dataclass(frozen=True)
class Choice:
    """One of several options, each a plain value or a space of its own.

    Args:
        options: at least one; no two may hold a common value.
        ordered: the options are steps on a scale (a width, a rate), not mere alternatives.
        names: labels for the path, where the options' own would not be unique.
    """

    options: tuple[Any, ...]
    ordered: bool = False
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.options:
            raise SpaceError("A choice needs at least one option.")
        if self.names and len(self.names) != len(self.options):
            raise SpaceError(f"{len(self.names)} names for {len(self.options)} options: {', '.join(self.names)}.")
        if len(set(labels := self.labels())) < len(labels):
            raise SpaceError(f"Two options share a label in: {', '.join(labels)}. Give the choice `names`.")
        for option in self.options:
            _check(option)
        for (i, a), (j, b) in combinations(enumerate(self.options), 2):
            if overlap(a, b):
                raise SpaceError(
                    f'Options "{labels[i]}" and "{labels[j]}" hold a common value, so reading it would be ambiguous. '
                    "Give them different kinds, or disjoint domains."
                )

    def labels(self) -> tuple[str, ...]:
        """One escaped path segment for each option."""
        return self._labels

    @cached_property
    def _labels(self) -> tuple[str, ...]:
        return tuple(map(escape, self.names)) or tuple(map(label, self.options))


@dataclass(frozen=True)
class Record:
    """A dataclass, given as its class and (name, space) for each of its fields, in their order. `vary` makes one."""

    cls: type
    fields: tuple[tuple[str, Any], ...]

    def __post_init__(self) -> None:
        given, known = tuple(name for name, _ in self.fields), tuple(f.name for f in fields(self.cls))
        if given != known:
            raise SpaceError(f"{self.cls.__name__} has the fields {', '.join(known)}, not {', '.join(given)}.")
        for _, part in self.fields:
            _check(part)


@dataclass(frozen=True)
class Stack:
    """A tuple of `least` to `most` elements, each drawn from the same space."""

    element: Any
    least: int
    most: int

    def __post_init__(self) -> None:
        if not 0 <= self.least <= self.most:
            raise SpaceError(f"A stack of {self.least} to {self.most} elements is empty. Give 0 <= least <= most.")
        _check(self.element)

    @cached_property
    def depth(self) -> Choice:
        """The question of its length, asked at the stack's path and "#"."""
        return Choice(tuple(range(self.least, self.most + 1)), ordered=True)


def among(*options: Any, default: Any = MISSING, ordered: bool = True) -> Any:
    """Declare a dataclass field's domain beside it: ``heads: int = among(2, 4, 8)``."""
    return field(
        default=options[0] if default is MISSING else default,
        metadata={"space": Choice(options, ordered)},
    )


def one_of(*options: Any, names: tuple[str, ...] = ()) -> Choice:
    """An unordered choice; a class stands for all of its declared variations."""
    return Choice(tuple(vary(o) if isinstance(o, type) else o for o in options), names=names)


def vary(cls: type, **overrides: Any) -> Record:
    """Open every field of `cls` that declares a domain, unless overridden with a space or a value.

    Raises:
        SpaceError: an override names no field, or a field has neither domain nor default.
    """
    known = {f.name: f for f in fields(cls)}
    if unknown := sorted(overrides.keys() - known.keys()):
        raise SpaceError(
            f"{cls.__name__} has no field {', '.join(unknown)}.{did_you_mean(unknown[0], known)} "
            f"Its fields are: {', '.join(known)}."
        )
    return Record(cls, tuple((n, overrides[n] if n in overrides else _domain(cls, f)) for n, f in known.items()))


def _domain(cls: type, f: "Field[Any]") -> Any:
    if "space" in f.metadata:
        return f.metadata["space"]
    if f.default is MISSING:
        raise SpaceError(f"{cls.__name__}.{f.name} has neither a domain nor a default. Declare it with among(...).")
    return f.default


def label(option: Any) -> str:
    """An option's part of a path: a record's or class's lower-case name, else the value as text."""
    if isinstance(option, Record):
        return option.cls.__name__.lower()
    if isinstance(option, Choice | Stack) or hasattr(option, "__dataclass_fields__"):
        return type(option).__name__.lower()
    return escape(str(option))


def escape(text: str) -> str:
    """`text` as one path segment: "~", "/" and "#" become "~0", "~1" and "~2"."""
    return text.replace("~", "~0").replace("/", "~1").replace("#", "~2")


def same(a: Any, b: Any) -> bool:
    """Equality that tells 1, 1.0 and True apart, as JSON does, all the way down."""
    if type(a) is not type(b):
        return False
    if is_tuple(a):
        return len(a) == len(b) and all(map(same, a, b))
    if hasattr(a, "__dataclass_fields__"):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    return bool(a == b)


def overlap(a: Space, b: Space) -> bool:
    """Whether some value lies in both spaces (exactly: products meet where all their factors do)."""
    if isinstance(b, Choice) and not isinstance(a, Choice):
        a, b = b, a
    if isinstance(a, Choice):
        return any(overlap(option, b) for option in a.options)
    if isinstance(b, Stack) and not isinstance(a, Stack):
        a, b = b, a
    if isinstance(a, Stack):
        if isinstance(b, Stack):
            least, most = max(a.least, b.least), min(a.most, b.most)
            return least <= most and (least == 0 or overlap(a.element, b.element))
        return is_tuple(b) and a.least <= len(b) <= a.most and all(overlap(a.element, e) for e in b)
    if is_tuple(a) and is_tuple(b):
        return len(a) == len(b) and all(map(overlap, a, b))
    (cls, parts), (other, others) = _parts(a), _parts(b)
    if cls is None or other is None:
        return bool(a == b)
    return cls is other and all(overlap(part, others[name]) for name, part in parts.items())


def _parts(space: Space) -> tuple[type | None, dict[str, Space]]:
    """A record, open or closed, as its class and fields; None for anything else."""
    if isinstance(space, Record):
        return space.cls, dict(space.fields)
    if is_dataclass(space) and not isinstance(space, type):
        return type(space), {f.name: getattr(space, f.name) for f in fields(space)}
    return None, {}


def _check(space: Space, inside: type | None = None) -> None:
    """Refuse what could never be read back: mutable values, NaN, and questions inside a finished record."""
    if isinstance(space, Choice | Record | Stack):  # checked when it was made
        if inside:
            raise SpaceError(
                f"{inside.__name__}(...) holds an open question. Write vary({inside.__name__}, field=...) instead."
            )
    elif is_tuple(space):
        for element in space:
            _check(element, inside)
    elif is_dataclass(space) and not isinstance(space, type):
        for f in fields(space):
            _check(getattr(space, f.name), type(space))
    elif isinstance(space, list | dict | set):
        raise SpaceError(f"{space!r} can change, so it cannot stand in a space. Use a tuple or a frozen dataclass.")
    elif space != space:
        raise SpaceError("NaN does not equal itself, so it cannot stand in a space.")


def is_tuple(value: Any) -> TypeGuard[tuple[Any, ...]]:
    """`isinstance(value, tuple)`, for the type checker's sake."""
    return isinstance(value, tuple)

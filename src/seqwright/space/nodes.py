"""What a search space is made of.

A space is a value with open questions in it. `Choice` is a question; `Record` is a dataclass
some of whose fields are open; `Stack` is a tuple whose length is open; a plain tuple may hold
spaces; everything else stands for itself.
"""

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from seqwright.errors import SpaceError

Space = Any  # a node, a tuple of spaces, or a plain value
Path = str  # '/layers/0/mixer/lstm/hidden'; keys escaped as in JSON Pointer (RFC 6901)
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

    def labels(self) -> tuple[str, ...]:
        return self.names or tuple(label(option) for option in self.options)


@dataclass(frozen=True)
class Record:
    """A dataclass, given as its class and (name, space) for each field."""

    cls: type
    fields: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Stack:
    """A tuple of `least` to `most` elements, each drawn from the same space."""

    element: Any
    least: int
    most: int

    def __post_init__(self) -> None:
        if not 0 <= self.least <= self.most:
            raise SpaceError(f"A stack of {self.least} to {self.most} elements is empty. Give 0 <= least <= most.")

    @property
    def depth(self) -> Choice:
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
    if unknown := overrides.keys() - known.keys():
        raise SpaceError(
            f"{cls.__name__} has no field {', '.join(sorted(unknown))}. Its fields are: {', '.join(known)}."
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
    if hasattr(option, "__dataclass_fields__"):
        return type(option).__name__.lower()
    return str(option).replace("~", "~0").replace("/", "~1")

"""The registry of kinds: every record that may stand in an architecture, by the tag it carries in JSON."""

from typing import Any, TypeVar

KINDS: dict[str, type[Any]] = {}
T = TypeVar("T", bound=type)


def kind(cls: T) -> T:
    """Register a frozen dataclass under its lower-case name."""
    KINDS[cls.__name__.lower()] = cls
    return cls

"""Limits: which candidates may be trained at all. One function, `candidate -> reason | None`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from fnmatch import fnmatchcase
from typing import Any

from seqwright.arch.candidate import Candidate
from seqwright.errors import SpaceError, did_you_mean
from seqwright.space.census import questions
from seqwright.space.fill import read, why_not
from seqwright.space.nodes import Space, label

Admissible = Callable[[Candidate], str | None]


@dataclass(frozen=True)
class Limits:
    """Called with a candidate, says why it is not admissible, or None.

    A pattern is a label ("lstm": whatever holds an LSTM anywhere) or, with a leading slash, a path and an option's
    label, where `*` stands for anything ("/architecture/*/mixer/lstm").

    Args:
        ban: none of these may match.
        require: each of these must match.

    What a candidate may cost is the business of `within.Within`.

    Raises:
        SpaceError: a pattern matches nothing in the space.
    """

    space: Space
    ban: tuple[str, ...] = ()
    require: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        places = _all_places(self.space)
        for pattern in (*self.ban, *self.require):
            if not _matches(pattern, places):
                known = {place if pattern.startswith("/") else place.rsplit("/", 1)[-1] for place in places}
                raise SpaceError(f'"{pattern}" matches nothing in the space.{did_you_mean(pattern, known)}')

    def __call__(self, candidate: Candidate) -> str | None:
        if self.ban or self.require:
            answers = read(self.space, candidate)
            if answers is None:
                return f"outside the space: {why_not(self.space, candidate)}"
            places = {*_chosen(self.space, answers), *_labels(candidate)}
            for pattern in self.ban:
                if _matches(pattern, places):
                    return f'"{pattern}" is banned'
            for pattern in self.require:
                if not _matches(pattern, places):
                    return f'"{pattern}" is required'
        return None


def _matches(pattern: str, places: set[str]) -> bool:
    if pattern.startswith("/"):
        return any(fnmatchcase(place, pattern) for place in places)
    return any(fnmatchcase(place.rsplit("/", 1)[-1], pattern) for place in places)


def _chosen(space: Space, answers: Mapping[str, int]) -> Iterator[str]:
    asked = questions(space)
    return (f"{path}/{asked[path].labels()[index]}" for path, index in answers.items())


def _all_places(space: Space) -> set[str]:
    offered = {f"{path}/{name}" for path, question in questions(space).items() for name in question.labels()}
    return offered | set(_labels(space))


def _labels(value: Any) -> Iterator[str]:
    """Labels of all records in a value or a space, chosen or fixed."""
    if isinstance(value, tuple):
        for part in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _labels(part)
    elif is_dataclass(value) and not isinstance(value, type):
        yield label(value)
        for f in fields(value):
            yield from _labels(getattr(value, f.name))

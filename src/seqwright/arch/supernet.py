"""A supernet as a value: a space, and how one network that shares its weights among all of the space is trained.

It stands in the place of an architecture in a candidate whose proposal has the stage "supernet", and nowhere else.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from seqwright.arch.candidate import Candidate
from seqwright.arch.kinds import kind
from seqwright.errors import SpaceError
from seqwright.space.census import questions
from seqwright.space.nodes import Choice, Path, Record, Space, among
from seqwright.space.prior import Prior


@kind
@dataclass(frozen=True)
class Paths:
    """One network of the space at a time, on its slice of the weights.

    Args:
        rule: "uniform" draws one network a step (Guo et al. 2020, SPOS, arXiv:1904.00420); "sandwich" draws kinds, and
            trains the largest network of these kinds, the smallest and two between, all of which learn from the
            answers of the largest (Yu & Huang 2019, arXiv:1903.05134).
        weights: of the draws, as `weights_of` gives them; none for those of `space.prior.by_size`.
    """

    rule: str = among("uniform", "sandwich", ordered=False)
    weights: tuple[Any, ...] = ()


def weights_of(space: Space, prior: Prior) -> tuple[Any, ...]:
    """A prior as plain data for `Paths`: (path, ((label, weight), ...)) for each question that it weighs."""
    weighed = ((path, question, prior.weights(path, question)) for path, question in questions(space).items())
    return tuple(
        (path, tuple(zip(question.labels(), given, strict=True)))
        for path, question, given in weighed
        if given is not None
    )


def architectures(space: Space) -> tuple[Space, Path]:
    """The space of architectures within one of candidates, and its path there; another space as it is."""
    if isinstance(space, Record) and space.cls is Candidate:
        return dict(space.fields)["architecture"], "/architecture"
    return space, ""


@kind
@dataclass(frozen=True)
class Supernet:
    """All networks of a space over shared weights.

    Args:
        space: of candidates or of architectures.
        training: how it is trained, a record that `oneshot.job.train` is registered for: `Paths`.
    """

    space: Any = field(metadata={"holds": "space"})
    training: Any = Paths()

    @property
    def architectures(self) -> Space:
        """The space of architectures within that of candidates."""
        return architectures(self.space)[0]

    @property
    def root(self) -> Path:
        """The path of `architectures` within the space."""
        return architectures(self.space)[1]

    @property
    def streams(self) -> tuple[str, ...]:
        """The input streams that any of its networks reads."""
        return tuple(dict.fromkeys(_streams(self.architectures)))


def _streams(space: Space) -> Iterator[str]:
    if isinstance(space, Choice):
        for option in space.options:
            yield from _streams(option)
    elif isinstance(space, Record):
        parts = dict(space.fields)
        if "stem" not in parts:
            raise SpaceError(f"A supernet is made of networks with a stem, and {space.cls.__name__} has none.")
        for pairing in _ends(parts.get("pairing", "joined")):
            for stem in _ends(parts["stem"]):
                yield from (name + side for name in stem.reads for side in _SIDES[pairing])
    else:
        yield from space.streams


_SIDES = {"joined": ("",), "compared": (".a", ".b")}


def _ends(space: Space) -> Iterator[Any]:
    """What a part may be: the classes of open records, and finished values."""
    if isinstance(space, Choice):
        for option in space.options:
            yield from _ends(option)
    else:
        yield space.cls if isinstance(space, Record) else space

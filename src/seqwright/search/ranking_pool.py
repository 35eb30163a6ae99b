"""What a surrogate ranks: neighbours of the best candidates, some draws, and of a small space a share or the whole.

Mutants are kept from one proposal to the next, and only some are made anew each time; their encodings with them. So a
proposal costs little however large the space, and what ranks high but was not tried is ranked again.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from seqwright.arch.candidate import Candidate
from seqwright.search.evolution import EDITS
from seqwright.space.census import every, questions, size
from seqwright.space.encode import laid_out
from seqwright.space.fill import answers
from seqwright.space.moves import Move, mutated, sample
from seqwright.space.nodes import Answers, Choice, Path, Record, Space, Stack
from seqwright.space.prior import Prior, log_beliefs

STRUCTURAL = 0.3  # of the edits, where the space has stacks
SMALL = 600  # a space no larger is ranked as a whole
FEW, ROWS = 20_000, 1000  # of one no larger, so many drawn candidates are ranked beside the mutants
DRAWN = 0.15  # of the pool, drawn afresh
ENOUGH = 0.5  # chance that a mutant is not changed once more
RENEWED = 0.3  # of the pool, made anew for each proposal

Encoding = Callable[[Candidate], Sequence[float] | np.ndarray]
Key = tuple[tuple[Path, int], ...]
Moves = tuple[Move, ...]
NODES = (Choice, Record, Stack)


@dataclass(frozen=True)
class Member:
    """A candidate to rank: its answers, its encoding (P,), an expert's belief in it, and how it came about."""

    candidate: Candidate
    key: Key
    vector: np.ndarray
    belief: float = 0.0
    parent: str | None = None
    moves: Moves = ()


class RankingPool:
    """Members that were not tried, each once.

    Args:
        width: how many mutants and draws.
        encoding: what a model sees of a candidate, (P,) numbers from 0 to 1; None for its answers (`space.encode`).
    """

    def __init__(self, space: Space, width: int, prior: Prior | None = None, encoding: Encoding | None = None) -> None:
        self.space, self.width, self.prior = space, width, prior
        self._encoding = encoding
        self._belief = prior.belief if prior else None
        asked = questions(space)
        self._stacked = any("#" in path for path in asked)
        wide = [(2, 1.0) if q.ordered else (len(q.options), math.sqrt(0.5)) for q in _open(asked.values())]
        # Places of alternatives weigh 1/sqrt(2), so that two different answers lie a distance of 1 apart.
        self._scales = np.concatenate([np.full(n, scale) for n, scale in wide] or [np.zeros(0)])
        self._size = size(space)
        self._tried: set[Key] = set()
        self._kept: dict[Key, Member] = {}  # mutants and draws, oldest first

    @property
    def whole(self) -> bool:
        """Whether it ranks the whole space."""
        return self._size <= SMALL

    def vector(self, candidate: Candidate, known: Answers) -> np.ndarray:
        """(P,) what a model sees of a candidate with the answers `known`."""
        if self._encoding is not None:
            return np.asarray(self._encoding(candidate), float)
        return np.array(laid_out(self.space, known)) * self._scales

    def drop(self, key: Key) -> None:
        """Rank this one no more."""
        self._tried.add(key)
        self._kept.pop(key, None)

    def members(self, parents: Sequence[tuple[str, Candidate, Answers]], rng: Random) -> list[Member]:
        """What to rank now.

        Args:
            parents: (id, candidate, answers) of those whose mutants are wanted, best first.
        """
        if self.whole:
            return [member for member in self._listed() if member.key not in self._tried]
        missing = self.width - len(self._kept)
        for k in range(max(missing, round(RENEWED * self.width))):
            member = self._made(parents[k % len(parents)], rng)
            if member.key not in self._tried:
                self._kept.setdefault(member.key, member)
        for key in list(self._kept)[: max(0, len(self._kept) - self.width)]:
            del self._kept[key]
        if self._size > FEW:
            return list(self._kept.values())
        listed = self._listed()
        drawn = (listed[row] for row in rng.sample(range(len(listed)), ROWS))
        return [*self._kept.values(), *(m for m in drawn if m.key not in self._tried and m.key not in self._kept)]

    def _made(self, parent: tuple[str, Candidate, Answers], rng: Random) -> Member:
        if rng.random() < DRAWN:
            child = sample(self.space, rng, self.prior)
            return self._member(child, answers(self.space, child))
        name, child, known = parent
        moves: list[Move] = []
        while True:
            child, known, move = self._changed(child, known, rng)
            moves.append(move)
            if rng.random() < ENOUGH:
                return self._member(child, known, name, tuple(moves))

    def _member(self, child: Candidate, known: Answers, parent: str | None = None, moves: Moves = ()) -> Member:
        belief = sum(log_beliefs(self.space, known, self._belief)) if self._belief else 0.0
        return Member(child, tuple(known.items()), self.vector(child, known), belief, parent, moves)

    def _changed(self, candidate: Candidate, known: Answers, rng: Random) -> tuple[Candidate, Answers, Move]:
        if self._stacked and rng.random() < STRUCTURAL and (done := rng.choice(EDITS)(self.space, candidate, rng)):
            return done[0], answers(self.space, done[0]), done[1]
        child, move, given = mutated(self.space, known, rng, self.prior)
        return child, given, move

    def _listed(self) -> list[Member]:
        """All of a space that has few."""
        plain = self._encoding is None and self._belief is None
        # On the node itself, for other searches of the same space.
        kept: dict[str, Any] = self.space.__dict__ if plain and isinstance(self.space, NODES) else self.__dict__
        if "_all_members" not in kept:
            kept["_all_members"] = [self._member(each, answers(self.space, each)) for each in every(self.space)]
        return kept["_all_members"]


def _open(asked: Iterable[Choice]) -> list[Choice]:
    return [question for question in asked if len(question.options) > 1]

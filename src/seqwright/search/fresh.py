"""Fresh candidates only: what was proposed once, or is not admissible, is drawn again."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.search.limits import Admissible, Limits
from seqwright.space.census import every, size
from seqwright.space.nodes import Space
from seqwright.study.record import Proposal

TRIES = 200
FEW = 10_000  # a space so small is walked through when drawing finds nothing new


def generator(seed: int, *place: int) -> Random:
    """Random numbers for one place in a search, the same on every machine: `generator(seed, k, attempt)`."""
    text = "/".join(map(str, (seed, *place)))
    return Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))


class Fresh:
    """Remembers what was proposed, by canonical identity, and lets nothing through twice.

    Args:
        admissible: says why a candidate may not be trained, or None; see `Limits`.

    `refused` counts the reasons given, for the report and for advice when nothing is left.
    """

    def __init__(self, space: Space, admissible: Admissible | None = None) -> None:
        self.space = space
        self.rules: list[Admissible] = [admissible] if admissible else []
        self.refused: Counter[str] = Counter()
        self._known: set[str] = set()  # proposed or refused
        self._rest: Iterator[Any] | None = None

    def takes(self, candidate: Candidate) -> bool:
        """Whether the candidate is new and admissible; it is not new any more afterwards."""
        name = identity(candidate)
        if name in self._known:
            return False
        self._known.add(name)
        reason = next((reason for rule in self.rules if (reason := rule(candidate))), None)
        if reason:
            self.refused[reason] += 1
        return reason is None

    def first(self, draw: Callable[[int], Proposal]) -> Proposal | None:
        """The first of `draw(0)`, `draw(1)`, ... that is taken. None: a small space is used up, or luck has run out."""
        for attempt in range(TRIES):
            if self.takes((proposal := draw(attempt)).candidate):
                return proposal
        if self._rest is None:
            self._rest = every(self.space) if size(self.space) <= FEW else iter(())
        # What is known stays known, so the walk need never begin again.
        candidate = next((candidate for candidate in self._rest if self.takes(candidate)), None)
        return candidate and Proposal(candidate, why="one of the last that were never tried")

    def ban(self, pattern: str) -> None:
        """From now on, let nothing through that `pattern` matches."""
        self.rules.append(Limits(self.space, ban=(pattern,)))

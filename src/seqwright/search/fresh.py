"""Fresh candidates only: what was proposed once, or is not admissible, is drawn again."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from random import Random
from typing import Any

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.search.limits import Admissible, Limits
from seqwright.space.census import contains, every, size
from seqwright.space.nodes import Space
from seqwright.study.record import Proposal

TRIES = 200
REPAIR = 20  # every so many of them, one that a limit forbids is made smaller
FEW = 10_000  # a space so small is walked through when drawing finds nothing new


def generator(seed: int, *place: int) -> Random:
    """Random numbers for one place in a search, the same on every machine: `generator(seed, k, attempt)`."""
    text = "/".join(map(str, (seed, *place)))
    return Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))


class Fresh:
    """Remembers what was proposed, by canonical identity, and lets nothing through twice.

    Args:
        admissible: says why a candidate may not be trained, or None; see `Limits`.

    `refused` counts the reasons given, for the report and for advice when nothing is left. `sieve`, if there is one,
    chooses among several that are new: (how many, which of them).
    """

    def __init__(self, space: Space, admissible: Admissible | None = None) -> None:
        self.space = space
        self.rules: list[Admissible] = [admissible] if admissible else []
        self.refused: Counter[str] = Counter()
        self._known: set[str] = set()  # proposed or refused
        self._rest: Iterator[Any] | None = None
        self.sieve: tuple[int, Callable[[Sequence[Candidate]], int]] | None = None
        self._passed: list[Proposal] = []  # which the sieve held back

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

    def obeying(self, candidate: Candidate) -> Candidate | None:
        """One near `candidate`, which breaks a limit, that breaks none and is new; None where there is none."""
        for rule in self.rules:
            repair = getattr(rule, "repaired", None)
            smaller = repair(candidate) if repair else None
            # A rule may know of a larger space than is searched here.
            if smaller is not None and contains(self.space, smaller) and self.takes(smaller):
                return smaller
        return None

    def first(self, draw: Callable[[int], Proposal]) -> Proposal | None:
        """The first of `draw(0)`, `draw(1)`, ... that is taken. None: a small space is used up, or luck has run out."""
        count, choose = self.sieve or (1, None)
        found = list(islice(self._fresh(draw), count))
        if choose is None or len(found) < 2:
            return found[0] if found else self._passed.pop() if self._passed else None
        best = found.pop(choose([proposal.candidate for proposal in found]))
        self._passed += found
        return replace(best, why=f"{best.why}; the most promising of {count} before training")

    def _fresh(self, draw: Callable[[int], Proposal]) -> Iterator[Proposal]:
        for attempt in range(TRIES):
            proposal = draw(attempt)
            if self.takes(proposal.candidate):
                yield proposal
            elif attempt % REPAIR == REPAIR - 1 and (smaller := self.obeying(proposal.candidate)) is not None:
                why = f"{proposal.why}; made smaller to obey the limits"
                yield replace(proposal, candidate=smaller, why=why, move=None)
        if self._rest is None:
            self._rest = every(self.space) if size(self.space) <= FEW else iter(())
        # What is known stays known, so the walk need never begin again.
        for candidate in self._rest:
            if self.takes(candidate):
                yield Proposal(candidate, why="one of the last that were never tried")

    def ban(self, pattern: str) -> None:
        """From now on, let nothing through that `pattern` matches."""
        rule = Limits(self.space, ban=(pattern,))
        self.rules.append(rule)
        self._passed = [proposal for proposal in self._passed if not rule(proposal.candidate)]

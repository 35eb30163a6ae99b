"""Auto: hand-made networks first, some draws, then whichever way of searching has done well of late.

A bandit (Thompson 1933; Russo et al. 2018, arXiv:1707.02038) over four arms: a surrogate's first choice, an evolution's
child, a neighbour of the best, a draw. An arm is paid when its trial is among the best tenth heard at that fidelity.
So a surrogate that predicts well gets most of the trials, and one that does not, on a space too large for what was
heard, loses them to evolution. Neighbours are left alone when nothing better was found for a while. Every proposal
says which arm made it, and how the arms had done.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.search.evolution import Evolution, sizes
from seqwright.search.fresh import generator
from seqwright.search.gp_encoding import EncodedGp
from seqwright.search.leaderboard import leaderboard
from seqwright.search.limits import Admissible
from seqwright.search.random_search import WHOLE, RandomSearch
from seqwright.space.census import size
from seqwright.space.moves import Move
from seqwright.space.neighbours import neighbours
from seqwright.space.nodes import Space
from seqwright.space.prior import Prior
from seqwright.study.record import Fidelity, Proposal, Trial

BEGIN = 10  # trials with a score before an arm is chosen
SUMMIT = 25  # trials without a new best, after which neighbours of the best are left alone
BOLDER = 40  # and after which its surrogate grows bolder: later than alone, since other arms leave a summit too
RECENT = 30  # trials of an arm that are remembered
TENTH = 0.1
NEAR = 24  # neighbours that are looked at together
CHOSE = "auto chose "  # how the `why` of an arm's proposal begins
# What an arm is believed to have earned before it was tried: (good, not good).
BELIEFS: dict[str, tuple[float, float]] = {
    "surrogate": (6.0, 1.0),
    "evolution": (1.0, 4.0),
    "neighbours": (1.0, 4.0),
    "random": (1.0, 9.0),
}


class Auto(RandomSearch):
    """The portfolio and draws until `begin` trials have a score, then the arms.

    Args:
        expected: about how many candidates will be proposed, which sizes the population of the evolution.
        encoding: what the surrogate sees of a candidate; see `Surrogate`.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        fidelity: Fidelity = WHOLE,
        prior: Prior | None = None,
        portfolio: Iterable[tuple[str, Candidate]] = (),
        admissible: Admissible | None = None,
        begin: int = BEGIN,
        expected: int | None = None,
        encoding: Callable[[Candidate], Sequence[float] | np.ndarray] | None = None,
    ) -> None:
        super().__init__(space, seed=seed, fidelity=fidelity, prior=prior, portfolio=portfolio, admissible=admissible)
        common: dict[str, Any] = {"seed": seed, "fidelity": fidelity, "prior": prior}
        population, sample, _ = sizes(expected or 100)
        self.surrogate = EncodedGp(space, begin=begin, encoding=encoding, stalled=BOLDER, **common)
        self.evolution = Evolution(space, population=population, sample=sample, begin=0, **common)
        self.recent = {arm: deque[bool](maxlen=RECENT) for arm in BELIEFS}
        self._made_by: dict[str, str] = {}  # the arm, by the id of a candidate that was not heard of yet
        self._walks: dict[str, Iterator[tuple[Candidate, Move]]] = {}
        self._beside_it: dict[str, list[tuple[Candidate, Move]]] = {}  # the next few of each walk
        self._arm = ""
        self._single = size(space) == 1

    def tell(self, trials: Sequence[Trial]) -> None:
        """An arm is paid, or not, when its candidate is heard of for the first time."""
        self.surrogate.tell(trials)
        self.evolution.tell(trials)
        for trial in trials:
            if arm := self._made_by.pop(identity(trial.proposal.candidate), None):
                heard = self.surrogate.heard.get(trial.proposal.fidelity, {}).values()
                better = sum(other.score > trial.score for other in heard if not other.failed)
                self.recent[arm].append(not trial.failed and better < TENTH * len(heard))

    def _next(self) -> Proposal | None:
        self._arm = ""
        if (proposal := super()._next()) is not None:
            name = identity(proposal.candidate)
            self.surrogate.remember(name, proposal.candidate)
            if self._arm:
                self._made_by[name] = self._arm
        return proposal

    def draw(self, attempt: int) -> Proposal:
        fidelity = self.surrogate.ready()
        if fidelity is None or self._single:
            return super().draw(attempt)
        if attempt == 0:
            self._arm = self.chosen(self.surrogate.since_best(fidelity) >= SUMMIT)
            self.surrogate.made = self.evolution.made = self.made  # what they draw from (seed, k) by
        proposal = self._by(self._arm, fidelity, attempt)
        return proposal.at(proposal.fidelity, why=f"{CHOSE}{self._arm} ({self.told()}): {proposal.why}")

    def _by(self, arm: str, fidelity: Fidelity, attempt: int) -> Proposal:
        if arm == "surrogate":
            return self.surrogate.draw(attempt)
        if arm == "neighbours" and (found := self._beside(fidelity)) is not None:
            return found
        return self.evolution.draw(attempt) if arm != "random" else super().draw(attempt)

    def _beside(self, fidelity: Fidelity) -> Proposal | None:
        """Of the neighbours of the best candidate that has some left, the one of which the surrogate expects most."""
        for trial in self.surrogate.best(fidelity):
            candidate = trial.proposal.candidate
            name = identity(candidate)
            if name not in self._walks:
                rng = generator(self.seed, -3, int(name, 16))
                self._walks[name] = neighbours(self.space, candidate, rng, self.prior)
                self._beside_it[name] = []
            waiting = self._beside_it[name]
            waiting += islice(self._walks[name], NEAR - len(waiting))
            if waiting:
                expected = self.surrogate.expected(fidelity, [child for child, _ in waiting]).round(6)
                child, move = waiting.pop(int(expected.argmax()))
                return Proposal(child, why=f"one edit from {name}: {move}", move=move.as_data(), parent=name)
        return None

    def chosen(self, stalled: bool = False) -> str:
        """An arm, drawn as likely as it is the best one: the largest of one draw from what is believed of each."""
        rng = generator(self.seed, self.made, -1)
        drawn: dict[str, float] = {}
        for arm, (good, not_good) in BELIEFS.items():
            if arm == "neighbours" and stalled:
                continue  # they may be good for long without one being better: the best is a summit
            done = self.recent[arm]
            drawn[arm] = rng.betavariate(good + sum(done), not_good + len(done) - sum(done))
        return max(drawn, key=drawn.__getitem__)

    def told(self) -> str:
        """How the arms have done, in words."""
        return ", ".join(f"{arm} {sum(done)} good of {len(done)}" for arm, done in self.recent.items())


def choices(trials: Sequence[Trial]) -> str:
    """How often each arm was chosen, and which found the leader, for the report; "" where none was."""
    whys = {identity(t.proposal.candidate): t.proposal.why for t in reversed(trials)}  # of its first trial
    arms = {name: why.removeprefix(CHOSE).split(" ")[0] for name, why in whys.items() if why.startswith(CHOSE)}
    if not arms:
        return ""
    counts = ", ".join(f"{arm} {count}" for arm, count in Counter(arms.values()).most_common())
    leader = arms.get(next((identity(t.proposal.candidate) for t in leaderboard(trials)), ""))
    found = f"by {leader}" if leader else "before any of them"
    return f"{counts} of {len(arms)}; the leader was found {found}"

"""Regularized evolution: the best of a few members is changed a little, and the oldest member dies.

Real et al. 2019, arXiv:1802.01548, with its constants: a population of 100, tournaments of 25. Ours differs: the
population begins with a portfolio, a mutation changes any one answer (theirs an operation, an input or, in 5 %,
nothing), layers may be inserted, removed, doubled and swapped, crossover may be switched on, nothing is trained twice,
and members that a schedule trained further are compared by fidelity first.
"""

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.search.fresh import generator
from seqwright.search.limits import Admissible
from seqwright.search.random_search import WHOLE, RandomSearch
from seqwright.space.census import size
from seqwright.space.moves import Move, cross, duplicate, insert, mutate, remove, swap
from seqwright.space.nodes import Space
from seqwright.space.prior import Prior
from seqwright.study.record import Fidelity, Proposal, Trial

POPULATION, SAMPLE = 100, 25  # Real et al. 2019, section 3
SHORT = 40  # a population for up to some hundreds of trials
FIRST = 24  # and how many are drawn before its first child
EDITS: tuple[Callable[[Space, Any, Random], tuple[Any, Move] | None], ...] = (insert, remove, duplicate, swap)
PATIENCE = 20  # attempts at a fresh child before it is changed once more


def sizes(trials: int | None) -> tuple[int, int, int]:
    """(population, sample, begin) for about so many trials: the published ones from 800 on, greedier below.

    In a short search a small population would forget too soon: the portfolio comes first, so its best member would
    die of age before it had children. Fewer are drawn before the first child instead (`begin`), but up to `FIRST` of
    them a third: with less to choose from, a hundred trials go into polishing a poor beginning.

    >>> sizes(60)
    (30, 15, 20)
    """
    if trials is None:
        return POPULATION, SAMPLE, POPULATION
    begin = max(8, min(trials // 3, FIRST), min(POPULATION, trials // 8))
    population = max(begin, min(trials // 2, SHORT))
    return population, min(SAMPLE, population // 2), begin


class Evolution(RandomSearch):
    """Random search until `begin` candidates are proposed, then children of the tournaments' winners.

    Args:
        population: how many live at once.
        begin: how many are drawn before the first child; by default the whole population.
        sample: how many, drawn with replacement, meet in a tournament.
        structural: the share of changes that insert, remove, double or swap elements of a stack.
        crossover: the share of children that mix two winners' answers before they are changed.
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
        population: int = POPULATION,
        sample: int = SAMPLE,
        structural: float = 0.3,
        crossover: float = 0.0,
        begin: int | None = None,
    ) -> None:
        super().__init__(space, seed=seed, fidelity=fidelity, prior=prior, portfolio=portfolio, admissible=admissible)
        self.population, self.sample = population, sample
        self.structural, self.crossover = structural, crossover
        self.begin = population if begin is None else begin
        self.members: dict[str, Trial] = {}  # by the candidate's id, oldest first
        self._single = size(space) == 1

    def tell(self, trials: Sequence[Trial]) -> None:
        """A failed trial joins nothing. One trained further takes its own earlier place, and grows no younger."""
        for trial in trials:
            name = identity(trial.proposal.candidate)
            known = self.members.get(name)
            if trial.failed or (known and trial.proposal.fidelity < known.proposal.fidelity):
                continue
            if known is None and trial.proposal.start == "checkpoint":
                continue  # promoted after it had died: the dead stay dead, or age would mean nothing
            self.members[name] = trial
            if len(self.members) > self.population:
                self._die()

    def _die(self) -> None:
        """The oldest."""
        del self.members[next(iter(self.members))]

    def draw(self, attempt: int) -> Proposal:
        if self.made < self.begin or not self.members or self._single:
            return super().draw(attempt)
        rng = generator(self.seed, self.made, attempt)
        parent = self._winner(rng)
        name, child, words = identity(parent), parent, "mutated"
        if rng.random() < self.crossover:
            other = self._winner(rng)
            child, words = cross(self.space, parent, other, rng), f"crossed with {identity(other)}, mutated"
        moves: list[Move] = []
        for _ in range(1 + attempt // PATIENCE):
            child, move = self._change(child, rng)
            moves.append(move)
        told = "; ".join(map(str, moves))
        # Weights can be inherited along one move, not along several at once.
        move = moves[0].as_data() if len(moves) == 1 and words == "mutated" else None
        return Proposal(child, why=f"{words} {name}: {told}", move=move, parent=name)

    def _change(self, candidate: Candidate, rng: Random) -> tuple[Candidate, Move]:
        if rng.random() < self.structural and (done := rng.choice(EDITS)(self.space, candidate, rng)):
            return done
        return mutate(self.space, candidate, rng, self.prior)

    def _winner(self, rng: Random) -> Candidate:
        """The best of a tournament. Scores compare at one fidelity only, so that goes first."""
        alive = list(self.members.values())
        drawn = (rng.choice(alive) for _ in range(self.sample))
        return max(drawn, key=lambda trial: (trial.proposal.fidelity, trial.score)).proposal.candidate

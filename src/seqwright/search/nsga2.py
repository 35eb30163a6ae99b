"""NSGA-II: evolution with several objectives, whose population spreads along the front of what dominates.

Deb et al. 2002 (IEEE TEC 6(2), 182-197), with its constants: a population of 100, binary tournaments by front and
crowding, crossover in 0.9 of the children. Ours differs: one child is made at a time and one member dies (a steady
state, which no slot waits for), children are changed by the moves of the space, insertions and removals of layers
among them, costs are compared by their logarithms, and members that a schedule trained further come first.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

from seqwright.arch.candidate import Candidate
from seqwright.search.evolution import Evolution
from seqwright.search.pareto import order, points
from seqwright.space.nodes import Space
from seqwright.study.record import Trial

CROSSOVER = 0.9  # Deb et al. 2002, section IV


class Nsga2(Evolution):
    """Random search until `begin` candidates are proposed, then children of those on the front.

    Args:
        objectives: names of costs in `Trial.costs` to lower beside raising the score; with none it is an evolution in
            which the best live for ever.
        more: as for `Evolution`.
    """

    def __init__(
        self, space: Space, *, objectives: Sequence[str] = (), crossover: float = CROSSOVER, **more: Any
    ) -> None:
        super().__init__(space, crossover=crossover, **more)
        self.objectives = tuple(objectives)
        self._places: dict[str, int] = {}  # by id: 0 is the best

    def tell(self, trials: Sequence[Trial]) -> None:
        self._places = {}
        super().tell(trials)

    def _die(self) -> None:
        """Whoever comes last."""
        del self.members[ranked(self.members, self.objectives)[-1]]

    def _winner(self, rng: Random) -> Candidate:
        """The better of two."""
        if not self._places:
            self._places = {name: place for place, name in enumerate(ranked(self.members, self.objectives))}
        alive = list(self.members)
        best = min((rng.choice(alive) for _ in range(2)), key=self._places.__getitem__)
        return self.members[best].proposal.candidate


def ranked(members: dict[str, Trial], objectives: Sequence[str]) -> list[str]:
    """Names of members, best first. Scores compare at one fidelity only, so that goes first."""
    found: list[str] = []
    for fidelity in sorted({trial.proposal.fidelity for trial in members.values()}, reverse=True):
        alike = {name: trial for name, trial in members.items() if trial.proposal.fidelity == fidelity}
        names = list(alike)
        found += [names[i] for i in order(points(list(alike.values()), objectives))]
    return found

"""PASHA: asynchronous successive halving that trains no longer than it takes to rank its candidates.

Bohdal et al. 2023, arXiv:2207.06940: promotions end at the second rung, and one rung higher each time that the two
highest rungs disagree about who is better. Ours differs: scores closer than a given `tolerance` count as equal, where
the paper estimates that from how often learning curves cross.
"""

from collections.abc import Collection, Sequence
from itertools import combinations

from seqwright.search.halving import Asha, Inform
from seqwright.search.strategy import Strategy
from seqwright.study.record import Fidelity, Trial


class Pasha(Asha):
    """ASHA below a ceiling that rises with disagreement.

    Args:
        tolerance: scores that differ by no more are equal, and no disagreement.
    """

    def __init__(
        self,
        strategy: Strategy,
        rungs: Sequence[Fidelity],
        *,
        eta: int = 3,
        inform: Inform = "lowest",
        straight: Collection[int] = (),
        tolerance: float = 0.0,
    ) -> None:
        super().__init__(strategy, rungs, eta=eta, inform=inform, straight=straight)
        self.tolerance = tolerance
        self.top = min(1, self.top)

    def note(self, trial: Trial) -> None:
        super().note(trial)
        reached = trial.proposal.fidelity == self.rungs[self.top]
        if reached and self.top < len(self.rungs) - 1 and self._disagree():
            self.top += 1

    def _disagree(self) -> bool:
        """Whether some two candidates stand the other way round at the rung below the highest."""
        low, high = (
            {name: trial.score for name, trial in self._ended[rung] if not trial.failed}
            for rung in self.rungs[self.top - 1 : self.top + 1]
        )
        both = [(low[name], high[name]) for name in high if name in low]
        return any(
            (a[0] - b[0]) * (a[1] - b[1]) < 0 and min(abs(a[0] - b[0]), abs(a[1] - b[1])) > self.tolerance
            for a, b in combinations(both, 2)
        )

"""Progressive hurdles: every candidate trains a little, and trains on while it is better than the mean of others.

So et al. 2019, arXiv:1901.11117 (the Evolved Transformer): once `each` candidates have ended at a rung, their mean
score is the hurdle for all later ones. Ours differs: the mean is that of the rung's first trials, not of the present
population, for a schedule goes around any strategy; and a promotion goes on from its checkpoint.
"""

from collections.abc import Sequence

from seqwright.arch.codec import identity
from seqwright.errors import InputError
from seqwright.search.halving import Inform, Schedule
from seqwright.search.strategy import Strategy
from seqwright.study.record import Fidelity, Proposal, Trial

EACH = 10  # 1,000 of 15,000 in the paper


class Hurdles(Schedule):
    """Promotes whoever takes the hurdle; nobody waits for a rung.

    Args:
        each: trials, failed ones aside, whose mean score makes a hurdle; they themselves stay below it.
        inform: "all", as a strategy is to learn from those that train on.
    """

    def __init__(
        self,
        strategy: Strategy,
        rungs: Sequence[Fidelity],
        *,
        eta: int = 3,
        inform: Inform = "all",
        each: int = EACH,
    ) -> None:
        super().__init__(strategy, rungs, eta=eta, inform=inform)
        if each < 1:
            raise InputError(f"A hurdle is the mean of one trial or more; got each={each}.")
        self.each = each
        self.hurdles: dict[Fidelity, float] = {}
        self._scores: dict[Fidelity, list[float]] = {rung: [] for rung in self.rungs[:-1]}
        self._noted: set[tuple[str, Fidelity]] = set()
        self._queue: list[Proposal] = []

    def _next(self) -> Proposal | None:
        return self._queue.pop(0) if self._queue else self.begin(self.rungs[0])

    def note(self, trial: Trial) -> None:
        rung = trial.proposal.fidelity
        key = identity(trial.proposal.candidate), rung
        if trial.failed or rung not in self._scores or key in self._noted:
            return
        self._noted.add(key)
        if (hurdle := self.hurdles.get(rung)) is None:
            scores = self._scores[rung]
            scores.append(trial.score)
            if len(scores) == self.each:
                self.hurdles[rung] = sum(scores) / len(scores)
        elif trial.score > hurdle:
            high = self.rungs[self.rungs.index(rung) + 1]
            why = f"over the hurdle at {rung.examples:,} examples: {trial.score:.4g} is more than {hurdle:.4g}"
            self._queue.append(trial.proposal.at(high, start="checkpoint", why=why, number=-1))

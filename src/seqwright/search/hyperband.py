"""Hyperband: successive halving from several rungs in turn, so that no one guess at the lowest rung decides.

Li et al. 2017, arXiv:1603.06560 (`Hyperband`); with ASHA's promotions (Li et al. 2020, arXiv:1810.05934, section 3.2)
`AsyncHyperband`. BOHB (Falkner et al. 2018, arXiv:1807.01774) is Hyperband around a TPE.
"""

from collections.abc import Sequence
from math import ceil

from seqwright.arch.codec import identity
from seqwright.search.halving import Asha, Bracket, Halving, Inform, Order, Schedule
from seqwright.search.strategy import Strategy
from seqwright.study.record import Fidelity, Proposal, Trial


def brackets(rungs: int, *, eta: int = 3) -> tuple[int, ...]:
    """How many candidates begin in each bracket: in the one that begins at the lowest rung first.

    Algorithm 1 of the paper, with s + 1 rungs in bracket s: n = ceil((s_max + 1) / (s + 1) * eta**s). (Its Table 1
    rounds the fraction down instead, and has 81, 27, 9, 6, 5.)

    >>> brackets(5)
    (81, 34, 15, 8, 5)
    """
    return tuple(ceil(rungs * eta**s / (s + 1)) for s in reversed(range(rungs)))


class Hyperband(Halving):
    """The published brackets, one after the other and round again; the next begins while one waits.

    Args:
        rungs: fidelities from the lowest to the highest; bracket k begins at rung k.
        eta: one in `eta` is promoted.
        inform: "all", because brackets begin at different rungs: what a strategy hears has different fidelities.
    """

    def __init__(self, strategy: Strategy, rungs: Sequence[Fidelity], *, eta: int = 3, inform: Inform = "all") -> None:
        super().__init__(strategy, rungs, eta=eta, inform=inform)
        self.widths = brackets(len(self.rungs), eta=eta)

    def _open(self) -> Bracket:
        turn = self._opened % len(self.widths)
        return Bracket(self.rungs[turn], self.widths[turn])


class AsyncHyperband(Schedule):
    """Hyperband whose brackets are ASHA's: new candidates go to them in the published numbers, promotions never wait.

    Args: as `Hyperband`.
    """

    def __init__(self, strategy: Strategy, rungs: Sequence[Fidelity], *, eta: int = 3, inform: Inform = "all") -> None:
        super().__init__(strategy, rungs, eta=eta, inform=inform)
        widths = brackets(len(self.rungs), eta=eta)
        self._brackets = [Asha(strategy, self.rungs[k:], eta=eta) for k in range(len(self.rungs))]
        self._turns = [k for k, width in enumerate(widths) for _ in range(width)]
        self._begun = 0
        self._running: dict[tuple[str, Fidelity], Asha] = {}

    def rank_by(self, order: Order) -> None:
        for bracket in self._brackets:
            bracket.rank_by(order)

    def _next(self) -> Proposal | None:
        for bracket in self._brackets:
            if (proposal := bracket.promotion()) is not None:
                return self._start(bracket, proposal)
        bracket = self._brackets[self._turns[self._begun % len(self._turns)]]
        if (proposal := bracket.begin(bracket.rungs[0])) is None:
            return None
        self._begun += 1
        return self._start(bracket, proposal)

    def _start(self, bracket: Asha, proposal: Proposal) -> Proposal:
        self._running[identity(proposal.candidate), proposal.fidelity] = bracket
        return proposal

    def note(self, trial: Trial) -> None:
        key = identity(trial.proposal.candidate), trial.proposal.fidelity
        if (bracket := self._running.pop(key, None)) is not None:
            bracket.note(trial)

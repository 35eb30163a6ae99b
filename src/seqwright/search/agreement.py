"""How far scores on inherited weights put candidates in the order of scores of their own."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import sqrt

from seqwright.arch.codec import identity
from seqwright.study.record import Fidelity, Trial


def kendall(pairs: Sequence[tuple[float, float]]) -> float:
    """Kendall's tau-b of pairs of scores, from -1 to 1; 0 where one side knows no order at all (Kendall 1945).

    >>> kendall([(1, 10), (2, 30), (3, 20)])
    0.3333333333333333
    """
    agreed = ordered = theirs = 0
    for (a, x), (b, y) in combinations(pairs, 2):
        one, other = (a > b) - (a < b), (x > y) - (x < y)
        agreed += one * other
        ordered += one != 0
        theirs += other != 0
    return agreed / sqrt(ordered * theirs) if ordered and theirs else 0.0


class Agreement:
    """Inherited scores beside those of networks that trained alone, by candidate; scores of one fidelity only."""

    def __init__(self, trials: Iterable[Trial] = ()) -> None:
        self.inherited: dict[str, Trial] = {}
        self.own: dict[Fidelity, dict[str, float]] = {}
        for trial in trials:
            self.add(trial)

    def add(self, trial: Trial) -> None:
        fidelity = trial.proposal.fidelity
        if trial.failed:
            return
        if fidelity.stage == "shared":
            self.inherited[identity(trial.proposal.candidate)] = trial
        elif fidelity.stage == "full":
            self.own.setdefault(fidelity, {})[identity(trial.proposal.candidate)] = trial.score

    @property
    def pairs(self) -> list[tuple[float, float]]:
        """(inherited, own) of those with both, at the highest fidelity that has any."""
        for fidelity in sorted(self.own, reverse=True):
            own = self.own[fidelity]
            if both := [(t.score, own[name]) for name, t in self.inherited.items() if name in own]:
                return both
        return []

    @property
    def tau(self) -> float:
        return kendall(self.pairs)

    def __str__(self) -> str:
        pairs = self.pairs
        if not pairs:
            return "none compared yet"
        return f"Kendall's tau {kendall(pairs):.2f} over {len(pairs)} {'pair' if len(pairs) == 1 else 'pairs'}"

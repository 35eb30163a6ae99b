"""Local search: try what lies one edit away, move to what is better, begin again elsewhere when nothing is.

White et al. 2021, arXiv:2005.02960, and Den Ottelander et al. 2020, arXiv:2004.08996. Ours differs: a climb begins at
the best of a few draws (of the portfolio first), the near steps of a scale and what the prior favours are tried first,
layers may be inserted, removed, doubled and swapped, no candidate is trained twice, and while the last news of a
neighbourhood is awaited the draws of the next climb are made, so that no slot stands idle.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.search.fresh import generator
from seqwright.search.limits import Admissible
from seqwright.search.random_search import WHOLE, RandomSearch
from seqwright.space.fill import read
from seqwright.space.moves import Move
from seqwright.space.neighbours import neighbours
from seqwright.space.nodes import Space
from seqwright.space.prior import Prior
from seqwright.study.record import Fidelity, Proposal, Trial

Improvement = Literal["first", "best"]
BEGIN = 10  # draws before the first climb


class LocalSearch(RandomSearch):
    """Climbs, one after the other.

    Args:
        improvement: move to the "first" better neighbour that is heard of, or to the "best" when all have been.
        begin: how many are drawn before the first climb, the portfolio among them.
        again: how many before every other one.
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
        improvement: Improvement = "first",
        begin: int = BEGIN,
        again: int = 5,
    ) -> None:
        super().__init__(space, seed=seed, fidelity=fidelity, prior=prior, portfolio=portfolio, admissible=admissible)
        self.improvement, self.again = improvement, max(1, again)
        self.heard: dict[str, Trial] = {}  # by the candidate's id, each at its highest fidelity
        self.centre: Trial | None = None
        self._due = max(1, begin)  # draws still to be made for this climb
        self._climb: set[str] = set()  # what this climb drew and tried
        self._ahead: set[str] = set()  # what was drawn for the next
        self._awaited: set[str] = set()  # neighbours of the centre that were not heard of yet
        self._better: Trial | None = None  # the best neighbour so far, where the best is waited for
        self._around: Iterator[tuple[Any, Move]] = iter(())
        self._moves = 0

    def tell(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            name = identity(trial.proposal.candidate)
            self._awaited.discard(name)
            if trial.failed or ((known := self.heard.get(name)) and _rank(known) >= _rank(trial)):
                continue
            self.heard[name] = trial
            if self.centre and name == identity(self.centre.proposal.candidate):
                self.centre = trial  # trained further
            elif name in self._climb:
                self._consider(trial)

    def _consider(self, trial: Trial) -> None:
        """A better one is the new centre, or may become it."""
        if self.centre and _rank(trial) <= _rank(self.centre):
            return
        if self.improvement == "first" or self.centre is None:
            self._move_to(trial)
        elif self._better is None or _rank(trial) > _rank(self._better):
            self._better = trial

    def _move_to(self, trial: Trial) -> None:
        candidate = trial.proposal.candidate
        self.centre, self._better = trial, None
        self._awaited.clear()
        self._moves += 1
        inside = read(self.space, candidate) is not None  # a replayed study may hold others
        rng = generator(self.seed, -2, self._moves)
        self._around = neighbours(self.space, candidate, rng, self.prior) if inside else iter(())

    def _next(self) -> Proposal | None:
        while True:
            if self._portfolio or self._due > 0 or self.centre is None:
                if (proposal := self._drawn(self._climb)) is not None:
                    self._due -= 1
                    return proposal
                if self.centre is None:
                    return None
                self._due = 0  # no draw is taken any more, and neighbours may be
            if (proposal := self._neighbour()) is not None:
                return proposal
            if self._awaited and len(self._ahead) < self.again:
                return self._drawn(self._ahead)
            if not self._awaited and self._better is not None:
                self._move_to(self._better)
            else:
                self._restart()

    def _drawn(self, climb: set[str]) -> Proposal | None:
        if (proposal := super()._next()) is not None:
            climb.add(identity(proposal.candidate))
        return proposal

    def _neighbour(self) -> Proposal | None:
        """The centre's next one that was never tried. On the way, those known already may become the centre."""
        while (found := next(self._around, None)) is not None:
            candidate, move = found
            assert self.centre is not None
            name = identity(candidate)
            if name in self.heard:
                self._climb.add(name)
                self._consider(self.heard[name])  # after which the walk may be around another
            elif self.fresh.takes(candidate):
                self._climb.add(name)
                self._awaited.add(name)
                parent = identity(self.centre.proposal.candidate)
                return Proposal(candidate, why=f"one edit from {parent}: {move}", move=move.as_data(), parent=parent)
        return None

    def _restart(self) -> None:
        self.centre, self._better = None, None
        self._awaited.clear()
        self._around = iter(())
        self._climb, self._ahead = self._ahead, set()
        self._due = self.again - len(self._climb)
        for name in sorted(self._climb & self.heard.keys()):
            self._consider(self.heard[name])


def _rank(trial: Trial) -> tuple[Fidelity, float]:
    """Scores compare at one fidelity only, so that goes first."""
    return trial.proposal.fidelity, trial.score

"""Successive halving: many candidates for a short time, the best of them for longer. A schedule around any strategy.

Jamieson & Talwalkar 2016, arXiv:1502.07943 (`Halving`, which waits for a whole rung) and Li et al. 2020,
arXiv:1810.05934 (`Asha`, which promotes whenever it may). Ours differs in that a promotion goes on from its own
checkpoint, and in that `Halving` begins its next bracket while one waits, so that no slot stands idle.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from seqwright.arch.codec import identity
from seqwright.errors import InputError
from seqwright.search.random_search import PORTFOLIO
from seqwright.search.sieve import UNTRAINED
from seqwright.search.strategy import Strategy
from seqwright.study.record import Fidelity, Proposal, Trial

Inform = Literal["lowest", "all"]
Order = Callable[[Sequence[Trial]], list[Trial]]  # trials of one rung, best first


def by_score(trials: Sequence[Trial]) -> list[Trial]:
    return sorted(trials, key=lambda trial: -trial.score)  # stable: of equals the earlier one


def ladder(highest: int, rungs: int = 3, *, eta: int = 3, folds: int = 1) -> tuple[Fidelity, ...]:
    """Rungs that end at `highest` examples, each `eta` times the one below.

    >>> [rung.examples for rung in ladder(9000)]
    [1000, 3000, 9000]
    """
    return tuple(Fidelity(n, folds) for n in sorted({max(1, highest // eta**step) for step in range(rungs)}))


class Schedule:
    """What both schedules share: the rungs, the strategy, and how they speak to it."""

    def __init__(
        self, strategy: Strategy, rungs: Sequence[Fidelity], *, eta: int = 3, inform: Inform = "lowest"
    ) -> None:
        self.strategy, self.rungs, self.eta, self.inform = strategy, tuple(rungs), eta, inform
        if not self.rungs or list(self.rungs) != sorted(set(self.rungs)):
            raise InputError(f"Rungs must be one or more fidelities, each higher than the last; got {self.rungs}.")
        if eta < 2:
            raise InputError(f"eta, the share that is promoted, must be 2 or more; got {eta}.")
        self.order: Order = by_score

    def rank_by(self, order: Order) -> None:
        """Promote by another order of a rung's trials than by score: with several objectives, by front."""
        self.order = order

    def ask(self, n: int) -> list[Proposal]:
        return list(islice(iter(self._next, None), n))

    def tell(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            self.note(trial)
        # Scores of different rungs do not compare, so a strategy that knows nothing of rungs hears of one only. What
        # an untrained network scores is no judgement, and not heard of at all.
        trained = [t for t in trials if not t.proposal.fidelity.stage.startswith(UNTRAINED)]
        lowest = self.rungs[self.rungs[0].stage.startswith(UNTRAINED)]
        if heard := [t for t in trained if self.inform == "all" or t.proposal.fidelity == lowest]:
            self.strategy.tell(heard)

    def ban(self, pattern: str) -> None:
        """Propose nothing new that `pattern` matches. What runs already may still be promoted."""
        if callable(ban := getattr(self.strategy, "ban", None)):
            ban(pattern)

    def begin(self, rung: Fidelity) -> Proposal | None:
        """A new candidate; a strategy that draws otherwise for long trainings has `begins_at`, and is told the rung."""
        if callable(told := getattr(self.strategy, "begins_at", None)):
            told(rung)
        asked = self.strategy.ask(1)
        if asked and rung.stage.startswith(UNTRAINED) and asked[0].why.startswith(PORTFOLIO):
            rung = self.rungs[1]  # known to be worth training
        return asked[0].at(rung) if asked else None

    def _promote(self, trial: Trial, rank: int, of: int) -> Proposal:
        low = trial.proposal.fidelity
        high = self.rungs[self.rungs.index(low) + 1]
        why = f"promoted from {_words(low)} to {_words(high)}: place {rank} of {of}"
        return trial.proposal.at(high, start="checkpoint", why=why, number=-1)

    def _next(self) -> Proposal | None:
        raise NotImplementedError

    def note(self, trial: Trial) -> None:
        raise NotImplementedError


@dataclass
class Bracket:
    """One race: the candidates of its present rung, what came of them, and promotions not yet asked for."""

    first: Fidelity  # the rung at which its candidates begin
    expected: int
    asked: int = 0
    ended: list[Trial] = field(default_factory=list[Trial])
    queue: list[Proposal] = field(default_factory=list[Proposal])

    @property
    def waits(self) -> bool:
        return len(self.ended) < self.asked


class Halving(Schedule):
    """Synchronous successive halving, bracket after bracket.

    Args:
        rungs: fidelities from the lowest to the highest.
        eta: one in `eta` is promoted.
        width: candidates a bracket begins with; by default as many as leave one at the highest rung.
        inform: "lowest" tells the strategy the trials of the lowest rung only; "all" is for one that minds fidelities.
    """

    def __init__(
        self,
        strategy: Strategy,
        rungs: Sequence[Fidelity],
        *,
        eta: int = 3,
        width: int | None = None,
        inform: Inform = "lowest",
    ) -> None:
        super().__init__(strategy, rungs, eta=eta, inform=inform)
        self.width = width or eta ** (len(self.rungs) - 1)
        self._brackets: list[Bracket] = []  # those that are not over, oldest first
        self._opened = 0  # brackets begun so far
        self._running: dict[tuple[str, Fidelity], Bracket] = {}

    def _next(self) -> Proposal | None:
        if (proposal := self.promotion()) is not None:
            return proposal
        last = self._brackets[-1] if self._brackets else None
        bracket = last if last and last.asked < last.expected else self._open()
        if (proposal := self.begin(bracket.first)) is not None:
            if bracket is not last:
                self._brackets.append(bracket)
                self._opened += 1
            return self._start(bracket, proposal)
        # Nothing new is left for now: a bracket that is short of candidates goes on with those it has.
        for bracket in list(self._brackets):
            if bracket.ended and not bracket.waits:
                self._close(bracket)
        return self.promotion()

    def _open(self) -> Bracket:
        return Bracket(self.rungs[0], self.width)

    def promotion(self) -> Proposal | None:
        waiting = next((bracket for bracket in self._brackets if bracket.queue), None)
        return self._start(waiting, waiting.queue.pop(0)) if waiting else None

    def _start(self, bracket: Bracket, proposal: Proposal) -> Proposal:
        bracket.asked += 1
        self._running[identity(proposal.candidate), proposal.fidelity] = bracket
        return proposal

    def note(self, trial: Trial) -> None:
        key = identity(trial.proposal.candidate), trial.proposal.fidelity
        if (bracket := self._running.pop(key, None)) is not None:
            bracket.ended.append(trial)
            if len(bracket.ended) == bracket.expected:
                self._close(bracket)

    def _close(self, bracket: Bracket) -> None:
        """End the bracket's rung: its best go up, or the bracket is over."""
        ranked = self.order([t for t in bracket.ended if not t.failed])
        if not ranked or ranked[0].proposal.fidelity == self.rungs[-1]:
            self._brackets.remove(bracket)
            return
        best = ranked[: max(1, len(bracket.ended) // self.eta)]
        bracket.queue = [self._promote(t, rank, len(bracket.ended)) for rank, t in enumerate(best, 1)]
        bracket.expected, bracket.asked, bracket.ended = len(best), 0, []


class Asha(Schedule):
    """Asynchronous successive halving: the best of a rung's first 1/eta that was not yet promoted, else a new one.

    Args:
        straight: which candidates, counted from 0, go to the highest rung at once, being known to be worth it.
    """

    def __init__(
        self,
        strategy: Strategy,
        rungs: Sequence[Fidelity],
        *,
        eta: int = 3,
        inform: Inform = "lowest",
        straight: Collection[int] = (),
    ) -> None:
        super().__init__(strategy, rungs, eta=eta, inform=inform)
        self.straight, self._begun = straight, 0
        self.top = len(self.rungs) - 1  # number of the highest rung to which any are promoted
        self._ended: dict[Fidelity, list[tuple[str, Trial]]] = {rung: [] for rung in self.rungs}
        self._promoted: set[tuple[str, Fidelity]] = set()  # and from where

    def _next(self) -> Proposal | None:
        if (promoted := self.promotion()) is not None:
            return promoted
        begun = self.begin(self.rungs[-1 if self._begun in self.straight else 0])
        self._begun += begun is not None
        return begun

    def promotion(self) -> Proposal | None:
        for rung in reversed(self.rungs[: self.top]):
            ended = self._ended[rung]
            names = {id(trial): name for name, trial in ended}
            ranked = self.order([trial for _, trial in ended if not trial.failed])
            for rank, trial in enumerate(ranked[: len(ended) // self.eta], 1):
                if ((name := names[id(trial)]), rung) not in self._promoted:
                    self._promoted.add((name, rung))
                    return self._promote(trial, rank, len(ended))
        return None

    def note(self, trial: Trial) -> None:
        if trial.proposal.fidelity in self._ended:
            self._ended[trial.proposal.fidelity].append((identity(trial.proposal.candidate), trial))


def _words(fidelity: Fidelity) -> str:
    if fidelity.stage.startswith(UNTRAINED):
        return "what an untrained network scores"
    folds = f" on {fidelity.folds} folds" if fidelity.folds > 1 else ""
    return f"{fidelity.examples:,} examples{folds}"

"""The search loop: ask, run, record, tell. It keeps a search repeatable and loses nothing.

With W slots, proposal k is made once the trials up to k-W have been told, in order of number, whatever order they
end in; so the search depends on scores alone and not on timing. Proposals are stored before they start and trials when
they end. Resuming replays the told trials into a fresh strategy and runs the pending proposals again.
"""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from seqwright.arch.codec import identity
from seqwright.errors import InputError, StudyError
from seqwright.search.strategy import Strategy
from seqwright.study.record import Proposal, Trial
from seqwright.study.store import Study

OWN_TIME = "the strategy's own time"  # an event: {"proposals", "seconds"} of one command, its replay among them
LOOK_S = 0.5  # how often the clock and the table of commands are looked at while trials run


class Evaluator(Protocol):
    """Turns proposals into trials, `slots` at a time. A candidate that fails is a trial with an error."""

    @property
    def slots(self) -> int: ...

    def submit(self, proposal: Proposal) -> None:
        """Queue a proposal; returns at once. More than `slots` may be queued."""
        ...

    def collect(self, timeout_s: float) -> list[Trial]:
        """Trials that ended, waiting at most `timeout_s` for the first; empty when none did."""
        ...

    def cancel(self, number: int) -> None:
        """Stop the proposal of that number, running or queued; it yields no trial."""
        ...

    def close(self) -> None:
        """Stop everything and leave no process behind."""
        ...


def search(
    study: Study,
    strategy: Strategy,
    evaluator: Evaluator,
    *,
    stop: Callable[[], bool] = lambda: False,
    closing: Callable[[], bool] = lambda: False,
    trials: int | None = None,
    asynchronous: bool = False,
    on_trial: Callable[[Trial], object] = lambda trial: None,
) -> str:
    """Search until there is nothing left to do, and say why: "trials", "exhausted", "stopped" or "commanded".

    What runs when it stops early stays pending in the study, and is run again on resume.

    Args:
        strategy: a fresh one; what the study knows is replayed into it.
        stop: looked at every half second, and whenever a trial ends.
        closing: whether it is too late to begin anything; what runs goes on.
        trials: how many the study shall hold in all, those of earlier runs included; None for no limit.
        asynchronous: tell trials as they end. Slots never wait, but the search then depends on timing.
        on_trial: called with each new trial, after it is recorded. Not called for replayed ones.

    Raises:
        StudyError: the study cannot be written, is held by another, or the strategy does not repeat itself.
    """
    with study.lease():
        fixed = study.once("loop", lambda: {"slots": evaluator.slots, "asynchronous": asynchronous})
        loop = _Loop(study, strategy, evaluator, fixed["slots"], fixed["asynchronous"], trials, on_trial)
        loop.replay()
        try:
            why = loop.run(stop, closing)
        finally:
            loop.cancel()
        study.event(OWN_TIME, {"proposals": loop.proposed, "seconds": loop.own_s})
        return why


class _Loop:
    def __init__(
        self,
        study: Study,
        strategy: Strategy,
        evaluator: Evaluator,
        slots: int,
        asynchronous: bool,
        limit: int | None,
        on_trial: Callable[[Trial], object],
    ) -> None:
        self.study, self.strategy, self.evaluator = study, strategy, evaluator
        self.slots, self.asynchronous, self.limit, self.on_trial = slots, asynchronous, limit, on_trial
        self.proposed = 0  # also the next proposal's number
        self.told = 0
        self.ended: dict[int, Trial] = {}  # recorded, not yet told, in the order in which they were recorded
        self.running: dict[int, Proposal] = {}
        self.own_s = 0.0  # that the strategy took, asking and telling

    def replay(self) -> None:
        """Bring the fresh strategy to where the study stands, by telling and asking just as it was told and asked."""
        self.ended = {trial.proposal.number: trial for trial in self.study.trials(recorded=True)}
        bans = [data for _, data in self.study.events("ban")]
        for stored, told in self.study.proposals():
            while self.told < told:
                self._tell()
            for ban in bans:
                if ban["before"] == stored.number:
                    self._ban(ban["pattern"])
            again = self._next_of_strategy()
            if not again or _what(again[0]) != _what(stored):
                raise StudyError(
                    f"{self.study.folder}: proposal {stored.number} would now be another one, so the search cannot "
                    "go on where it stopped. The space, the strategy or Seqwright has changed since: use the version "
                    "it was begun with, or begin a new folder with `--start` from this one."
                )
            self.proposed = stored.number + 1
        for ban in bans:
            if ban["before"] >= self.proposed:
                self._ban(ban["pattern"])

    def run(self, stop: Callable[[], bool], closing: Callable[[], bool]) -> str:
        for proposal in self.study.pending():
            self._start(proposal)
        while True:
            if stop():
                self._collect(0.0)
                return "stopped"
            if (left := self._obey()) is not None:
                return left
            late = closing()
            asked = late or self._ask()
            if self._next_to_tell() is not None:
                self._tell()
            elif self.proposed == self.told:
                return "stopped" if late else "exhausted" if asked else "trials"
            else:
                self._collect(LOOK_S)

    def cancel(self) -> None:
        for number in self.running:
            self.evaluator.cancel(number)

    def _ask(self) -> bool:
        """Fill the free slots; False when the number of trials forbids it."""
        while self.proposed - self.told < self.slots:
            if self.limit is not None and self.proposed >= self.limit:
                return False
            asked = self._next_of_strategy()
            if not asked:
                break
            proposal = replace(asked[0], number=self.proposed)
            self.study.propose([proposal], told=self.told)
            self.proposed += 1
            self._start(proposal)
        return True

    def _start(self, proposal: Proposal) -> None:
        self.running[proposal.number] = proposal
        self.evaluator.submit(proposal)

    def _collect(self, timeout_s: float) -> None:
        for found in self.evaluator.collect(timeout_s):
            if (proposal := self.running.pop(found.proposal.number, None)) is None:
                continue
            trial = _sound(replace(found, proposal=proposal))
            self.study.record(trial)
            self.ended[proposal.number] = trial
            self.on_trial(trial)

    def _next_to_tell(self) -> int | None:
        if self.asynchronous:
            return next(iter(self.ended), None)
        return self.told if self.told in self.ended else None

    def _tell(self) -> None:
        number = self._next_to_tell()
        if number is None:
            raise StudyError(f"{self.study.folder}: trial {self.told} is missing from the record, which is damaged.")
        began = time.thread_time()
        self.strategy.tell([self.ended.pop(number)])
        self.own_s += time.thread_time() - began
        self.told += 1

    def _next_of_strategy(self) -> list[Proposal]:
        began = time.thread_time()
        asked = self.strategy.ask(1)
        self.own_s += time.thread_time() - began
        return asked

    def _obey(self) -> str | None:
        """Carry out commands given by other processes."""
        for kind, data in self.study.commands():
            if kind == "stop":
                self.study.event("stop", data)
                return "commanded"
            if kind == "ban":
                try:
                    self._ban(data)
                    self.study.event("ban", {"pattern": data, "before": self.proposed})
                except InputError as error:  # another process's mistake is no reason to end
                    self.study.event("ban refused", {"pattern": data, "reason": str(error)})
        return None

    def _ban(self, pattern: Any) -> None:
        if callable(ban := getattr(self.strategy, "ban", None)):
            ban(pattern)


def _what(proposal: Proposal) -> tuple[Any, ...]:
    return identity(proposal.candidate), proposal.fidelity, proposal.start, proposal.seed


def _sound(trial: Trial) -> Trial:
    """A score that is no number is a failure, and a failure's score is minus infinity: nothing else can be sorted."""
    if trial.failed:
        return replace(trial, score=-math.inf)
    if not math.isfinite(trial.score):
        return replace(trial, score=-math.inf, error=f"the score is {trial.score}, not a number")
    return trial

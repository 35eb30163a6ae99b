"""Cohorts: queued proposals that can train together become one job; strategies need not know.

A head on a frozen encoder's pooled states trains in a second or so, most of it spent between products of matrices. So
each worker takes up to `size` of those that wait. On a GPU it takes whole networks so, too, if they differ in their
recipes or seeds alone. Everything else goes to the workers one by one, as ever.
"""

import math
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any

from seqwright.arch.network import Network, NgramBag
from seqwright.evaluate.executor import Job, Outcome
from seqwright.evaluate.full import FullEvaluator
from seqwright.evaluate.trial import head_only
from seqwright.study.record import Proposal, Trial

HEADS = "heads"
COHORT = "seqwright.evaluate.cohort_trial:run"


@dataclass
class CohortEvaluator(FullEvaluator):
    """`FullEvaluator`, with `size` proposals under way for every worker.

    Args:
        size: members of one cohort, at most.
        networks: whether networks of one architecture train together, which is worth it on a GPU only.

    Attributes:
        sizes: members of each cohort that was begun, in order.
    """

    size: int = 32
    networks: bool = False
    waiting: "list[Proposal]" = field(default_factory=list[Proposal])
    cohorts: "dict[str, list[Proposal]]" = field(default_factory=dict[str, list[Proposal]])
    sizes: "list[int]" = field(default_factory=list[int])

    @property
    def slots(self) -> int:
        return self.executor.slots * self.size

    @property
    def fill(self) -> float:
        """Mean members a cohort; 0 where there was none."""
        return sum(self.sizes) / len(self.sizes) if self.sizes else 0.0

    def submit(self, proposal: Proposal) -> None:
        self.waiting.append(proposal)  # until it is seen what waits with it

    def collect(self, timeout_s: float) -> list[Trial]:
        self._begin()
        found: list[Trial] = []
        for outcome in self.executor.collect(timeout_s):
            if outcome.id in self.cohorts:
                found += self._members(outcome)
            elif outcome.id in self.running:
                found.append(self._trial(outcome))
        self._begin()
        return found

    def cancel(self, number: int) -> None:
        """A member of a running cohort trains on for nobody, unless it was the last that anybody waits for."""
        if any(proposal.number == number for proposal in self.waiting):
            self.waiting = [proposal for proposal in self.waiting if proposal.number != number]
            return
        for id, members in self.cohorts.items():
            if any(proposal.number == number for proposal in members):
                self.running.pop(str(number), None)
                if not any(str(proposal.number) in self.running for proposal in members):
                    del self.cohorts[id]
                    self.executor.cancel(id)
                return
        super().cancel(number)

    def _begin(self) -> None:
        """Give the workers that are free what has waited longest, and with it what can train beside it."""
        while self.waiting and (free := self.executor.slots - self._busy()) > 0:
            kind = self._kind(self.waiting[0])
            able = [proposal for proposal in self.waiting if kind is not None and self._kind(proposal) == kind]
            if not able or (kind != HEADS and len(able) == 1):
                super().submit(self.waiting.pop(0))
            else:
                self._send(able[: min(self.size, math.ceil(len(able) / free))])

    def _busy(self) -> int:
        """Jobs under way."""
        members = {str(proposal.number) for cohort in self.cohorts.values() for proposal in cohort}
        return len(self.cohorts) + len(self.running.keys() - members)

    def _kind(self, proposal: Proposal) -> "Hashable | None":
        """Those of one kind can train together; None for what can not."""
        fidelity, candidate = proposal.fidelity, proposal.candidate
        if fidelity.stage == "refit":
            return None
        if self.keep_states and head_only(candidate, fidelity.examples, self.thaw_at):  # else pooling takes as long
            return HEADS
        architecture = candidate.architecture
        if not self.networks or fidelity.stage != "full" or not isinstance(architecture, Network):
            return None
        # A bag's table is too large to be held many times.
        return None if isinstance(architecture.stem, NgramBag) else (architecture, candidate.recipe.batch_size)

    def _send(self, members: list[Proposal]) -> None:
        sent = {proposal.number for proposal in members}
        self.waiting = [proposal for proposal in self.waiting if proposal.number not in sent]
        self.running |= {str(proposal.number): proposal for proposal in members}
        id = f"cohort of {members[0].number}"
        self.cohorts[id] = members
        self.sizes.append(len(members))
        timeout_s = None if self.timeout_s is None else self.timeout_s * len(members)
        arguments = {"orders": [self.order(proposal) for proposal in members]}
        self.executor.submit(Job(id, COHORT, arguments, timeout_s, self.memory_mib))

    def _members(self, outcome: Outcome) -> list[Trial]:
        members = self.cohorts.pop(outcome.id)
        if outcome.error and len(members) > 1:  # whoever brought the others down is found by training each alone
            for proposal in members:
                if self.running.pop(str(proposal.number), None) is not None:
                    super().submit(proposal)
            return []
        told: list[Any] = outcome.value or [None] * len(members)
        return [
            self._trial(replace(outcome, id=str(p.number), value=value, error=outcome.error or value.get("error", "")))
            for p, value in zip(members, told, strict=True)
            if str(p.number) in self.running
        ]

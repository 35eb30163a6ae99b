"""The full evaluator: proposals become training jobs on an executor, their outcomes become trials."""

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqwright.arch import codec
from seqwright.evaluate.executor import Executor, Job, Outcome
from seqwright.study.record import Proposal, Trial

SUPERNET_SHARE = 0.5  # of the time that the search has left, at most


@dataclass
class FullEvaluator:
    """Trains every proposal for real, in worker processes.

    Args:
        prepared: folder of the prepared data.
        run_folder: where training states and predictions are kept.
        timeout_s, memory_mib: a trial beyond these is recorded as failed.
        thaw_at: examples after which a pretrained encoder's own layers train.
        keep_states: whether a frozen encoder's hidden states of all examples are kept.
        stop_at: time.time() at which running trials must score what they have; None for never.
        save_every_s: how much of one trial's training a kill may cost.
        costs, limits: what is counted or measured of every network, and the most that some of it may be.
    """

    executor: Executor
    prepared: Path
    run_folder: Path
    threads: int = 1
    device: str = "auto"
    precision: str = "float32"
    timeout_s: float | None = None
    memory_mib: float | None = None
    thaw_at: int = 0
    keep_states: bool = True
    stop_at: float | None = None
    save_every_s: float = 20.0
    costs: tuple[str, ...] = ()
    limits: dict[str, float] = field(default_factory=dict)
    running: dict[str, Proposal] = field(default_factory=dict)

    @property
    def slots(self) -> int:
        return self.executor.slots

    def submit(self, proposal: Proposal) -> None:
        self.running[str(proposal.number)] = proposal
        function, arguments = "seqwright.evaluate.trial:run", self.order(proposal)
        self.executor.submit(Job(str(proposal.number), function, arguments, self.timeout_s, self.memory_mib))

    def order(self, proposal: Proposal) -> dict[str, Any]:
        """The fields of the `Order` that a worker gets."""
        return {
            "prepared": str(self.prepared),
            "run_folder": str(self.run_folder),
            "candidate": codec.to_data(proposal.candidate),
            "number": proposal.number,
            "examples": proposal.fidelity.examples,
            "folds": proposal.fidelity.folds,
            "stage": proposal.fidelity.stage,
            "seed": proposal.seed,
            "thaw_at": self.thaw_at,
            "parent": proposal.parent if proposal.start in ("parent", "supernet") else None,
            "continues": proposal.start == "checkpoint",
            "keep_states": self.keep_states,
            "threads": self.threads,
            "device": self.device,
            "precision": self.precision,
            "stop_at": self._stop_at(proposal.fidelity.stage),
            "save_every_s": self.save_every_s,
            "costs": self.costs,
            "limits": self.limits,
        }

    def _stop_at(self, stage: str) -> float | None:
        """A supernet leaves half of the time to those who inherit from it."""
        if stage != "supernet" or self.stop_at is None:
            return self.stop_at
        return time.time() + SUPERNET_SHARE * (self.stop_at - time.time())

    def collect(self, timeout_s: float) -> list[Trial]:
        return [self._trial(outcome) for outcome in self.executor.collect(timeout_s) if outcome.id in self.running]

    def cancel(self, number: int) -> None:
        self.running.pop(str(number), None)
        self.executor.cancel(str(number))

    def close(self) -> None:
        self.executor.close()

    def _trial(self, outcome: Outcome) -> Trial:
        proposal = self.running.pop(outcome.id)
        value = outcome.value or {}
        if error := outcome.error or value.get("error"):
            return Trial(proposal, -math.inf, costs=value.get("costs", {}), seconds=outcome.seconds, error=error)
        if not math.isfinite(value["score"]):
            return Trial(proposal, -math.inf, seconds=value["seconds"], error="the score is not a number")
        return Trial(
            proposal,
            value["score"],
            value["metrics"],
            value["costs"],
            value["seconds"],
            tuple(tuple(point) for point in value["curve"]),
            tuple(value["notes"]),
            found=value.get("found", {}),
        )

"""How far a run has come, as both watchers tell it: trials done, the best so far, what is worth a line."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from seqwright.arch.show import line
from seqwright.deliver.allot import clock
from seqwright.search.objectives import is_beyond
from seqwright.study.record import CUT_SHORT, UNJUDGED, Trial

PAUSE_S = 10.0  # between lines that bring nothing better


@dataclass
class Progress:
    """Counts of one stage in this command, and the best trial so far, those of earlier commands among them."""

    done: int = 0
    failed: int = 0
    best: "Trial | None" = None
    stage: str = "data"
    spent_s: float = 0.0
    began: float = field(default_factory=time.monotonic)
    told: float = -PAUSE_S

    def start(self, stage: str, spent_s: float) -> None:
        self.stage, self.spent_s, self.began = stage, spent_s, time.monotonic()
        self.done = self.failed = 0
        self.best, self.told = None, -PAUSE_S

    def earlier(self, trials: Sequence[Trial]) -> None:
        """The best of them is to be beaten."""
        self.best = max(filter(_judged, trials), key=_place, default=None)

    def clock_s(self) -> float:
        """Seconds of the budget that are spent by now."""
        return self.spent_s + time.monotonic() - self.began

    def add(self, trial: Trial) -> str:
        """Count a trial; a line about it, or "" when it is not worth one."""
        self.done += 1
        self.failed += trial.failed and not is_beyond(trial)
        better = _judged(trial) and (self.best is None or _place(trial) > _place(self.best))
        if better:
            self.best = trial
        elif time.monotonic() - self.told < PAUSE_S:
            return ""
        self.told = time.monotonic()
        head = f"{clock(self.clock_s())}  trial {max(trial.proposal.number + 1, 1)}"
        if is_beyond(trial):
            return f"{head}  not trained: {trial.error}"
        if trial.failed:
            return f"{head}  failed: {trial.error.splitlines()[0]}"
        score = "on every row" if UNJUDGED in trial.notes else f"{trial.score:.4f}{' best' if better else ''}"
        score += " cut short" if CUT_SHORT in trial.notes else ""
        return f"{head}  {score}  {line(trial.proposal.candidate)}"

    def summary(self) -> str:
        """'12 trials, 1 failed, best 0.8431'."""
        parts = [f"{self.done} {'trial' if self.done == 1 else 'trials'}"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.best is not None:
            parts.append(f"best {self.best.score:.4f}")
        return ", ".join(parts)


def _judged(trial: Trial) -> bool:
    return not trial.failed and UNJUDGED not in trial.notes and trial.proposal.fidelity.alone


def _place(trial: Trial) -> tuple[object, ...]:
    """What is trained further stands above. Refits are as long as they need to be, unless the clock ended them."""
    if trial.proposal.fidelity.stage == "refit":
        return CUT_SHORT not in trial.notes, trial.score
    return trial.proposal.fidelity, trial.score


def baseline_line(result: "dict[str, object]") -> str:
    """A baseline's end in a line."""
    if error := result.get("error"):
        return f"{result['name']}: failed: {str(error).splitlines()[0]}"
    said = "; ".join(result.get("said") or ())  # type: ignore[arg-type]
    return f"{result['name']}: {result['score']:.4f} on validation" + (f" ({said})" if said else "")


def stage_line(name: str, ends_s: "float | None") -> str:
    return name if ends_s is None else f"{name}, until {clock(ends_s)}"

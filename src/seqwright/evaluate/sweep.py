"""Training states that can go: disks fill up faster than searches end.

Kept are the best few of each fidelity and whatever the report needs. A swept candidate that is promoted after all
trains again from the start, to the same weights.
"""

from pathlib import Path

from seqwright.arch.codec import identity
from seqwright.study.record import Trial
from seqwright.study.store import Study

KEPT = 20


class Sweep:
    """Called after each trial; deletes states of candidates that are no longer among the best `KEPT` of a fidelity."""

    def __init__(self, study: Study, always: "set[str]"):
        self.folder: Path = study.folder / "checkpoints"
        self.always = always
        self.trials = study.trials()

    def __call__(self, trial: Trial) -> None:
        self.trials.append(trial)
        rivals = [t for t in self.trials if t.proposal.fidelity == trial.proposal.fidelity]
        rivals.sort(key=lambda t: t.score, reverse=True)
        keep = self.always | {identity(t.proposal.candidate) for t in rivals[:KEPT]}
        for lost in rivals[KEPT:]:
            name = identity(lost.proposal.candidate)
            if name not in keep:
                for path in self.folder.glob(f"{name}.*"):
                    path.unlink(missing_ok=True)

"""Training states that can go: disks fill up faster than searches end.

Kept are the best few of each fidelity and whatever the report needs. A swept candidate that is promoted after all
trains again from the start, to the same weights.
"""

from pathlib import Path

from seqwright.arch.codec import identity
from seqwright.search.leaderboard import begun_with
from seqwright.study.record import Fidelity, Trial
from seqwright.study.store import Study

KEPT = 20


class Sweep:
    """Called after each trial; deletes states of candidates that are no longer among the best `KEPT` of a fidelity."""

    def __init__(self, study: Study):
        self.folder: Path = study.folder / "checkpoints"
        self.always: set[str] = set()  # the portfolio's, with which the report compares
        self.best: dict[Fidelity, list[tuple[float, int, str]]] = {}
        for trial in study.trials():
            self(trial)

    def __call__(self, trial: Trial) -> None:
        self.always |= begun_with([trial])
        if not trial.proposal.fidelity.alone:  # a supernet is needed until the end, and what it scores has no state
            return
        rivals = self.best.setdefault(trial.proposal.fidelity, [])
        rivals.append((trial.score, -trial.proposal.number, identity(trial.proposal.candidate)))
        rivals.sort(reverse=True)
        for _, _, lost in rivals[KEPT:]:
            if lost not in self.always and not any(
                lost == name for kept in self.best.values() for *_, name in kept[:KEPT]
            ):
                for path in self.folder.glob(f"{lost}.*"):
                    path.unlink(missing_ok=True)
        del rivals[KEPT:]


def sweep_unfinished(folder: Path) -> None:
    """Delete what killed processes were writing; for the holder of the study's lease, before any worker begins."""
    for path in folder.rglob("*.part"):
        if path.is_file():
            path.unlink(missing_ok=True)

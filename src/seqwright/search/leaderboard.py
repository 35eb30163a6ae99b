"""The leaderboard: every candidate once, at the highest fidelity at which it did not fail."""

from collections.abc import Iterable

from seqwright.arch.codec import identity
from seqwright.study.record import Trial


def leaderboard(trials: Iterable[Trial]) -> list[Trial]:
    """Best first: by fidelity, then by score, then the earlier one. Failed trials are left out.

    Scores compare only at one fidelity, so a candidate trained further stands above all that were not:
    a schedule promoted it for a reason.
    """
    best: dict[str, Trial] = {}
    for trial in trials:
        if trial.failed:
            continue
        name = identity(trial.proposal.candidate)
        if name not in best or best[name].proposal.fidelity < trial.proposal.fidelity:
            best[name] = trial
    return sorted(best.values(), key=lambda t: (t.proposal.fidelity, t.score, -t.proposal.number), reverse=True)

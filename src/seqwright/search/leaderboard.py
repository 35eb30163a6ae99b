"""The leaderboard: every candidate once, at the highest fidelity at which it did not fail."""

from collections.abc import Iterable, Sequence

from seqwright.arch.codec import identity
from seqwright.search.random_search import PORTFOLIO
from seqwright.study.record import CUT_SHORT, Trial


def leaderboard(trials: Iterable[Trial]) -> list[Trial]:
    """Best first: by fidelity, then by score, then the earlier one. Failed trials and inherited scores are left out.

    Scores compare only at one fidelity, so a candidate trained further stands above all that were not:
    a schedule promoted it for a reason. One that the clock cut short never got there, and stands last.
    """
    best: dict[str, Trial] = {}
    for trial in trials:
        if trial.failed or not trial.proposal.fidelity.alone:
            continue
        name = identity(trial.proposal.candidate)
        if name not in best or _place(best[name])[:2] < _place(trial)[:2]:
            best[name] = trial
    return sorted(best.values(), key=_place, reverse=True)


def begun_with(trials: Sequence[Trial]) -> set[str]:
    """The ids of the portfolio's candidates, as they were brought into the space."""
    return {identity(t.proposal.candidate) for t in trials if t.proposal.why.startswith(PORTFOLIO)}


def _place(trial: Trial) -> tuple[object, ...]:
    return CUT_SHORT not in trial.notes, trial.proposal.fidelity, trial.score, -trial.proposal.number

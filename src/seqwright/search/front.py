"""The front: trials that no other beats in everything, and the hypervolume they command, kept as a search goes on.

Every trial of the search counts with the score and costs that it had, one trained a little as well, which only
understates it; so the hypervolume never falls. Its reference point is the worst of the first few trials in each
objective, decided once and kept with the study. Its unit is score times halvings of each cost.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from seqwright.arch.codec import identity
from seqwright.search.pareto import fronts, hypervolume, points
from seqwright.study.record import CUT_SHORT, Trial
from seqwright.study.store import Study

FIRST = 10  # trials from which the reference point is taken


def counts(trial: Trial) -> bool:
    """Whether a trial may stand on the front."""
    return not trial.failed and trial.proposal.fidelity.stage == "full" and CUT_SHORT not in trial.notes


def front(trials: Iterable[Trial], names: Sequence[str]) -> list[Trial]:
    """Trials that none dominates by score and the costs `names`, best score first; of each candidate one."""
    known = [trial for trial in trials if counts(trial)]
    best = [known[i] for i in np.flatnonzero(fronts(points(known, names)) == 0)]
    found: dict[str, Trial] = {}
    for trial in sorted(best, key=lambda t: (-t.score, t.proposal.number)):
        found.setdefault(identity(trial.proposal.candidate), trial)
    return list(found.values())


class Frontier:
    """Called after each trial; when the front has moved, an event "front" says who stands on it, and its volume.

    Args:
        names: the costs that are lowered beside raising the score.
    """

    def __init__(self, study: Study, names: Sequence[str]) -> None:
        self._study, self._names = study, tuple(names)
        self._known = [trial for trial in study.trials(recorded=True) if counts(trial)]

    def __call__(self, trial: Trial) -> None:
        if not counts(trial):
            return
        self._known.append(trial)
        if len(self._known) < FIRST:
            return
        all_points = points(self._known, self._names)
        place = fronts(all_points) == 0
        if not place[-1] and len(self._known) > FIRST:
            return
        worst = self._study.once("front reference", lambda: all_points[:FIRST].min(0).tolist())
        self._study.event(
            "front",
            {
                "trial": trial.proposal.number,
                "front": [self._known[i].proposal.number for i in np.flatnonzero(place)],
                "hypervolume": hypervolume(all_points, np.array(worst)),
            },
        )

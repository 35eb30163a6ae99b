"""The stage of the refits: the finalists are trained again, each with several seeds, in a small study of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqwright.arch import codec
from seqwright.deliver import frugal, refine
from seqwright.deliver.finalists import FINALISTS, finalists, refits
from seqwright.deliver.run import Run
from seqwright.deliver.searching import first_of, space_of
from seqwright.evaluate import predictions
from seqwright.evaluate.full import FullEvaluator
from seqwright.evaluate.workbench import Workbench
from seqwright.search.fixed import Fixed
from seqwright.search.loop import search
from seqwright.search.objectives import is_beyond, lowered
from seqwright.study.database import FILE
from seqwright.study.record import CUT_SHORT, Fidelity, Proposal, Trial
from seqwright.study.rows import proposal_from_data, proposal_to_data
from seqwright.study.store import Study

SPARE_S, SPARE_GRACE_S = 2.0, 8.0  # at least so long is trained when nothing else was, and so much later may it end


@dataclass(frozen=True)
class Finals:
    """Who came to the finals by the search, and what became of their refits in `folder`."""

    searched: Sequence[Trial]
    refitted: Sequence[Trial]
    folder: Path


def deliveries(study: Study) -> int:
    """How many models this run has delivered: the number of the one that is being made."""
    return len(study.events("delivered"))


def refit(run: Run, bench: Workbench, evaluator: FullEvaluator) -> Finals:
    """Train the finalists again, in a small study of its own inside the run's folder, so that it resumes alike."""
    study, ends, grace_s = run.study, run.plan.refit_s, 0.5
    run.begin("refit", ends)
    place, decided = _decided(run, bench, evaluator.slots)
    searched = [t for t in study.trials() if t.proposal.number in decided["finalists"]]
    planned = [proposal_from_data(data) for data in decided["refits"]]
    folder = study.folder / "refits" / str(place)
    if not planned:
        return Finals(searched, [], folder)
    if not searched:
        run.show.say(
            "no trial of the search came to a good end, so what is trained now is the network that it would begin with"
        )
    if not searched and ends is not None:  # a model late is better than none
        ends, grace_s = max(ends, study.spent_s() + SPARE_S), SPARE_GRACE_S
    with Study.begin(folder, {"refits": [codec.identity(p.candidate) for p in planned]}) as inner:
        evaluator.run_folder, evaluator.stop_at = folder, run.at(ends)
        search(inner, Fixed(planned), evaluator, stop=run.over(ends, grace_s), on_trial=run.show.trial)
        return Finals(searched, inner.trials(), folder)


def earlier(study: Study, finals: Finals) -> list[Finals]:
    """The finals of earlier deliveries that had time for more refits than these: what a short `+10s` is not to lose."""
    found = []
    for place, (_, decided) in enumerate(study.events("finals")):
        folder = study.folder / "refits" / str(place)
        if folder == finals.folder or not (folder / FILE).is_file():
            continue
        with Study.open(folder) as inner:
            refitted = inner.trials()
        if _whole(refitted) > _whole(finals.refitted):
            searched = [t for t in study.trials() if t.proposal.number in decided["finalists"]]
            found.append(Finals(searched, refitted, folder))
    return found


def _whole(refitted: Sequence[Trial]) -> int:
    return sum(not t.failed and CUT_SHORT not in t.notes for t in refitted)


def _decided(run: Run, bench: Workbench, slots: int) -> "tuple[int, dict[str, Any]]":
    """The finalists and their refits, and the place of this decision among all of the study's.

    It is kept once the search has had its whole budget, so that a command that was killed meanwhile decides no other
    way. What is decided in haste, as the user asked to stop, is not: the same command will go on searching.
    """
    study = run.study
    known = [data for _, data in study.events("finals")]
    purpose = [deliveries(study), str(run.budget)]
    for place, data in enumerate(known):
        if data["for"] == purpose:
            return place, data
    trials, left = study.trials(), run.left(run.plan.refit_s)
    best = _finalists(run, bench, trials)
    planned = refits(best, trials, left, slots)
    # The search ended before any trial did. Where it ended well and nothing obeyed the limits, nothing is delivered.
    if not best and not run.stopped() and not any(map(is_beyond, trials)):
        spare = first_of(run.options, bench)
        fidelity = Fidelity(3 * len(bench.folds[0][0]), 1, "refit")
        planned = [Proposal(spare, fidelity, "nothing else was trained in time")]
    decided = {
        "for": purpose,
        "finalists": [t.proposal.number for t in best],
        "refits": [proposal_to_data(p) for p in planned],
    }
    if planned:
        study.event("finals", decided)
    return len(known), decided


def _finalists(run: Run, bench: Workbench, trials: Sequence[Trial]) -> list[Trial]:
    def answers(trial: Trial) -> "tuple[np.ndarray, Any] | None":
        return predictions.load(run.study.folder, trial.proposal.number)

    if run.options.strategy == refine.STRATEGY:
        return refine.finalists(trials, space_of(run.options, bench))
    if names := lowered(run.options.objectives):
        return frugal.finalists(trials, names, answers, bench, FINALISTS)
    return finalists(trials, answers, bench.score_at, likelihood=bench.likelihood_at)

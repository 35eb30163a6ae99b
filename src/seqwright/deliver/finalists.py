"""Who is refitted, how long, and with which seeds: the search's best few, as many times as the time allows.

A refit is a proposal of stage "refit", so that it is stored, resumed and recorded like any other. With seed s it
leaves out fold s, so several seeds together have seen every example, and their answers on what each
left out choose between the finalists.
"""

from collections.abc import Sequence

from seqwright.arch import codec
from seqwright.study.record import Fidelity, Proposal, Trial

FINALISTS = 3
SEEDS = 5
STRETCH = 1.2  # a cosine run wants a little longer than the best look of a constant-rate run
SAFETY = 0.75  # of the time left; refits that run at once disturb each other


def finalists(trials: Sequence[Trial], most: int = FINALISTS) -> list[Trial]:
    """The best trials of distinct candidates at the highest fidelity that anyone reached; lower ones fill up."""
    best: dict[str, Trial] = {}
    for trial in trials:
        if not trial.failed and trial.proposal.fidelity.stage == "full":
            name = codec.identity(trial.proposal.candidate)
            if name not in best or trial.proposal.fidelity > best[name].proposal.fidelity:
                best[name] = trial
    ranked = sorted(best.values(), key=lambda t: (t.proposal.fidelity, t.score, -t.proposal.number), reverse=True)
    return ranked[:most]


def refits(
    chosen: Sequence[Trial], seconds: "float | None", slots: int, folds: int, seeds: int = SEEDS
) -> list[Proposal]:
    """Refits in the order of their worth: every finalist once, then again with the next seed.

    Args:
        seconds: wall-clock left, or None when no clock runs.
        folds: how many folds there are; with one, every seed trains on the same examples.
    """
    left = None if seconds is None else SAFETY * seconds * slots
    planned: list[Proposal] = []
    for seed in range(1, seeds + 1):
        for rank, trial in enumerate(chosen):
            examples = round(STRETCH * trial.costs.get("best_examples", trial.proposal.fidelity.examples))
            cost = examples / max(1e-9, trial.costs.get("examples_per_s", 1.0))
            # A single network cannot be split over slots: it must fit by itself, too.
            if left is not None and (cost > left or (seconds is not None and cost > SAFETY * seconds)):
                continue
            left = None if left is None else left - cost
            why = f"refit of finalist {rank + 1} with seed {seed}"
            fidelity = Fidelity(examples, 1, "refit")
            planned.append(Proposal(trial.proposal.candidate, fidelity, why, seed=seed))
    return planned

"""Who is refitted, how long, and with which seeds: the search's best few, as many times as the time allows.

The finalists are those that a greedy ensemble would take: the best candidate, and whatever differs from it
usefully. A search that has found one good family breeds siblings, whose mistakes are the same; so the best of every
family (a stem with its mixers) is considered beside the best of all.

A refit is a proposal of stage "refit", so that it is stored, resumed and recorded like any other. With seed s it
leaves out fold s, so several seeds together have seen every example, and their answers on what each
left out choose between the finalists.
"""

from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from seqwright.arch import codec
from seqwright.arch.candidate import Candidate
from seqwright.deliver.ensemble import common, select
from seqwright.search.leaderboard import leaderboard
from seqwright.study.record import Fidelity, Proposal, Trial

CONSIDERED = 8  # best candidates whose answers are tried in the ensemble, beside the best of each family
FINALISTS = 4
JUDGED = 2000  # steps or examples that are enough to choose by
SEEDS = 5
STRETCH = 1.2  # a cosine run wants a little longer than the best look of a constant-rate run
CONVERGED, UNFINISHED = 0.75, 2.0  # one whose best look came after that share of its training gets so much more
LEAST = 0.5  # of the wanted training; a refit that would get less is not begun
SAFETY = 0.75  # of the time left; refits that run at once disturb each other


def finalists(
    trials: Sequence[Trial],
    answers: "Callable[[Trial], tuple[np.ndarray, Any] | None]",
    score: "Callable[[np.ndarray, Any], float]",
    most: int = FINALISTS,
    likelihood: "Callable[[np.ndarray, Any], float]" = lambda index, probabilities: 0.0,
) -> list[Trial]:
    """The trials whose candidates are to be refitted, best first.

    Args:
        answers: (index, probabilities) of a trial on validation, or None where they were not kept.
        score, likelihood: of probabilities on the examples `index`; see `ensemble.select`.
    """
    ranked = [t for t in leaderboard(trials) if t.proposal.fidelity.stage == "full"]
    families: dict[Any, Trial] = {}
    for trial in sorted(ranked, key=lambda t: -t.score):  # stable: of equals the further trained
        families.setdefault(family(trial.proposal.candidate), trial)
    considered = {codec.identity(t.proposal.candidate): t for t in [*ranked[:CONSIDERED], *families.values()]}
    kept = {name: found for name, trial in considered.items() if (found := answers(trial)) is not None}
    if not kept:
        return ranked[:1]
    index, means = common({name: [found] for name, found in kept.items()})
    index, means = _fewer(index, means)
    if not len(index):
        return ranked[:most]
    shares = select(means, partial(score, index), partial(likelihood, index))
    chosen = sorted(shares, key=lambda name: -shares[name])
    return [considered[name] for name in chosen[:most]]


def family(candidate: Candidate) -> tuple[Any, ...]:
    """What candidates that err alike have in common: the stem and the kinds of mixers."""
    architecture = candidate.architecture
    layers = getattr(getattr(architecture, "body", None), "layers", ())
    mixers = {type(layer.mixer).__name__ for layer in layers}
    return type(getattr(architecture, "stem", architecture)).__name__, *sorted(mixers)


def _fewer(index: np.ndarray, means: "dict[str, Any]") -> "tuple[np.ndarray, dict[str, Any]]":
    """At most `JUDGED` examples, or as many sequences as hold so many steps."""
    first = next(iter(means.values()))
    count = len(index)
    if isinstance(first, list):
        count = int(np.searchsorted(np.cumsum([len(steps) for steps in first]), 4 * JUDGED)) + 1
    count = min(count, JUDGED, len(index))
    return index[:count], {name: answers[:count] for name, answers in means.items()}


def refits(
    chosen: Sequence[Trial],
    trials: Sequence[Trial],
    seconds: "float | None",
    slots: int,
    seeds: int = SEEDS,
) -> list[Proposal]:
    """Refits in the order of their worth: every finalist once, then again with the next seed.

    Args:
        trials: all of the search, which tell how long training usually takes to be at its best.
        seconds: wall-clock left, or None when no clock runs.
    """
    left = None if seconds is None else SAFETY * seconds * slots
    trials = [t for t in trials if t.proposal.fidelity.alone]
    top = max((t.proposal.fidelity for t in trials if not t.failed), default=None)
    furthest = [t for t in trials if t.proposal.fidelity == top and not t.failed]
    usual = median([_best(t) for t in furthest] or [0])
    pace = median([_rate(t) for t in furthest] or [1.0])
    planned: list[Proposal] = []
    for seed in range(1, seeds + 1):
        for rank, trial in enumerate(chosen):
            best, trained = _best(trial), trial.proposal.fidelity
            stopped = "stopped early" in " ".join(trial.notes)
            # A candidate that was never trained to its best may have been better later.
            least = STRETCH * (best if stopped or trained == top else max(best, usual))
            unfinished = trained == top and not stopped and best >= CONVERGED * trained.examples
            examples = round(least * UNFINISHED if unfinished else least)
            if seconds is not None and left is not None:
                rate = max(1e-9, _rate(trial) if trained.alone else pace)  # of a shared score nothing is known
                # A network cannot be split over slots, and the first of each finalist comes before a second of any.
                fair = SAFETY * seconds * min(1.0, slots / len(chosen) if seed == 1 else 1.0)
                room = rate * min(fair, left)
                if room < LEAST * least:
                    continue
                examples = round(min(examples, room))  # a cosine over fewer steps is better than none
                left -= examples / rate
            why = f"refit of finalist {rank + 1} with seed {seed}"
            planned.append(Proposal(trial.proposal.candidate, Fidelity(examples, 1, "refit"), why, seed=seed))
    return planned


def _rate(trial: Trial) -> float:
    return trial.costs.get("examples_per_s", 1.0)


def _best(trial: Trial) -> float:
    """Examples seen when the trial was at its best."""
    return trial.costs.get("best_examples", float(trial.proposal.fidelity.examples))

"""Cheap enough: which model is delivered where its cost is minded.

With `--objective` it is one network: the cheapest of those whose score on validation is within one standard error of
the best (the rule of Breiman et al. 1984, section 3.4.3; ours takes the error of the paired difference). With `--limit`
it is the ensemble where its members together obey, else the best network alone that does. What is to be delivered is
measured once more, while nothing else runs.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from seqwright.arch import codec
from seqwright.arch.candidate import Candidate
from seqwright.arch.interface import Interface
from seqwright.data.bootstrap import paired
from seqwright.data.examples import listed
from seqwright.deliver.ensemble import common
from seqwright.evaluate.costs import counted, measured
from seqwright.evaluate.workbench import Workbench
from seqwright.search.front import front
from seqwright.search.objectives import BEYOND, beyond
from seqwright.study.record import Trial

T = TypeVar("T")


def finalists(
    trials: Sequence[Trial], names: Sequence[str], answers: "Callable[[Trial], Any]", bench: Workbench, most: int
) -> list[Trial]:
    """The best trial of the front, and the cheapest of those that are nearly as good.

    Args:
        names: costs to lower.
        answers: (index, probabilities) of a trial on validation, or None where they were not kept.
    """
    standing = front(trials, names)
    kept = {codec.identity(t.proposal.candidate): [found] for t in standing if (found := answers(t)) is not None}
    near = near_best(bench, *common(kept)) if kept else set[str]()
    others = [t for t in standing[1:] if codec.identity(t.proposal.candidate) in near]
    return [*standing[:1], *sorted(others, key=lambda t: together(t.costs, names))[: most - 1]]


def near_best(bench: Workbench, index: Any, answers: "Mapping[str, Any]") -> set[str]:
    """Those whose score on the development examples `index` is within one standard error of the best one's."""
    if not len(index):
        return set(answers)
    metric, known = bench.task.chosen(), bench.known(index)
    targets = listed(known.targets)
    scores = {name: bench.score(found, targets, known.weights) for name, found in answers.items()}
    statistics = {name: metric.statistics(bench.task.decode(found), targets) for name, found in answers.items()}
    best = statistics[max(scores, key=scores.__getitem__)]
    gains = {name: paired(metric, best, own, weights=known.weights) for name, own in statistics.items()}
    return {name for name, gain in gains.items() if gain.value <= gain.standard_error}


def together(costs: "Mapping[str, float]", names: Iterable[str]) -> float:
    """The sum of the logarithms of several costs: half of one is worth a doubling of another."""
    return sum(math.log(max(costs.get(name, math.inf), 1e-12)) for name in names)


def costs_of(candidates: Iterable[Candidate], interface: Interface, names: Collection[str]) -> dict[str, float]:
    """What networks that answer together cost: the sum of what each does."""
    total = dict.fromkeys(names, 0.0)
    for candidate in candidates:
        found = counted(candidate.architecture, interface, names) | measured(candidate.architecture, interface, names)
        total = {name: total[name] + found[name] for name in names}
    return total


def obeying(
    tries: Iterable[T], cost: "Callable[[T], dict[str, float]]", limits: "Mapping[str, float]"
) -> "tuple[T, dict[str, float], str]":
    """The first of `tries` that obeys the limits, its costs, and ""; or the nearest, and what it breaks."""
    nearest: tuple[float, T, dict[str, float], str] | None = None
    for one in tries:
        found = cost(one)
        broken = beyond(found, limits).removeprefix(f"{BEYOND}: ")
        if not broken:
            return one, found, ""
        over = max(found[name] / limit for name, limit in limits.items())
        if nearest is None or over < nearest[0]:
            nearest = over, one, found, broken
    assert nearest is not None, "nothing to try"
    return nearest[1:]

"""Greedy ensemble selection on validation answers (Caruana et al. 2004), over candidates rather than networks.

A candidate's answers are the average of its networks' on the examples that they did not train on. Starting from
the best candidate, whichever addition raises the score most is averaged in, with replacement, until none does.
Ours refuses an addition that gains next to nothing: a single network is easier to run and to explain. But where a
score cannot tell, as accuracy cannot on a few hundred rows, the likelihood of the true answers may.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from seqwright.deliver.bundle import blend

ROUNDS = 8
LEAST, SURER = 1e-4, 0.01  # of score, or of log-probability (nats an example), that an addition must gain


def select(
    answers: "Mapping[str, Any]",
    score: "Callable[[Any], float]",
    likelihood: "Callable[[Any], float]" = lambda probabilities: 0.0,
    rounds: int = ROUNDS,
) -> "dict[str, float]":
    """The share of each chosen candidate, summing to 1; the largest first.

    Args:
        answers: probabilities of each candidate on the same examples.
        score: of probabilities; higher is better.
        likelihood: the mean log-probability of the true answers, which decides between equal scores.
    """

    def judged(chosen: "list[str]") -> tuple[float, float]:
        mean = blend([answers[name] for name in chosen], np.full(len(chosen), 1 / len(chosen)))
        return score(mean), likelihood(mean)

    names = list(answers)
    alone = {name: judged([name]) for name in names}
    chosen = [max(names, key=lambda n: alone[n])]
    best = alone[chosen[0]]
    for _ in range(rounds):
        trials = {name: judged([*chosen, name]) for name in names}
        name = max(names, key=lambda n: trials[n])
        better = trials[name][0] >= best[0] + LEAST
        surer = trials[name][0] >= best[0] and trials[name][1] >= best[1] + SURER
        if not better and not surer:
            break
        chosen.append(name)
        best = trials[name]
    ordered = sorted(dict.fromkeys(chosen), key=lambda name: -chosen.count(name))
    return {name: chosen.count(name) / len(chosen) for name in ordered}


def common(parts: "Mapping[str, list[tuple[np.ndarray, Any]]]") -> "tuple[np.ndarray, dict[str, Any]]":
    """Bring several candidates' answers onto the examples that all of them answered.

    Args:
        parts: for each candidate, (index, probabilities) of each of its networks.

    Returns:
        The common index, ascending, and each candidate's mean answers there.
    """
    index = None
    for networks in parts.values():
        own = np.unique(np.concatenate([i for i, _ in networks]))
        index = own if index is None else np.intersect1d(index, own)
    index = np.zeros(0, np.int64) if index is None else index
    place = {int(i): k for k, i in enumerate(index)}
    found = {}
    for name, networks in parts.items():
        sums: list[Any] = [None] * len(index)
        counts = np.zeros(len(index))
        for own, answers in networks:
            for i, answer in zip(own, answers, strict=True):
                if (k := place.get(int(i))) is not None:
                    sums[k] = answer if sums[k] is None else sums[k] + answer
                    counts[k] += 1
        means = [s / c for s, c in zip(sums, counts, strict=True)]
        per_step = bool(networks) and isinstance(networks[0][1], list)
        found[name] = means if per_step else np.asarray(means)
    return index, found

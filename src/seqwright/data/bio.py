"""BIO tags: when a label set is one, which spans a sequence of tags marks, and the best legal sequence.

`B-x` begins a span of type x, `I-x` continues it, `O` is outside (Ramshaw & Marcus 1995, arXiv:cmp-lg/9505040).
"""

from collections.abc import Sequence

import numpy as np

OUTSIDE = "O"


def is_bio(labels: Sequence[str]) -> bool:
    """Whether every label is `O`, `B-something` or `I-something`, and at least one marks a span."""
    marks = [label for label in labels if label != OUTSIDE]
    return bool(marks) and all(label[:2] in ("B-", "I-") and len(label) > 2 for label in marks)


def spans(tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """The spans `(start, stop, type)` of one sentence.

    An `I-x` that continues nothing begins a span, as conlleval and seqeval's default have it.

    >>> sorted(spans(["B-per", "I-per", "O", "I-loc"]))
    [(0, 2, 'per'), (3, 4, 'loc')]
    """
    found: set[tuple[int, int, str]] = set()
    start, kind = 0, ""
    for i, tag in enumerate([*tags, OUTSIDE]):
        if kind and tag != f"I-{kind}":
            found.add((start, i, kind))
            kind = ""
        if tag != OUTSIDE and not kind:
            start, kind = i, tag[2:]
    return found


def transitions(labels: Sequence[str]) -> np.ndarray:
    """(C + 1, C) bool: may label `j` follow label `i`? The last row is the start of a sentence.

    `I-x` may only follow `B-x` or `I-x`; a type that has no `B-x` at all (IOB1 files) is left free.
    """
    legal = np.ones((len(labels) + 1, len(labels)), bool)
    for j, label in enumerate(labels):
        begin = f"B-{label[2:]}"
        if label.startswith("I-") and begin in labels:
            legal[:, j] = [other in (label, begin) for other in labels] + [False]
    return legal


def best_legal(probabilities: np.ndarray, legal: np.ndarray) -> np.ndarray:
    """The most probable sequence of classes, (T,), that makes only legal transitions (Viterbi 1967).

    Args:
        probabilities: (T, C), steps taken as independent.
        legal: (C + 1, C) from `transitions`.
    """
    greedy = np.argmax(probabilities, -1)
    if not len(greedy) or legal[np.concatenate([[-1], greedy[:-1]]), greedy].all():
        return greedy  # the best of all sequences is legal, as it nearly always is
    log = np.log(np.maximum(probabilities, 1e-30))
    step = np.where(legal, 0.0, -np.inf)
    best, back = log[0] + step[-1], np.zeros(log.shape, np.int64)
    for t in range(1, len(log)):
        through = best[:, None] + step[:-1]  # (C from, C to)
        back[t] = np.argmax(through, 0)
        best = np.max(through, 0) + log[t]
    path = np.empty(len(log), np.int64)
    path[-1] = np.argmax(best)
    for t in range(len(log) - 1, 0, -1):
        path[t - 1] = back[t, path[t]]
    return path

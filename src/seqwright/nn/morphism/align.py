"""Which block of a child comes of which of its parent's, when some were put in, doubled or taken out."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from seqwright.arch.blocks import Parallel
from seqwright.nn.morphism.rules import holds


def aligned(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[int, int]]:
    """Pairs (i, j) of counterparts, both rising: the longest common subsequence, with affinity for equality."""
    worth = [[affinity(a, b) for b in after] for a in before]
    best = [[0.0] * (len(after) + 1) for _ in range(len(before) + 1)]
    for i in reversed(range(len(before))):
        for j in reversed(range(len(after))):
            paired = worth[i][j] + best[i + 1][j + 1]
            best[i][j] = max(paired if worth[i][j] else 0.0, best[i + 1][j], best[i][j + 1])
    i = j = 0
    pairs: list[tuple[int, int]] = []
    while i < len(before) and j < len(after):
        if worth[i][j] and best[i][j] == worth[i][j] + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def matched(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[int, int]]:
    """Pairs (i, j) of counterparts where order means nothing, as among branches; the likest find each other first."""
    each = [(-affinity(a, b), i, j) for i, a in enumerate(before) for j, b in enumerate(after)]
    pairs: list[tuple[int, int]] = []
    for worth, i, j in sorted(each):
        if worth and all(i != one and j != other for one, other in pairs):
            pairs.append((i, j))
    return pairs


def affinity(was: Any, now: Any) -> float:
    """0 between different kinds, up to 1 between other fields of one kind, more where `now` can do what `was` did.

    Of several blocks put side by side, what counts is the most alike of each.
    """
    if isinstance(was, Parallel) or isinstance(now, Parallel):
        one, other = (spec.branches if isinstance(spec, Parallel) else (spec,) for spec in (was, now))
        each = [max((affinity(a, b) for b in other), default=0.0) for a in one]
        return sum(each) / max(1, len(each))
    return _likeness(was, now) + holds(was, now) if type(was) is type(now) else 0.0


def _likeness(a: Any, b: Any) -> float:
    if not is_dataclass(a) or isinstance(a, type) or type(a) is not type(b):
        return float(a == b)
    each = [_likeness(getattr(a, f.name), getattr(b, f.name)) for f in fields(a)]
    return 0.5 + 0.5 * sum(each) / len(each) if each else 1.0

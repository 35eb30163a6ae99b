"""An expert's prior, as a person types it: ``/layers/*/mixer=lstm:3,gru:2`` makes an LSTM three times as likely.

The pattern is that of `pattern.py`, except that it may also begin in the middle of a path. Options that are not named
weigh 1. What is typed multiplies the weights that were there before, and several texts multiply one another.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence

from seqwright.errors import SpaceError, did_you_mean
from seqwright.space.census import questions
from seqwright.space.nodes import Choice, Path, Space, Stack, is_tuple
from seqwright.space.pattern import States, after, begin, ended, parts
from seqwright.space.prior import Prior

EXAMPLE = "Give for instance /layers/*/mixer=lstm:3,gru:2, or /recipe/dropout=0.1:5."


def expert(space: Space, texts: Sequence[str], given: Prior | None = None) -> Prior:
    """The prior that `texts` and `given` make together.

    Args:
        texts: each ``PATH=LABEL:WEIGHT,LABEL:WEIGHT``; a stack's path weighs its lengths.
        given: weights from elsewhere, which those of the texts multiply.

    Raises:
        SpaceError: a text that cannot be read, a pattern that meets no open question, a label none of them has, or
            a question left with no weight at all.
    """
    asked = questions(space)
    belief = given.belief if given else None
    made: dict[Path, list[float]] = {}
    believed: dict[Path, list[float]] = {}  # without what only says how to draw
    for text in texts:
        pattern, wishes = parse(text)
        paths = list(matching(space, pattern))
        labels = dict.fromkeys(label for path in paths for label in asked[path].labels())
        if not paths:
            raise SpaceError(f'No open question is at "{pattern}".{did_you_mean(pattern, asked)}')
        for label in wishes:
            if label not in labels:
                raise SpaceError(
                    f'"{text}": nothing at {pattern} is labelled "{label}".{did_you_mean(label, labels)} '
                    f"The options are: {', '.join(labels)}."
                )
        for path in paths:
            question = asked[path]
            for so_far, earlier in ((made, given), (believed, belief)):
                before = (
                    so_far.get(path) or (earlier and earlier.weights(path, question)) or [1.0] * len(question.options)
                )
                so_far[path] = [b * wishes.get(name, 1.0) for b, name in zip(before, question.labels(), strict=True)]
            if not any(made[path]):
                raise SpaceError(f'"{text}" leaves no option at {path}. Give one of them a weight above zero.')
    return Prior((given.as_data() if given else {}) | made, Prior((belief.as_data() if belief else {}) | believed))


def parse(text: str) -> tuple[str, dict[str, float]]:
    """The pattern, and a weight by label.

    >>> parse("/layers/*/mixer=lstm:3,gru:2")
    ('/layers/*/mixer', {'lstm': 3.0, 'gru': 2.0})
    """
    pattern, mark, wishes = text.rpartition("=")
    if not mark or not pattern.startswith("/") or not wishes:
        raise SpaceError(f'The prior "{text}" is not PATH=LABEL:WEIGHT. {EXAMPLE}')
    found: dict[str, float] = {}
    while wishes:
        wish = re.match(r"(.+?):([^,:]+)(?:,|$)", wishes)  # a label may hold a comma
        weight = _number(wish[2]) if wish else math.nan
        if wish is None or not 0 <= weight < math.inf:
            raise SpaceError(
                f'In the prior "{text}", "{wishes}" is not LABEL:WEIGHT,... with weights of 0 or more. {EXAMPLE}'
            )
        found[wish[1]] = weight
        wishes = wishes[wish.end() :]
    return pattern, found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def matching(space: Space, pattern: str) -> Iterator[Path]:
    """The questions at a pattern; where there are none, at a pattern that begins anywhere. None is given twice."""
    found = dict.fromkeys(_walk(space, begin(pattern), ""))
    return iter(found or dict.fromkeys(_walk(space, begin("/**" + pattern), "")))


def _walk(space: Space, states: States, path: Path) -> Iterator[Path]:
    if not states:
        return
    if isinstance(space, Choice):
        if ended(states):
            yield path
        for option, name in zip(space.options, space.labels(), strict=True):
            yield from _walk(option, after(states, name) | states, f"{path}/{name}")
    elif isinstance(space, Stack):
        if ended(states):
            yield f"{path}#"
        for i in range(space.most):
            yield from _walk(space.element, after(states, str(i)), f"{path}/{i}")
    else:
        named: Iterable[tuple[str, Space]] = (
            ((str(i), p) for i, p in enumerate(space)) if is_tuple(space) else parts(space)
        )
        for name, part in named:
            yield from _walk(part, after(states, name), f"{path}/{name}")

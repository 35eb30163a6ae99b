"""All values one edit away: each answer changed to each other option, and each edit of a stack that it allows.

Made one at a time, in an order that is drawn: what the prior favours and the near steps of a scale tend to come first.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from seqwright.space.census import questions
from seqwright.space.fill import answers, fill
from seqwright.space.moves import Move, Site, change, draw, put, sites, words
from seqwright.space.nodes import Answers, Choice, Path, Space, same
from seqwright.space.prior import Prior

Edit = Callable[[], tuple[Any, Move]]


def neighbours(space: Space, value: Any, rng: Random, prior: Prior | None = None) -> Iterator[tuple[Any, Move]]:
    """Every value one edit away from `value`, and the edit. Where an edit asks something new, one answer is drawn.

    A stack's elements are removed, doubled, exchanged with the next, and followed by a fresh one; the first may be
    preceded by one. An option that the prior forbids is left out.

    Raises:
        SpaceError: `value` lies outside.
    """
    known = answers(space, value)
    edits = [*_answers(space, known, rng, prior), *_stacks(space, value, known, rng, prior)]
    # Sorted by these times, an edit comes before another as often as their weights say.
    times = [rng.expovariate(weight) for weight, _ in edits]
    for place in sorted(range(len(edits)), key=times.__getitem__):
        yield edits[place][1]()


def _answers(space: Space, known: Answers, rng: Random, prior: Prior | None) -> Iterator[tuple[float, Edit]]:
    asked = questions(space)
    for path, old in known.items():
        question = asked[path]
        for new, weight in _others(path, question, old, prior):
            yield weight, _bound(change, space, known, path, new, rng, prior)


def _others(path: Path, question: Choice, old: int, prior: Prior | None) -> Iterator[tuple[int, float]]:
    """Each other option with its weight; those of an unordered question without a prior weigh 1."""
    others = [new for new in range(len(question.options)) if new != old]
    given = prior.weights(path, question) if prior else None
    mean = sum(given) / len(given) if given else 1.0
    for new in others:
        weight = given[new] / mean if given else 1.0
        if weight > 0:
            yield new, weight / abs(new - old) if question.ordered else weight


def _stacks(space: Space, value: Any, known: Answers, rng: Random, prior: Prior | None) -> Iterator[tuple[float, Edit]]:
    for site in sites(space, value, known):
        n, least, most = len(site.elements), site.stack.least, site.stack.most
        if n > least:
            yield from ((1.0, _bound(_remove, value, site, i)) for i in range(n))
        if n < most:
            yield from ((1.0, _bound(_double, value, site, i)) for i in range(n))
            yield from ((1.0, _bound(_insert, value, site, i, rng, prior)) for i in range(n + 1))
        for i in range(n - 1):
            if not same(site.elements[i], site.elements[i + 1]):
                yield 1.0, _bound(_exchange, value, site, i)


def _remove(value: Any, site: Site, i: int) -> tuple[Any, Move]:
    rest = (*site.elements[:i], *site.elements[i + 1 :])
    return put(value, site.way, rest), Move("remove", f"{site.path}/{i}", words(site.elements[i]), "")


def _double(value: Any, site: Site, i: int) -> tuple[Any, Move]:
    twice = (*site.elements[: i + 1], *site.elements[i:])
    return put(value, site.way, twice), Move("duplicate", f"{site.path}/{i}", "", words(site.elements[i]))


def _insert(value: Any, site: Site, i: int, rng: Random, prior: Prior | None) -> tuple[Any, Move]:
    path = f"{site.path}/{i}"
    new = fill(site.stack.element, lambda p, q: draw(rng, p, q, prior), path)
    return put(value, site.way, (*site.elements[:i], new, *site.elements[i:])), Move("insert", path, "", words(new))


def _exchange(value: Any, site: Site, i: int) -> tuple[Any, Move]:
    e = site.elements
    swapped = (*e[:i], e[i + 1], e[i], *e[i + 2 :])
    return put(value, site.way, swapped), Move("swap", f"{site.path}/{i}", words(e[i]), words(e[i + 1]))


def _bound(make: Callable[..., tuple[Any, Move]], *given: Any) -> Edit:
    return lambda: make(*given)

"""Moves: how a search gets from nothing to a value, and from values to other values, without leaving the space.

`sample`, `mutate` and `cross` are `fill` with answers that are drawn, changed or mixed; `insert`, `remove`,
`duplicate` and `swap` edit one of the value's stacks.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from random import Random
from typing import Any

from seqwright.errors import SpaceError
from seqwright.space.census import questions
from seqwright.space.fill import answers, fill
from seqwright.space.nodes import Answers, Choice, Path, Record, Space, Stack, is_tuple, label, same
from seqwright.space.prior import Prior


@dataclass(frozen=True)
class Move:
    """What changed, where, from what to what (in words): enough to inherit weights by and to tell the user."""

    name: str  # replace, raise, lower, insert, remove, duplicate, swap
    path: Path
    before: str
    after: str

    def as_data(self) -> dict[str, str]:
        return {"name": self.name, "path": self.path, "before": self.before, "after": self.after}

    def __str__(self) -> str:
        return f"{self.name} at {self.path}: {self.before or '-'} -> {self.after or '-'}"


def sample(space: Space, rng: Random, prior: Prior | None = None) -> Any:
    """A value of the space: every question answered at random, evenly or by the prior."""
    return fill(space, lambda path, question: draw(rng, path, question, prior))


def mutate(space: Space, value: Any, rng: Random, prior: Prior | None = None) -> tuple[Any, Move]:
    """Change one answer. Others stay where they still apply; what is newly asked is drawn.

    On a scale, half the changes go one step. An option's own answers carry over to the next where the same
    question is asked there (an LSTM of 64 becomes a GRU of 64).

    Raises:
        SpaceError: `value` lies outside, or the space holds no other.
    """
    child, move, _ = mutated(space, answers(space, value), rng, prior)
    return child, move


def mutated(space: Space, known: Answers, rng: Random, prior: Prior | None = None) -> tuple[Any, Move, Answers]:
    """`mutate` for a value whose answers are `known`; also gives those of the new one, which saves reading it."""
    asked = questions(space)
    open_paths = [path for path in known if len(asked[path].options) > 1]
    if not open_paths:
        raise SpaceError("The space holds a single value, so there is nothing to mutate.")
    target = rng.choice(open_paths)
    return _changed(space, known, target, _other(rng, target, asked[target], known[target], prior), rng, prior)


def change(
    space: Space, known: Answers, target: Path, new: int, rng: Random, prior: Prior | None = None
) -> tuple[Any, Move]:
    """The value of the answers `known` with another at `target`; see `mutate`."""
    child, move, _ = _changed(space, known, target, new, rng, prior)
    return child, move


def _changed(
    space: Space, known: Answers, target: Path, new: int, rng: Random, prior: Prior | None
) -> tuple[Any, Move, Answers]:
    asked = questions(space)
    question, old = asked[target], known[target]
    labels = question.labels()
    inside, was_inside = f"{target}/{labels[new]}", f"{target}/{labels[old]}"
    given: Answers = {}

    def found(path: Path, q: Choice) -> int:
        if path == target:
            return new
        if path in known:
            return known[path]
        if path.startswith(inside):
            twin = was_inside + path[len(inside) :]
            if twin in known and asked[twin] == q:
                return known[twin]
        return draw(rng, path, q, prior)

    def answer(path: Path, q: Choice) -> int:
        given[path] = found(path, q)
        return given[path]

    name = ("raise" if new > old else "lower") if question.ordered else "replace"
    return fill(space, answer), Move(name, target, labels[old], labels[new]), given


def cross(space: Space, a: Any, b: Any, rng: Random) -> Any:
    """Take each answer from a parent that has one, evenly; draw where neither does."""
    mother, father = answers(space, a), answers(space, b)

    def answer(path: Path, question: Choice) -> int:
        offers = [parent[path] for parent in (mother, father) if path in parent]
        return rng.choice(offers) if offers else rng.randrange(len(question.options))

    return fill(space, answer)


def draw(rng: Random, path: Path, question: Choice, prior: Prior | None) -> int:
    weights = prior.weights(path, question) if prior else None
    n = len(question.options)
    return rng.choices(range(n), weights)[0] if weights else int(rng.random() * n)


def _other(rng: Random, path: Path, question: Choice, old: int, prior: Prior | None) -> int:
    n = len(question.options)
    weights = prior.weights(path, question) if prior else None
    if question.ordered and rng.random() < 0.5:
        others = [i for i in (old - 1, old + 1) if 0 <= i < n]
    else:
        others = [i for i in range(n) if i != old]
    if weights and any(weights[i] for i in others):
        return rng.choices(others, [weights[i] for i in others])[0]
    return rng.choice(others)


# Edits of a stack --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Site:
    """A stack in a value: its path, its node, its elements, and the way to it (field names and indices)."""

    path: Path
    stack: Stack
    elements: tuple[Any, ...]
    way: tuple[str | int, ...]


def insert(space: Space, value: Any, rng: Random, prior: Prior | None = None) -> tuple[Any, Move] | None:
    """Put a fresh element somewhere into a stack; None where all are full."""

    def edit(site: Site) -> tuple[tuple[Any, ...], Move]:
        i = rng.randint(0, len(site.elements))
        path = f"{site.path}/{i}"
        new = fill(site.stack.element, lambda p, q: draw(rng, p, q, prior), path)
        return (*site.elements[:i], new, *site.elements[i:]), Move("insert", path, "", words(new))

    return _edit(space, value, rng, lambda s: len(s.elements) < s.stack.most, edit)


def remove(space: Space, value: Any, rng: Random) -> tuple[Any, Move] | None:
    """Take an element out of a stack; None where all are as short as they may be."""

    def edit(site: Site) -> tuple[tuple[Any, ...], Move]:
        i = rng.randrange(len(site.elements))
        rest = (*site.elements[:i], *site.elements[i + 1 :])
        return rest, Move("remove", f"{site.path}/{i}", words(site.elements[i]), "")

    return _edit(space, value, rng, lambda s: len(s.elements) > s.stack.least, edit)


def duplicate(space: Space, value: Any, rng: Random) -> tuple[Any, Move] | None:
    """Put a copy of an element behind it; None where no stack has both an element and room."""

    def edit(site: Site) -> tuple[tuple[Any, ...], Move]:
        i = rng.randrange(len(site.elements))
        twice = (*site.elements[: i + 1], *site.elements[i:])
        return twice, Move("duplicate", f"{site.path}/{i}", "", words(site.elements[i]))

    return _edit(space, value, rng, lambda s: 0 < len(s.elements) < s.stack.most, edit)


def swap(space: Space, value: Any, rng: Random) -> tuple[Any, Move] | None:
    """Exchange two different elements of a stack; None where there are none."""

    def pairs(site: Site) -> list[tuple[int, int]]:
        e = site.elements
        return [(i, j) for i in range(len(e)) for j in range(i) if not same(e[i], e[j])]

    def edit(site: Site) -> tuple[tuple[Any, ...], Move]:
        i, j = rng.choice(pairs(site))
        swapped = list(site.elements)
        swapped[i], swapped[j] = swapped[j], swapped[i]
        before, after = words(site.elements[j]), words(site.elements[i])
        return tuple(swapped), Move("swap", f"{site.path}/{j}", before, after)

    return _edit(space, value, rng, lambda s: bool(pairs(s)), edit)


def _edit(
    space: Space,
    value: Any,
    rng: Random,
    possible: Callable[[Site], bool],
    edit: Callable[[Site], tuple[tuple[Any, ...], Move]],
) -> tuple[Any, Move] | None:
    known = answers(space, value)
    open_sites = [site for site in sites(space, value, known) if possible(site)]
    if not open_sites:
        return None
    site = rng.choice(open_sites)
    elements, move = edit(site)
    return put(value, site.way, elements), move


def sites(space: Space, value: Any, known: Answers, path: Path = "", way: tuple[str | int, ...] = ()) -> Iterator[Site]:
    """The stacks of a value whose answers are `known`, outer ones first."""
    if isinstance(space, Choice):
        index = known[path]
        yield from sites(space.options[index], value, known, f"{path}/{space.labels()[index]}", way)
    elif isinstance(space, Record):
        for name, part in space.fields:
            yield from sites(part, getattr(value, name), known, f"{path}/{name}", (*way, name))
    elif isinstance(space, Stack):
        yield Site(path, space, value, way)
        for i, element in enumerate(value):
            yield from sites(space.element, element, known, f"{path}/{i}", (*way, i))
    elif is_tuple(space):
        for i, part in enumerate(space):
            yield from sites(part, value[i], known, f"{path}/{i}", (*way, i))


def put(value: Any, way: tuple[str | int, ...], new: Any) -> Any:
    """`value` with `new` at the end of the way."""
    if not way:
        return new
    step, rest = way[0], way[1:]
    if isinstance(step, int):
        return (*value[:step], put(value[step], rest, new), *value[step + 1 :])
    return replace(value, **{step: put(getattr(value, step), rest, new)})


def words(value: Any) -> str:
    """A value in a few words: ``layer(lstm(128, True), skip)``."""
    if is_tuple(value):
        return f"({', '.join(map(words, value))})"
    if is_dataclass(value):
        inner = ", ".join(words(getattr(value, f.name)) for f in fields(value))
        return f"{label(value)}({inner})" if inner else label(value)
    return str(value)

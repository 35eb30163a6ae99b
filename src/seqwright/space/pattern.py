"""Patterns of paths, as a person writes them.

``*`` stands for one step (the number of a layer, any field), ``**`` for any number of them, and the labels of
choices may be left out: ``/architecture/body/width`` also means ``/architecture/sequence/body/width``.
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from fnmatch import fnmatchcase

from seqwright.errors import SpaceError, did_you_mean
from seqwright.space.nodes import Choice, Record, Space, Stack, is_tuple, label

Steps = tuple[str, ...]
States = frozenset[Steps]  # the ways in which a pattern may go on from somewhere


def begin(pattern: str) -> States:
    """A pattern before its first step.

    Raises:
        SpaceError: it does not begin with a slash.
    """
    if not pattern.startswith("/"):
        raise SpaceError(f'"{pattern}" is not a path. A path begins with a slash, as in /architecture/body/width.')
    return frozenset({tuple(pattern.removesuffix("#").strip("/").split("/"))})


def after(states: States, name: str) -> States:
    """How it may go on after a step called `name`; "*" is the name of any element of a stack."""
    found: set[Steps] = set()
    for steps in states:
        while steps and steps[0] == "**":
            found.add(steps)
            steps = steps[1:]
        if steps and fnmatchcase(name, steps[0]):
            found.add(steps[1:])
    return frozenset(found)


def ended(states: States) -> bool:
    """Whether it may end here."""
    return any(all(step == "**" for step in steps) for steps in states)


def labels(space: Space) -> Iterator[str]:
    """The labels of all options, records and plain values of a space or a value."""
    if isinstance(space, Choice):
        for option, name in zip(space.options, space.labels(), strict=True):
            yield name
            yield from labels(option)
    elif isinstance(space, Stack):
        yield from labels(space.element)
    elif is_tuple(space):
        for part in space:
            yield from labels(part)
    else:
        yield label(space)
        for _, part in parts(space):
            yield from labels(part)


def parts(space: Space) -> tuple[tuple[str, Space], ...]:
    """The fields of a record, open or closed; nothing for anything else."""
    if isinstance(space, Record):
        return space.fields
    if is_dataclass(space) and not isinstance(space, type | Choice | Stack):
        return tuple((f.name, getattr(space, f.name)) for f in fields(space))
    return ()


def paths(space: Space, path: str = "", bare: bool = False) -> Iterator[str]:
    """Every path that a pattern could mean; `bare` ones leave the labels of choices out."""
    yield path or "/"
    if isinstance(space, Choice):
        for option, name in zip(space.options, space.labels(), strict=True):
            yield from paths(option, path if bare else f"{path}/{name}", bare)
    elif isinstance(space, Stack):
        yield from paths(space.element, f"{path}/*", bare)
    elif is_tuple(space):
        for i, part in enumerate(space):
            yield from paths(part, f"{path}/{i}", bare)
    else:
        for name, part in parts(space):
            yield from paths(part, f"{path}/{name}", bare)


def no_match(space: Space, pattern: str) -> str:
    """What to tell whoever wrote a pattern that matches nothing."""
    if pattern.startswith("/"):
        known = dict.fromkeys([*paths(space, bare=True), *paths(space)])
        return f'Nothing in the space matches "{pattern}".{did_you_mean(pattern, known)}'
    known = dict.fromkeys(labels(space))
    return f'Nothing in the space is labelled "{pattern}".{did_you_mean(pattern, known)}'

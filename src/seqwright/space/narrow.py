"""Narrowing a space by hand: `fix` a question, `ban` an option, `require` a part.

Each takes a pattern (see `pattern.py`) and gives a new space under the same paths. What a narrowing leaves without
a value disappears with it: without convolutions, a choice loses its option "conv"; a record that needs one, itself.
"""

from ast import literal_eval
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from typing import Any

from seqwright.errors import SpaceError, did_you_mean
from seqwright.space.nodes import Choice, Record, Space, Stack, is_tuple, label, same
from seqwright.space.pattern import States, after, begin, ended, labels, no_match, parts

_EMPTY: Any = type("_Empty", (), {})()  # a space without values; lives only while narrowing


def fix(space: Space, pattern: str, value: Any) -> Space:
    """The part of the space in which the question at `pattern` has the answer `value`, wherever it is asked.

    `value` is an option, its label, or text as typed on a command line (``"64"``, ``"1e-3"``, ``"true"``); a
    stack takes its length. A plain number may be exchanged for another of its type.

    Raises:
        SpaceError: the pattern matches nothing, or no value is left.
    """
    allowed: list[str] = []

    def settle(node: Space) -> Space:
        allowed.extend(_allowed(node))
        return _settle(node, value)

    left = _walk(space, begin(pattern), settle)
    if not allowed:
        raise SpaceError(no_match(space, pattern))
    if left is _EMPTY:
        raise SpaceError(f"{pattern} cannot be {value}. It may be: {', '.join(dict.fromkeys(allowed))}.")
    return left


def ban(space: Space, pattern: str) -> Space:
    """The part of the space without the options at `pattern`; a bare label (``"lstm"``) is banned everywhere.

    Raises:
        SpaceError: the pattern matches no option, or no value is left.
    """
    banned: list[Space] = []

    def drop(node: Space) -> Space:
        banned.append(node)
        return _EMPTY

    if pattern.startswith("/"):
        left = _walk(space, begin(pattern), drop, options_only=True)
    else:
        left = _without(space, pattern, drop)
    if not banned:
        _refuse_question(space, pattern)
        raise SpaceError(no_match(space, pattern))
    if left is _EMPTY:
        raise SpaceError(f'Without "{pattern}" nothing is left of the space. Ban less, or name a narrower path.')
    return left


def require(name: str, space: Space | None = None) -> Callable[[Any], str | None]:
    """A predicate for candidates: None where `name` (``"attention"``) occurs in one, else why it is inadmissible.

    Raises:
        SpaceError: `space` is given and has nothing of that name.
    """
    if space is not None and name not in (known := dict.fromkeys(labels(space))):
        raise SpaceError(f'Nothing in the space is labelled "{name}".{did_you_mean(name, known)}')

    def admissible(candidate: Any) -> str | None:
        return None if name in labels(candidate) else f'it has no "{name}", which is required'

    return admissible


def _walk(space: Space, states: States, settle: Callable[[Space], Space], options_only: bool = False) -> Space:
    """`space` with every node at which the pattern ends settled; what does not change is shared, not copied."""
    if not states:
        return space
    if ended(states) and not options_only:
        return settle(space)

    def inner(part: Space, name: str) -> Space:
        return _walk(part, after(states, name), settle, options_only)

    if isinstance(space, Choice):
        kept: list[Space] = []
        for option, name in zip(space.options, space.labels(), strict=True):
            inside = after(states, name)
            if options_only and ended(inside):
                kept.append(settle(option))
            else:  # the label may be left out of the pattern
                kept.append(_walk(option, inside | states, settle, options_only))
        return _rebuilt(space, kept)
    if isinstance(space, Stack):
        if numbers := [steps[0] for steps in states if steps and steps[0].isdigit()]:
            raise SpaceError(f'The elements of a stack share one space, so number {numbers[0]} has none. Write "*".')
        return _rebuilt(space, [inner(space.element, "*")])
    if is_tuple(space):
        return _rebuilt(space, [inner(part, str(i)) for i, part in enumerate(space)])
    return _rebuilt(space, [inner(part, name) for name, part in parts(space)])


def _without(space: Space, name: str, drop: Callable[[Space], Space]) -> Space:
    """`space` without options, records and lone values labelled `name`."""
    if isinstance(space, Choice):
        pairs = zip(space.options, space.labels(), strict=True)
        return _rebuilt(space, [drop(o) if each == name else _without(o, name, drop) for o, each in pairs])
    if isinstance(space, Stack):
        return _rebuilt(space, [_without(space.element, name, drop)])
    if is_tuple(space):
        return _rebuilt(space, [_without(part, name, drop) for part in space])
    if (isinstance(space, Record) or is_dataclass(space)) and label(space) == name:
        return drop(space)
    return _rebuilt(space, [_without(part, name, drop) for _, part in parts(space)])


def _rebuilt(space: Space, children: list[Space]) -> Space:
    """`space` with these children in the places of its own, or nothing where it cannot do without an empty one."""
    if isinstance(space, Choice):
        left = [i for i, child in enumerate(children) if child is not _EMPTY]
        if len(left) == len(children) and all(map(_identical, children, space.options)):
            return space
        names = tuple(space.names[i] for i in left) if space.names else ()
        return Choice(tuple(children[i] for i in left), space.ordered, names) if left else _EMPTY
    if isinstance(space, Stack):
        (element,) = children
        if element is _EMPTY:
            return () if space.least == 0 else _EMPTY
        return space if element is space.element else Stack(element, space.least, space.most)
    if any(child is _EMPTY for child in children):
        return _EMPTY
    if is_tuple(space):
        return space if all(map(_identical, children, space)) else tuple(children)
    names = [name for name, _ in parts(space)]
    if all(map(_identical, children, (part for _, part in parts(space)))):
        return space
    if isinstance(space, Record):
        return Record(space.cls, tuple(zip(names, children, strict=True)))
    return type(space)(**dict(zip(names, children, strict=True)))


def _identical(a: Any, b: Any) -> bool:
    return a is b


def _settle(node: Space, value: Any) -> Space:
    """`node` with the one answer `value`, or nothing."""
    if isinstance(node, Choice):
        pairs = zip(node.options, node.labels(), strict=True)
        return _rebuilt(node, [option if _means(option, name, value) else _EMPTY for option, name in pairs])
    if isinstance(node, Stack):
        depth = _typed(value, int)
        return Stack(node.element, depth, depth) if depth is not None and node.least <= depth <= node.most else _EMPTY
    if is_tuple(node):
        return node if _typed(value, int) == len(node) else _EMPTY
    if _means(node, label(node), value):
        return node
    number = None if isinstance(node, bool) or not isinstance(node, int | float) else _typed(value, type(node))
    return _EMPTY if number is None else number


def _means(option: Any, name: str, value: Any) -> bool:
    """Whether `value`, perhaps as text, is meant for this option."""
    if name == value or same(option, value):
        return True
    if option is None:
        return str(value).lower() in ("none", "null")
    return isinstance(option, bool | int | float) and same(option, _typed(value, type(option)))


def _typed(value: Any, wanted: type) -> Any:
    """`value`, perhaps as text, in the type `wanted`; None where it is not one."""
    if isinstance(value, str):
        try:
            value = literal_eval({"true": "True", "false": "False"}.get(value.lower(), value))
        except (ValueError, SyntaxError):
            return None
    if wanted is float and type(value) is int:
        return float(value)
    return value if type(value) is wanted else None


def _allowed(node: Space) -> Iterator[str]:
    if isinstance(node, Choice):
        yield from node.labels()
    elif isinstance(node, Stack):
        yield from map(str, node.depth.options)
    elif is_tuple(node):
        yield str(len(node))
    else:
        yield label(node)


def _refuse_question(space: Space, pattern: str) -> None:
    """A ban that ends in a question instead of in one of its options."""
    allowed: list[str] = []

    def look(node: Space) -> Space:
        allowed.extend(_allowed(node))
        return node

    if pattern.startswith("/"):
        _walk(space, begin(pattern), look)
    if allowed:
        options = ", ".join(dict.fromkeys(allowed))
        raise SpaceError(f"{pattern} is a question, not an option. Ban one of its options instead: {options}.")

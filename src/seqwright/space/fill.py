"""The two inverse functions of the algebra: `fill` answers every open question, `read` recovers the answers.

Everything else - sampling, mutation, enumeration, encoding, overriding - is one of the two with a twist.
"""

from typing import Any

from seqwright.errors import SpaceError
from seqwright.space.nodes import Answer, Answers, Choice, Path, Record, Space, Stack, is_tuple, same


def fill(space: Space, answer: Answer, path: Path = "") -> Any:
    """Answer every open question, depth first, and return the finished value.

    `answer(path, question)` gives the index of an option. A stack's length is asked at its path and "#".

    Raises:
        SpaceError: an answer is not the index of an option.
    """
    if isinstance(space, Choice):
        index = _index(path, space, answer)
        return fill(space.options[index], answer, f"{path}/{space.labels()[index]}")
    if isinstance(space, Record):
        return space.cls(**{name: fill(part, answer, f"{path}/{name}") for name, part in space.fields})
    if isinstance(space, Stack):
        depth = space.least + _index(f"{path}#", space.depth, answer)
        return tuple([fill(space.element, answer, f"{path}/{i}") for i in range(depth)])
    if is_tuple(space):
        return tuple([fill(part, answer, f"{path}/{i}") for i, part in enumerate(space)])
    return space


def _index(path: Path, question: Choice, answer: Answer) -> int:
    index = answer(path, question)
    if not 0 <= index < len(question.options):
        raise SpaceError(
            f"The answer {index} at {path or '/'} is not the index of an option. "
            f"It has {len(question.options)}: {', '.join(question.labels())}."
        )
    return index


def read(space: Space, value: Any) -> Answers | None:
    """The answers by which `fill` makes `value`, in the order it asks; None where `value` lies outside."""
    found: list[tuple[Path, int]] = []
    return dict(found) if _read(space, value, "", found) else None


def _read(space: Space, value: Any, path: Path, found: list[tuple[Path, int]]) -> bool:
    if isinstance(space, Choice):
        mark, labels = len(found), space.labels()
        for index, option in enumerate(space.options):
            if isinstance(option, Record) and type(value) is not option.cls:
                continue
            found.append((path, index))
            if _read(option, value, f"{path}/{labels[index]}", found):
                return True
            del found[mark:]
        return False
    if isinstance(space, Record):
        if type(value) is not space.cls:
            return False
        return all(_read(part, getattr(value, name), f"{path}/{name}", found) for name, part in space.fields)
    if isinstance(space, Stack):
        if not is_tuple(value) or not space.least <= len(value) <= space.most:
            return False
        found.append((f"{path}#", len(value) - space.least))
        return all(_read(space.element, element, f"{path}/{i}", found) for i, element in enumerate(value))
    if is_tuple(space):
        if not is_tuple(value) or len(value) != len(space):
            return False
        return all(_read(part, value[i], f"{path}/{i}", found) for i, part in enumerate(space))
    return space is value or same(space, value)  # what has no questions is filled in as it stands


def answers(space: Space, value: Any) -> Answers:
    """Like `read`, for a value that ought to be inside.

    Raises:
        SpaceError: it is not; the message says where and why.
    """
    found = read(space, value)
    if found is None:
        raise SpaceError(f"The value lies outside the space. {why_not(space, value)}")
    return found


def why_not(space: Space, value: Any) -> str | None:
    """Where `value` leaves the space and what was allowed there; None when it is inside.

    Of several options that might have been meant, the one that `value` followed furthest is explained.
    """
    reason = _why(space, value, "", ())
    return reason and reason[1]


Reason = tuple[tuple[int, ...], str]  # how far the value was followed (positions, from the root), and the words


def _why(space: Space, value: Any, path: Path, place: tuple[int, ...]) -> Reason | None:
    here = path or "/"
    if isinstance(space, Choice):
        reasons: list[Reason] = []
        for option, label in zip(space.options, space.labels(), strict=True):
            reason = _why(option, value, f"{path}/{label}", place)
            if reason is None:
                return None
            reasons.append(reason)
        deepest = max(reasons, key=lambda reason: reason[0])
        if len(deepest[0]) > len(place):
            return deepest
        return place, f"At {here}: {_show(value)} is not one of {', '.join(space.labels())}."
    if isinstance(space, Record):
        if type(value) is not space.cls:
            return place, f"At {here}: expected {space.cls.__name__}, got {_show(value)}."
        parts = [(name, part, getattr(value, name)) for name, part in space.fields]
    elif isinstance(space, Stack) or is_tuple(space):
        least, most = (space.least, space.most) if isinstance(space, Stack) else (len(space), len(space))
        if not is_tuple(value):
            return place, f"At {here}: expected a tuple, got {_show(value)}."
        if not least <= len(value) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            return (*place, 0), f"At {here}: {len(value)} elements, expected {wanted}."
        elements = (space.element,) * len(value) if isinstance(space, Stack) else space
        parts = [(str(i), part, value[i]) for i, part in enumerate(elements)]
    else:
        return None if same(space, value) else (place, f"At {here}: {_show(value)} is not {_show(space)}.")
    found = (_why(part, inner, f"{path}/{name}", (*place, i)) for i, (name, part, inner) in enumerate(parts))
    return next(filter(None, found), None)


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."

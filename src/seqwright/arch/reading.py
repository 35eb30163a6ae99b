"""JSON data read back as values and spaces, with every mistake in it gathered and placed."""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from seqwright.arch import blocks as _blocks
from seqwright.arch import candidate as _candidate
from seqwright.arch import darts as _darts
from seqwright.arch import encoders as _encoders
from seqwright.arch import network as _network
from seqwright.arch import supernet as _supernet
from seqwright.arch.kinds import KINDS
from seqwright.errors import SpaceError, did_you_mean
from seqwright.space.nodes import Choice, Record, Stack, vary

_VOCABULARY = (_blocks, _candidate, _darts, _encoders, _network, _supernet)  # imported: their kinds are registered
_WRONG: Any = object()  # stands for what could not be read, so that one mistake is told once


def decoded(data: Any, space: bool) -> Any:
    """The value, or with `space` the space, that JSON data describes.

    Raises:
        SpaceError: it describes none; the message lists every mistake with its place.
    """
    mistakes: list[str] = []
    value = _Reader(space, mistakes).value(data, "")
    if mistakes:
        raise SpaceError("\n".join(mistakes))
    return value


class _Reader:
    """Reads data and gathers every mistake, so that the user sees all of them at once."""

    def __init__(self, space: bool, mistakes: list[str]) -> None:
        self._space, self._mistakes = space, mistakes

    def value(self, data: Any, path: str) -> Any:
        if data is None or isinstance(data, bool | int | float | str):
            return data
        if isinstance(data, list):
            return tuple(self.value(item, f"{path}/{i}") for i, item in enumerate(cast(list[Any], data)))
        if not isinstance(data, dict):
            return self._wrong(path, f"{data!r} is not JSON data.")
        data = cast(dict[str, Any], data)
        if "kind" in data:
            return self._record(data, path, "kind", _closed)
        if self._space:
            for tag, read in (("vary", None), ("choice", self._choice), ("stack", self._stack)):
                if tag in data:
                    return read(data, path) if read else self._record(data, path, "vary", vary)
        tags = '"kind", "vary", "choice" or "stack"' if self._space else '"kind"'
        return self._wrong(path, f"an object needs {tags}; this one has {', '.join(data) or 'nothing'}.")

    def _wrong(self, path: str, text: str) -> Any:
        self._mistakes.append(f"At {path or '/'}: {text}")
        return _WRONG

    def _record(self, data: dict[str, Any], path: str, tag: str, make: Callable[..., Any]) -> Any:
        name = data[tag]
        cls = KINDS.get(name) if isinstance(name, str) else None
        if cls is None:
            meant = did_you_mean(str(name), KINDS)
            return self._wrong(path, f'no kind is named "{name}".{meant} There are: {", ".join(sorted(KINDS))}.')
        known, before = _domains(cls), len(self._mistakes)
        given: dict[str, Any] = {}
        for key, item in data.items():
            if key == tag:
                continue
            if key not in known:
                listed = ", ".join(known) or "none"
                self._wrong(path, f'{name} has no field "{key}".{did_you_mean(key, known)} Its fields: {listed}.')
                continue
            reader = _Reader(True, self._mistakes) if known[key][1].metadata.get("holds") == "space" else self
            inner = reader.value(item, f"{path}/{key}")
            if inner is _WRONG:
                continue
            given[key] = _as_float(known[key], inner)
            if wrong := _mismatch(known[key], given[key]):
                self._wrong(f"{path}/{key}", wrong)
        required = (f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING)
        for missing in [field for field in required if field not in data]:
            self._wrong(path, f'{name} needs the field "{missing}".')
        return self._attempt(path, lambda: make(cls, **given)) if len(self._mistakes) == before else _WRONG

    def _choice(self, data: dict[str, Any], path: str) -> Any:
        options, ordered, names = data["choice"], data.get("ordered", False), data.get("names", [])
        self._only(data, path, ("choice", "ordered", "names"))
        if not isinstance(options, list) or not isinstance(names, list) or not isinstance(ordered, bool):
            return self._wrong(path, '"choice" and "names" are lists, "ordered" is true or false.')
        before = len(self._mistakes)
        read, called = self.value(options, path), tuple(map(str, cast(list[Any], names)))
        if len(self._mistakes) > before:
            return _WRONG
        return self._attempt(path, lambda: Choice(read, ordered, called))

    def _stack(self, data: dict[str, Any], path: str) -> Any:
        least, most = data.get("least"), data.get("most")
        self._only(data, path, ("stack", "least", "most"))
        if type(least) is not int or type(most) is not int:
            return self._wrong(path, 'a stack needs whole numbers "least" and "most".')
        before = len(self._mistakes)
        element = self.value(data["stack"], f"{path}/*")
        return self._attempt(path, lambda: Stack(element, least, most)) if len(self._mistakes) == before else _WRONG

    def _only(self, data: Mapping[str, Any], path: str, known: tuple[str, ...]) -> None:
        for key in data:
            if key not in known:
                self._wrong(path, f'"{known[0]}" has no field "{key}".{did_you_mean(key, known)}')

    def _attempt(self, path: str, make: Callable[[], Any]) -> Any:
        try:
            return make()
        except SpaceError as error:
            return self._wrong(path, str(error))


def _closed(cls: type, **given: Any) -> Any:
    return cls(**given)


# Types -------------------------------------------------------------------------------------------


@cache
def _domains(cls: type) -> dict[str, tuple[Any, "Field[Any]"]]:
    hints = get_type_hints(cls)
    return {f.name: (hints[f.name], f) for f in fields(cls)}


def _as_float(domain: tuple[Any, "Field[Any]"], value: Any) -> Any:
    """JSON writers may drop ".0"; a field that takes only fractions means one."""
    if isinstance(value, Choice) and domain[0] is float:
        return Choice(tuple(_as_float(domain, option) for option in value.options), value.ordered, value.names)
    wants = domain[0] is float or get_args(domain[0]) == (float, NoneType)
    return float(value) if wants and type(value) is int else value


def _mismatch(domain: tuple[Any, "Field[Any]"], value: Any) -> str:
    """What is wrong with a field's value, or nothing."""
    hint, declared = domain
    if isinstance(value, Choice):
        return next(filter(None, (_mismatch(domain, option) for option in value.options)), "")
    if value is None and hint is not Any and NoneType not in get_args(hint):
        return f"null is not allowed; expected {_expected(hint)}."
    if not _fits(hint, value):
        return f"{json.dumps(value, default=_kind)} is not {_expected(hint)}."
    options = declared.metadata["space"].options if "space" in declared.metadata else ()
    if isinstance(value, str) and options and value not in options:
        return f'"{value}" is not one of {", ".join(map(str, options))}.{did_you_mean(value, map(str, options))}'
    numbers: list[Any] = [option for option in options if type(option) in (int, float)]
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and numbers
        and (value < 0 or (value == 0 and min(numbers) > 0))
    ):
        return f"{value} is too small; usual are {', '.join(map(str, numbers))}."
    return ""


def _fits(hint: Any, value: Any) -> bool:
    if hint is Any:
        return True
    if get_origin(hint) in (Union, UnionType):
        return any(_fits(option, value) for option in get_args(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) is tuple:
        return isinstance(value, tuple | Stack)
    if isinstance(value, Record):
        return value.cls is hint
    return type(value) is hint or (hint is None and value is None)


def _expected(hint: Any) -> str:
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(map(_expected, get_args(hint)))
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    if get_origin(hint) is tuple:
        return "a list"
    known = {int: "a whole number", float: "a number", bool: "true or false", str: "text", NoneType: "null"}
    return known.get(hint, f"a {hint.__name__.lower()}")


def _kind(value: Any) -> str:
    return value.cls.__name__.lower() if isinstance(value, Record) else type(value).__name__.lower()

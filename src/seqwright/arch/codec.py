"""Values and spaces as JSON, and the id of a value.

A record is ``{"kind": "attention", "heads": 4, ...}``, a tuple a list. In a space besides, a question is
``{"choice": [...], "ordered": true, "names": [...]}``, an open record ``{"vary": "attention", ...}`` (fields left
out keep their declared domain), a stack ``{"stack": element, "least": 1, "most": 4}``.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from seqwright.arch import blocks as _blocks
from seqwright.arch import candidate as _candidate
from seqwright.arch import network as _network
from seqwright.arch.canonical import canonical as canonical
from seqwright.arch.kinds import KINDS
from seqwright.errors import SpaceError, did_you_mean
from seqwright.space.nodes import Choice, Record, Space, Stack, vary

_VOCABULARY = (_blocks, _candidate, _network)  # imported so that their kinds are registered

# Values ------------------------------------------------------------------------------------------


def to_data(value: Any) -> Any:
    """A value as JSON-ready data.

    Raises:
        SpaceError: it holds something that is neither a registered record, a tuple nor a scalar.
    """
    return _encode(value, "")


def from_data(data: Any) -> Any:
    """The value that `to_data` wrote down.

    Raises:
        SpaceError: unknown kinds or fields, missing fields, wrong types; all of them, each with its place.
    """
    return _decoded(data, space=False)


def dumps(value: Any) -> str:
    """A value as one line of canonical JSON: sorted keys, no spaces."""
    return _json(to_data(value))


def loads(text: str) -> Any:
    """The value in a JSON text.

    Raises:
        SpaceError: the text is not JSON, or not a value.
    """
    return from_data(_parse(text))


def identity(value: Any) -> str:
    """12 hex digits that twins share: the start of the SHA-256 of the canonical form's JSON."""
    return hashlib.sha256(dumps(canonical(value)).encode()).hexdigest()[:12]


# Spaces ------------------------------------------------------------------------------------------


def space_to_data(space: Space) -> Any:
    """A space as JSON-ready data.

    Raises:
        SpaceError: see `to_data`.
    """
    return _encode(space, "")


def space_from_data(data: Any) -> Space:
    """The space that `space_to_data`, or a person, wrote down.

    Raises:
        SpaceError: see `from_data`.
    """
    return _decoded(data, space=True)


def space_loads(text: str) -> Space:
    """The space in a JSON text, as `--space FILE.json` reads it.

    Raises:
        SpaceError: the text is not JSON, or not a space.
    """
    return space_from_data(_parse(text))


# Writing -----------------------------------------------------------------------------------------


def _json(data: Any) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _encode(value: Any, path: str) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple):
        return [_encode(v, f"{path}/{i}") for i, v in enumerate(tuple[Any, ...](value))]
    if isinstance(value, Choice):
        options = [_encode(o, f"{path}/{n}") for o, n in zip(value.options, value.labels(), strict=True)]
        data: dict[str, Any] = {"choice": options}
        return data | ({"ordered": True} if value.ordered else {}) | ({"names": [*value.names]} if value.names else {})
    if isinstance(value, Record):
        parts = {name: _encode(part, f"{path}/{name}") for name, part in value.fields}
        return {"vary": _name(value.cls, path), **parts}
    if isinstance(value, Stack):
        return {"stack": _encode(value.element, f"{path}/*"), "least": value.least, "most": value.most}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: _encode(getattr(value, f.name), f"{path}/{f.name}") for f in fields(value)}
        return {"kind": _name(type(value), path), **parts}
    raise SpaceError(f"At {path or '/'}: {value!r} cannot be written as JSON. Use records, tuples, numbers and text.")


def _name(cls: type, path: str) -> str:
    name = cls.__name__.lower()
    if KINDS.get(name) is not cls:
        raise SpaceError(f"At {path or '/'}: {cls.__name__} is not registered. Put @kind above the class.")
    return name


# Reading -----------------------------------------------------------------------------------------


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise SpaceError(f"This is not JSON: {error}. Check the text at that place.") from None


def _decoded(data: Any, space: bool) -> Any:
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

    def _wrong(self, path: str, text: str) -> None:
        self._mistakes.append(f"At {path or '/'}: {text}")

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
            given[key] = _as_float(known[key], self.value(item, f"{path}/{key}"))
            if wrong := _mismatch(known[key], given[key]):
                self._wrong(f"{path}/{key}", wrong)
        required = (f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING)
        for missing in [field for field in required if field not in data]:
            self._wrong(path, f'{name} needs the field "{missing}".')
        return self._attempt(path, lambda: make(cls, **given)) if len(self._mistakes) == before else None

    def _choice(self, data: dict[str, Any], path: str) -> Any:
        options, ordered, names = data["choice"], data.get("ordered", False), data.get("names", [])
        self._only(data, path, ("choice", "ordered", "names"))
        if not isinstance(options, list) or not isinstance(names, list) or not isinstance(ordered, bool):
            return self._wrong(path, '"choice" and "names" are lists, "ordered" is true or false.')
        before = len(self._mistakes)
        read = self.value(options, path)
        return (
            self._attempt(path, lambda: Choice(read, ordered, tuple(names))) if len(self._mistakes) == before else None
        )

    def _stack(self, data: dict[str, Any], path: str) -> Any:
        least, most = data.get("least"), data.get("most")
        self._only(data, path, ("stack", "least", "most"))
        if type(least) is not int or type(most) is not int:
            return self._wrong(path, 'a stack needs whole numbers "least" and "most".')
        before = len(self._mistakes)
        element = self.value(data["stack"], f"{path}/*")
        return self._attempt(path, lambda: Stack(element, least, most)) if len(self._mistakes) == before else None

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
    return float(value) if domain[0] is float and type(value) is int else value


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
    numbers = [option for option in options if type(option) in (int, float)]
    if type(value) in (int, float) and numbers and (value < 0 or (value == 0 and min(numbers) > 0)):
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

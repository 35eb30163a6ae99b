"""Values and spaces as JSON, and the id of a value.

A record is ``{"kind": "attention", "heads": 4, ...}``, a tuple a list. In a space besides, a question is
``{"choice": [...], "ordered": true, "names": [...]}``, an open record ``{"vary": "attention", ...}`` (fields left
out keep their declared domain), a stack ``{"stack": element, "least": 1, "most": 4}``.
"""

import hashlib
import json
from dataclasses import fields, is_dataclass
from typing import Any

from seqwright.arch.canonical import canonical as canonical
from seqwright.arch.kinds import KINDS
from seqwright.arch.reading import decoded
from seqwright.errors import SpaceError
from seqwright.space.nodes import Choice, Record, Space, Stack, is_tuple

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
    return decoded(data, space=False)


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
    return decoded(data, space=True)


def space_loads(text: str) -> Space:
    """The space in a JSON text, as `--space FILE.json` reads it.

    Raises:
        SpaceError: the text is not JSON, or not a space.
    """
    return space_from_data(_parse(text))


def _parse(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number of JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise SpaceError(f"This is not JSON: {error}. Check the text at that place.") from None


# Writing -----------------------------------------------------------------------------------------


def _json(data: Any) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _encode(value: Any, path: str) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if is_tuple(value):
        return [_encode(v, f"{path}/{i}") for i, v in enumerate(value)]
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

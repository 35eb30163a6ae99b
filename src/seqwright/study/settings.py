"""How two sets of settings differ, said name by name."""

import json
from typing import Any

ABSENT = "nothing"


def differences(there: Any, asked: Any, name: str = "") -> list[str]:
    """One text for each setting that differs: `"seed is 0 there, 1 was asked"`. Both sides are JSON data.

    >>> differences({"seed": 0, "data": {"rows": 9}}, {"seed": 1, "data": {"rows": 9}})
    ['seed is 0 there, 1 was asked']
    """
    if isinstance(there, dict) and isinstance(asked, dict):
        inside = {key: (there.get(key, ABSENT), asked.get(key, ABSENT)) for key in sorted({*there, *asked})}
        prefix = f"{name}." if name else ""
        return [text for key, (old, new) in inside.items() for text in differences(old, new, f"{prefix}{key}")]
    if _plain(there) == _plain(asked):
        return []
    return [f"{name or 'all'} is {_shown(there)} there, {_shown(asked)} was asked"]


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True)  # a tuple asked for is a list there


def _shown(value: Any) -> str:
    text = _plain(value) if value is not ABSENT else ABSENT
    return text if len(text) <= 60 else text[:57] + "..."

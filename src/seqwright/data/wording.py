"""How counts, names and lists are worded in findings and errors, so that a message stays on one screen."""

from collections.abc import Iterable, Sequence
from typing import Any


def listing(items: Iterable[Any], limit: int = 8) -> str:
    """The first items, and how many more there are: ``'a, b, c and 4 more'``."""
    items = list(items)
    shown = ", ".join(short(str(item), 40) for item in items[:limit])
    return f"{shown} and {len(items) - limit:,} more" if len(items) > limit else shown


def short(text: str, limit: int = 60) -> str:
    """The text on one line, cut to `limit` characters."""
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


def plural(count: int, noun: str) -> str:
    """``'1 row'``, ``'2,000 rows'``, ``'3 classes'``, ``'3 series'``."""
    end = "" if count == 1 or noun == "series" else "es" if noun.endswith(("s", "x", "ch")) else "s"
    return f"{count:,} {noun}{end}"


def spread(lengths: Sequence[int], noun: str) -> str:
    """Least, median and greatest length: ``'2 to 40 characters (median 9)'``."""
    ordered = sorted(lengths)
    if not ordered or ordered[0] == ordered[-1]:
        return plural(ordered[0] if ordered else 0, noun)
    return f"{ordered[0]:,} to {plural(ordered[-1], noun)} (median {ordered[len(ordered) // 2]:,})"

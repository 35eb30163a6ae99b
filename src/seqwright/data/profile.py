"""What a column looks like, from its first few thousand cells: series, lists of tokens, numbers or text."""

from dataclasses import dataclass
from typing import Any

import numpy as np

_SAMPLE = 5000


@dataclass(frozen=True)
class Profile:
    """Form is "series", "tokens", "number", "text" or "empty"; counts are of the sample."""

    form: str
    rows: int = 0
    distinct: int = 0
    words: float = 0.0  # mean, of text

    @property
    def free(self) -> bool:
        """Whether it may be running text: words, or strings that seldom recur."""
        return self.form == "text" and (self.words >= 2.5 or self.distinct > max(2, 0.5 * self.rows))

    @property
    def classes(self) -> bool:
        """Whether it may be a label: values that recur."""
        return self.form in ("text", "number") and not self.words >= 4 and 1 <= self.distinct <= max(2, 0.5 * self.rows)


def number(cell: Any) -> float | None:
    """The cell as a number, or None."""
    if isinstance(cell, bool):
        return None
    try:
        return float(cell)
    except (TypeError, ValueError):
        return None


def missing(cell: Any) -> bool:
    """Whether nothing is in the cell."""
    return cell is None or (isinstance(cell, str) and not cell.strip()) or (isinstance(cell, float) and cell != cell)


def profile(cells: list[Any]) -> Profile:
    """The profile of a column."""
    sample = [cell for cell in cells[:_SAMPLE] if not missing(cell)]
    if not sample:
        return Profile("empty")
    if isinstance(sample[0], list | tuple | np.ndarray):
        filled = next((cell for cell in sample if len(cell)), None)
        return Profile("tokens" if filled is not None and isinstance(filled[0], str) else "series", len(sample))
    distinct = len(set(map(str, sample)))
    if all(number(cell) is not None for cell in sample):
        return Profile("number", len(sample), distinct)
    words = sum(len(str(cell).split()) for cell in sample) / len(sample)
    return Profile("text", len(sample), distinct, words)

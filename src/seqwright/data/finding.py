"""A finding: something noticed about the data that the user should hear of, and the flag that overrides it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One remark on the data: "said" tells what was inferred, "warned" what may harm the result."""

    level: Literal["said", "warned"]
    text: str
    flag: str = ""  # the flag that overrides it, for instance "--max-length"; "" where there is none

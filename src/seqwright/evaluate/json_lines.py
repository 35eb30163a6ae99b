"""Results as JSON lines, one added as it is there; a line that a kill cut off is passed over and spoils no other."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def add(path: Path, row: Any) -> None:
    """One more line, on its own even where the last was cut off."""
    cut_off = path.exists() and path.stat().st_size > 0 and not _ends(path)
    with path.open("a", encoding="utf-8") as opened:
        opened.write(("\n" if cut_off else "") + json.dumps(row) + "\n")


def rows(path: Path) -> Iterator[Any]:
    """Every whole line; none where there is no file."""
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def _ends(path: Path) -> bool:
    with path.open("rb") as opened:
        opened.seek(-1, 2)
        return opened.read() == b"\n"

"""A table of one's own: a space that was trained to the last member, in one file that every comparison reads.

JSON lines. The first says what it is (`table`, `unit`, the space, the fidelities below the whole training, where there
are any, and the evaluations after which to look); each other one is a candidate and what came of it. A line is written
when its candidate is done, so a table that was cut off goes on where it stood.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seqwright.arch import codec
from seqwright.arch.candidate import Candidate
from seqwright.errors import DataError
from seqwright.evaluate import json_lines
from seqwright.evaluate.known_tables import Known
from seqwright.evaluate.table import Entry
from seqwright.space.nodes import Space
from seqwright.study.record import Fidelity

KIND = "seqwright"


def begin(
    path: Path, name: str, space: Space, *, unit: str = "", looks: Sequence[int], rungs: Sequence[int] = ()
) -> dict[Candidate, Entry]:
    """Start a table, or open one that was begun with the same words: what it holds by now.

    Args:
        rungs: examples of each fidelity, the whole training last; empty where there is one fidelity only.

    Raises:
        DataError: the file is another table, or none.
    """
    head = {
        "table": KIND, "name": name, "unit": unit, "looks": [*looks], "rungs": [*rungs],
        "space": codec.space_to_data(space),
    }  # fmt: skip
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        json_lines.add(path, head)
    there, known = _lines(path)
    if there != head:
        raise DataError(f"{path} was begun as another table. Give another file, or remove it.")
    return known


def add(path: Path, candidate: Candidate, entry: Entry) -> None:
    """One more line."""
    data = {
        "candidate": codec.to_data(candidate),
        "score": entry.score if math.isfinite(entry.score) else None,
        "seconds": entry.seconds,
        "curve": entry.curve,
        "continues": entry.continues,
    }
    json_lines.add(path, data)


def read(path: Path) -> Known:
    """A table that was written here.

    Raises:
        DataError: the file cannot be read, or is no such table; with the line.
    """
    head, table = _lines(path)
    if not any(math.isfinite(entry.score) for entry in table.values()):
        raise DataError(f"{path}: no candidate has a score yet. Let what writes the table go on.")
    return Known(
        head["name"],
        codec.space_from_data(head["space"]),
        table,
        looks=tuple(head["looks"]),
        unit=head["unit"],
        rungs=tuple(map(Fidelity, head["rungs"])),
    )


def _lines(path: Path) -> tuple[dict[str, Any], dict[Candidate, Entry]]:
    try:
        head, *rows = json_lines.rows(path)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a table: {error}.") from None
    if not isinstance(head, dict) or head.get("table") != KIND:
        raise DataError(f"{path}: the first line does not say that this is a table of Seqwright's.")
    table: dict[Candidate, Entry] = {}
    for number, row in enumerate(rows, 2):
        try:
            score = math.nan if row["score"] is None else float(row["score"])
            curve = tuple((int(examples), float(at), float(s)) for examples, at, s in row["curve"])
            entry = Entry(score, float(row["seconds"]), curve, bool(row["continues"]))
            table[codec.from_data(row["candidate"])] = entry
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path}:{number}: {error!r} in what should be a candidate and its score.") from None
    return head, table

"""A table of one's own is written line by line, survives being cut off, and is read as any other."""

import math
from pathlib import Path

import pytest

from seqwright.arch.spaces import named
from seqwright.errors import DataError, InputError
from seqwright.evaluate import json_lines, table_file
from seqwright.evaluate.known_tables import recognised
from seqwright.evaluate.table import Entry
from seqwright.space.census import every
from seqwright.study.record import Fidelity

TINY = named("tiny")
FEW = [candidate for candidate, _ in zip(every(TINY), range(5), strict=False)]


def begun(path: Path) -> dict:
    return table_file.begin(path, "tiny table", TINY, unit="points", looks=(2, 4), rungs=(1, 3))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tables" / "tiny.jsonl"
    assert begun(path) == {}
    entries = [Entry(0.5, 2.0, ((1, 0.25, 1.0), (3, 0.5, 2.0)), True), Entry(math.nan, 1.0), Entry(0.25)]
    for candidate, entry in zip(FEW, entries, strict=False):
        table_file.add(path, candidate, entry)
    known = recognised(path)
    assert (known.name, known.unit, known.looks, known.space) == ("tiny table", "points", (2, 4), TINY)
    assert known.rungs == (Fidelity(1), Fidelity(3)) and known.best == 0.5
    assert known.table[FEW[0]] == entries[0] and math.isnan(known.table[FEW[1]].score)
    assert begun(path).keys() == set(FEW[:3])


def test_a_line_that_was_cut_off_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "tiny.jsonl"
    begun(path)
    table_file.add(path, FEW[0], Entry(0.5))
    path.write_text(path.read_text() + '{"candidate": {"ki')
    assert begun(path).keys() == {FEW[0]}
    table_file.add(path, FEW[1], Entry(0.75))
    assert begun(path).keys() == {FEW[0], FEW[1]}
    assert len(list(json_lines.rows(path))) == 3


def test_what_is_no_table_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    with pytest.raises(InputError, match="There is no file"):
        recognised(path)
    path.write_text('{"rows": 3}\n')
    with pytest.raises(InputError, match="Give a file of one of: seqwright, nas-bench-201"):
        recognised(path)
    path.unlink()
    begun(path)
    with pytest.raises(DataError, match="no candidate has a score yet"):
        recognised(path)
    with pytest.raises(DataError, match="begun as another table"):
        table_file.begin(path, "another", TINY, looks=(2,))
    path.write_text(path.read_text() + '{"candidate": 3}\n')
    with pytest.raises(DataError, match=r"x\.jsonl:2: KeyError"):
        recognised(path)

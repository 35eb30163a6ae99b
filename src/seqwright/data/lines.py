"""Inputs to predict that need no header: one text a line, as typed or piped, beside every form that training reads.

Order and count of rows are the caller's: an empty line is an empty text, not a gap.
"""

import csv
import io
from pathlib import Path
from typing import Any

from seqwright.data.finding import Finding
from seqwright.data.read import form_of, parse, read, suffix, text_of
from seqwright.data.roles import Roles
from seqwright.data.table import Table
from seqwright.data.wording import plural, short
from seqwright.errors import DataError


def read_inputs(source: Any, roles: Roles, delimiter: str | None, encoding: str | None, header: bool | None) -> Table:
    """The table of a file, stream or object to predict; from free text, the columns that `roles` names.

    Raises:
        DataError: as `read`; for pairs, a line without exactly one tab; for series, no header.
    """
    is_file = isinstance(source, str | Path)
    if not (isinstance(source, io.IOBase) or is_file):
        return read(source, lone=True)
    if is_file and (form_of(source) or suffix(source) in (".parquet", ".pq", ".npz")):
        return read(source, delimiter=delimiter, encoding=encoding, header=header, lone=True)
    text, name, findings = text_of(source, encoding)
    text = text.removeprefix("\ufeff")
    if text.lstrip()[:1] == "{":
        return parse(text, name, "jsonl")
    head = text.lstrip("\r\n").split("\n", 1)[0].rstrip("\r")
    wanted = {n for n in (*roles.inputs, roles.id, roles.time) if n}
    for mark in dict.fromkeys(m for m in (delimiter, "\t", ",", ";", "|") if m):
        if wanted <= {field.strip() for field in next(csv.reader([head], delimiter=mark), [])}:
            return parse(text, name, "tsv" if mark == "\t" else "csv", mark, lone=True)
    if roles.kind == "series-classification":
        raise DataError(
            f"{name}: series need a header line with the columns {short(', '.join(sorted(wanted)), 200)}; "
            f'the first line is "{short(head)}".'
        )
    lines = [line.rstrip("\r") for line in text.removesuffix("\n").split("\n")]
    said = Finding("said", f"{name} read as plain text, {plural(len(lines), 'line')}")
    if roles.kind == "tagging" and _conll(lines):
        return parse(text, name, "conll", lone=True)
    if roles.kind == "text-pairs":
        sides = [line.split("\t") for line in lines]
        wrong = next((i for i, side in enumerate(sides) if len(side) != 2), None)
        if wrong is not None:
            raise DataError(f'{name}:{wrong + 1}: a pair is two texts with a tab between, not "{short(lines[wrong])}".')
        columns = {column: [side[k] for side in sides] for k, column in enumerate(roles.inputs)}
        return Table(columns, name, "lines", (*findings, said))
    return Table({"text": lines}, name, "lines", (*findings, said))


def _conll(lines: list[str]) -> bool:
    """Whether lines are tokens (with tags, perhaps) of sentences apart by blank lines."""
    filled = [line for line in lines if line.strip() and not line.startswith("# ")]
    blank = any(not line.strip() for line in lines)
    return bool(filled) and blank and all("\t" in line or len(line.split()) == 1 for line in filled)

"""One door for every source: a path, an open stream or a Python object becomes a `Table`, its meaning still unread."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

from seqwright.data.finding import Finding
from seqwright.data.formats.arrays import read_npz
from seqwright.data.formats.conll import read_conll
from seqwright.data.formats.decoding import decode
from seqwright.data.formats.delimited import read_delimited
from seqwright.data.formats.files import content, existing
from seqwright.data.formats.frames import read_object, read_parquet
from seqwright.data.formats.jsonl import read_jsonl
from seqwright.data.table import Table
from seqwright.errors import DataError

_FORMS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".conll": "conll",
    ".conllu": "conll",
    ".bio": "conll",
    ".iob": "conll",
    ".iob2": "conll",
}


def read(
    source: Any,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    form: str = "",
    lone: bool = False,
) -> Table:
    """The table in `source`.

    Args:
        source: a path, a text stream (its form is `form`, or inferred), a frame or other Python object.
        delimiter, encoding: as the user gave them, or None to infer them.
        header: whether a csv or tsv begins with its columns' names, or None to infer it.
        form: csv, tsv, jsonl or conll, against what the file's name says.
        lone: inputs without targets are all right (prediction).

    Raises:
        DataError: the file is missing, a folder, empty, binary, or not in the form that it seems to be in.
    """
    if not isinstance(source, str | Path | io.IOBase):
        return read_object(source)
    if isinstance(source, str | Path):
        path = existing(source)
        if suffix(path) in (".parquet", ".pq"):
            return read_parquet(path)
        if suffix(path) == ".npz":
            return read_npz(path)
        form = form or form_of(path)
    text, name, findings = text_of(source, encoding)
    table = parse(text, name, form, delimiter, header=header, lone=lone)
    return replace(table, findings=(*findings, *table.findings))


def suffix(path: str | Path) -> str:
    """The last suffix in small letters, that of the packed file where it is gzipped."""
    return next((s.lower() for s in reversed(Path(path).suffixes) if s.lower() != ".gz"), "")


def form_of(path: str | Path) -> str:
    """The form of a text file by its name: csv, tsv, jsonl, conll, or "" if the name does not say."""
    return _FORMS.get(suffix(path), "")


def text_of(source: "str | Path | io.IOBase", encoding: str | None) -> tuple[str, str, tuple[Finding, ...]]:
    """The text of a file or an open stream, its name for messages, and what decoding has to say."""
    if isinstance(source, str | Path):
        path = existing(source)
        text, findings = decode(content(path), path.name, encoding)
        return text, path.name, findings
    data = getattr(source, "buffer", source).read()
    if not data:
        raise DataError("Standard input is empty: give one text a line, csv with a header, or jsonl.")
    if isinstance(data, str):
        return data.replace("\0", ""), "standard input", ()
    text, findings = decode(data, "standard input", encoding)
    return text, "standard input", findings


def parse(
    text: str,
    source: str,
    form: str = "",
    delimiter: str | None = None,
    *,
    header: bool | None = None,
    lone: bool = False,
) -> Table:
    """The table in `text`, whose form is inferred where it is not given."""
    if not text.strip():
        raise DataError(f"{source} is empty.")
    text = text.removeprefix("\ufeff")
    form = form or ("csv" if delimiter else _form(text))
    if form == "jsonl":
        return read_jsonl(text, source)
    if form == "conll":
        return read_conll(text, source, lone=lone)
    return read_delimited(text, source, form if form in ("csv", "tsv") else "", delimiter, header=header, lone=lone)


def _form(text: str) -> str:
    """By its first lines: JSON begins with a brace; CoNLL has short tabbed lines and blank ones between."""
    if text.lstrip()[0] in "{[":
        return "jsonl"
    lines = text[:100_000].split("\n")[:200]
    filled = [line for line in lines if line.strip()]
    blank = any(not line.strip() for line in lines[: len(lines) - 1])
    tokens = sum(len(line.split("\t")) >= 2 and len(line.split("\t")[0].split()) <= 1 for line in filled)
    return "conll" if blank and tokens > 0.9 * len(filled) else ""

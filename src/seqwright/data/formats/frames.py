"""Tables that are in memory already: pandas and polars frames, `datasets` objects, dicts, records, (inputs, labels).

None of these libraries is imported here; an object is known by the module of its class.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqwright.data.formats.arrays import of_arrays
from seqwright.data.formats.jsonl import of_records
from seqwright.data.table import Table
from seqwright.data.wording import listing
from seqwright.errors import DataError


def read_parquet(path: Path) -> Table:
    """The table of a parquet file.

    Raises:
        DataError: not parquet, or damaged.
    """
    import polars

    try:
        frame = polars.read_parquet(path)
    except (polars.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path.name} is not a readable parquet file: {str(error).splitlines()[0]}.") from None
    return Table({name: _cells(frame[name].to_list()) for name in frame.columns}, path.name, "parquet")


def read_object(source: Any) -> Table:
    """The table of a Python object.

    Raises:
        DataError: of no known kind, or columns of unequal length.
    """
    library, name = type(source).__module__.split(".")[0], type(source).__name__
    if library == "pandas" and name == "DataFrame":
        columns = {str(c): _cells(source[c].tolist()) for c in source.columns}
        return _checked(Table(columns, "the frame", "frame"))
    if library == "polars" and name in ("DataFrame", "LazyFrame"):
        frame = source.collect() if name == "LazyFrame" else source
        return _checked(Table({c: _cells(frame[c].to_list()) for c in frame.columns}, "the frame", "frame"))
    if library == "datasets":
        return _dataset(source)
    if isinstance(source, Mapping) and source:
        return _checked(Table({str(k): _cells(list(v)) for k, v in source.items()}, "the table", "lists"))
    if isinstance(source, tuple) and len(source) == 2:
        return _pair(*source)
    if isinstance(source, np.ndarray) and source.ndim in (2, 3) and np.issubdtype(source.dtype, np.number):
        return of_arrays(source, None, {}, "X", "lists")
    if isinstance(source, Sequence | np.ndarray) or library == "pandas":
        rows = list(source)
        if rows and isinstance(rows[0], Mapping):
            return of_records([dict(row) for row in rows], "the records", "lists")
        return _inputs(rows)
    raise DataError(
        f"Data cannot be read from {name!r} objects. Give a path (csv, tsv, jsonl, parquet, npz, conll), a pandas or "
        "polars frame, a datasets.Dataset, a dict of columns, or (texts, labels)."
    )


def _dataset(source: Any) -> Table:
    if isinstance(source, Mapping):
        raise DataError(f'This is a dict of data sets with {listing(source)}: give one of them, such as data["train"].')
    if getattr(source, "column_names", None) is None or not hasattr(source, "__len__"):
        raise DataError("A streamed data set has no rows to count: load it without streaming=True.")
    names = {c: tuple(f.names) for c, f in source.features.items() if type(f).__name__ == "ClassLabel"}
    for c, feature in source.features.items():  # tags: a sequence of class labels
        inner = getattr(feature, "feature", None)
        if inner is not None and type(inner).__name__ == "ClassLabel":
            names[c] = tuple(inner.names)
    columns: dict[str, list[Any]] = {}
    for c in source.column_names:
        cells = list(source[c])
        known = names.get(c)
        columns[c] = [_label(cell, known) for cell in cells] if known else _cells(cells)
    return _checked(Table(columns, "the data set", "frame", classes=names))


def _label(cell: Any, names: tuple[str, ...]) -> Any:
    """The name of a class number; -1 is how such data sets write an unknown label."""
    if isinstance(cell, list):
        return [_label(c, names) for c in cell]
    return None if cell is None or cell < 0 else names[cell]


def _pair(inputs: Any, labels: Any) -> Table:
    """(texts, labels), (a list of pairs, labels), (X, y)."""
    labels = _cells(list(labels)) if labels is not None else None
    table = read_object(inputs) if isinstance(inputs, np.ndarray) and inputs.ndim > 1 else _inputs(list(inputs))
    if labels is None:
        return table
    if len(labels) != len(table):
        raise DataError(f"There are {len(table):,} inputs but {len(labels):,} labels.")
    if labels and isinstance(labels[0], list):
        return Table(
            {"tokens": next(iter(table.columns.values())), "tags": labels},
            table.source,
            "lists",
            tokens="tokens",
            tags="tags",
        )
    return Table({**table.columns, "label": labels}, table.source, table.form)


def _inputs(rows: list[Any]) -> Table:
    if not rows:
        raise DataError("The list of inputs is empty.")
    rows = _cells(rows)
    if all(isinstance(r, tuple) and len(r) == 2 and all(isinstance(s, str) for s in r) for r in rows):
        return Table({"text_a": [r[0] for r in rows], "text_b": [r[1] for r in rows]}, "the pairs", "lists")
    if isinstance(rows[0], np.ndarray | list) and np.ndim(rows[0]) == 2:
        return Table({"series": [np.asarray(r, np.float32) for r in rows]}, "the series", "lists")
    return Table({"text": rows}, "the list", "lists")


def _cells(values: list[Any]) -> list[Any]:
    """Missing values of every library as None, numpy scalars as Python's."""
    return [_cell(v) for v in values]


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return None if value != value else value
    if isinstance(value, np.ndarray):
        return value.tolist() if value.dtype.kind in "OUS" else value
    return None if type(value).__name__ in ("NAType", "NaTType") else value


def _checked(table: Table) -> Table:
    lengths = {name: len(cells) for name, cells in table.columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"Columns differ in length: {listing(f'{n} {k:,}' for n, k in lengths.items())}.")
    if not table.columns or not len(table):
        raise DataError(f"{table.source[:1].upper()}{table.source[1:]} has no rows.")
    return table

"""Series from tables: wide (a row a series), long (a row a step) or arrays; gaps are bridged in a line, and said."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from seqwright.data.finding import Finding
from seqwright.data.profile import missing, number
from seqwright.data.table import Table
from seqwright.data.wording import listing, plural
from seqwright.errors import DataError

_IDS = ("id", "series", "series_id", "sample", "sample_id", "case", "case_id", "sequence", "sequence_id", "example")
_TIMES = ("time", "step", "t", "timestamp", "timestep", "time_step", "index", "date", "datetime", "frame")
_WIDE_LEAST = 8  # fewer numeric columns are more likely unordered features


def long_layout(
    table: Table, numbers: Sequence[str], inputs: Sequence[str], target: str, targets: Sequence[str]
) -> tuple[str, str, tuple[str, ...], str] | None:
    """(id, time, channels, target) if there is a column that says which series and one that says which step."""
    lower = {name.lower(): name for name in table.columns}
    id_ = next((lower[n] for n in _IDS if n in lower), "")
    time = next((lower[n] for n in _TIMES if n in lower), "")
    if not id_ or not time or len({str(c) for c in table.columns[id_]}) > 0.7 * len(table):
        return None
    target = target or next((lower[n] for n in targets if n in lower), "")
    channels = tuple(inputs) or tuple(n for n in numbers if n not in (id_, time, target))
    return (id_, time, channels, target) if channels else None


def wide_layout(names: Sequence[str], asked: bool) -> tuple[tuple[str, ...], ...]:
    """Columns of each channel: x0, y0, x1, y1, ... are two channels if every prefix counts alike, all else is one."""
    if len(names) < (2 if asked else _WIDE_LEAST):
        return ()
    numbered: dict[str, dict[int, str]] = {}
    for name in names:
        match = re.fullmatch(r"(.*?)[_.\- ]?(\d+)", name)
        if not match:
            break
        numbered.setdefault(match[1], {})[int(match[2])] = name
    else:
        steps = [sorted(channel) for channel in numbered.values()]
        if len(numbered) > 1 and len(steps[0]) > 1 and all(s == steps[0] for s in steps):
            return tuple(tuple(channel[s] for s in sorted(channel)) for channel in numbered.values())
    return (tuple(names),)


def wide_series(table: Table, channels: Sequence[Sequence[str]]) -> list[np.ndarray]:
    """One (T, C) array a row; what is missing at the end of all channels is its padding."""
    x = np.stack([np.stack([_column(table, name) for name in channel], 1) for channel in channels], 2)
    known: np.ndarray = ~np.all(np.isnan(x), axis=2)
    lengths = np.where(np.any(known, axis=1), x.shape[1] - known[:, ::-1].argmax(1), 0)
    return [np.ascontiguousarray(one[:length], np.float32) for one, length in zip(x, lengths, strict=True)]


def long_series(
    table: Table, id_: str, time: str, channels: Sequence[str]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Arrays (T, C) and the table's rows of each, series in order of appearance, steps in order of time."""
    codes: dict[str, int] = {}
    which = np.array([codes.setdefault(str(cell), len(codes)) for cell in table.columns[id_]], np.int64)
    times = [number(cell) for cell in table.columns[time]]
    if any(t is None for t in times):  # dates: ISO 8601 sorts as text
        ranks = {text: i for i, text in enumerate(sorted({str(cell) for cell in table.columns[time]}))}
        times = [float(ranks[str(cell)]) for cell in table.columns[time]]
    order = np.lexsort((np.asarray(times, float), which))
    values = np.stack([_column(table, name) for name in channels], 1).astype(np.float32)[order]
    cuts = np.flatnonzero(np.diff(which[order])) + 1
    return np.split(values, cuts), np.split(order, cuts)


def array_series(cells: Sequence[Any], source: str) -> list[np.ndarray]:
    """(T, C) float32 of each cell, which may be a flat list (one channel) or a list of steps."""
    try:
        arrays = [np.asarray([] if missing_cell(c) else c, np.float32) for c in cells]
    except (TypeError, ValueError) as error:
        raise DataError(f"{source}: a series is not all numbers: {error}.") from None
    widths = {a.shape[1] for a in arrays if a.ndim == 2}
    channels = max(widths, default=1)
    if len(widths) > 1 or any(a.ndim > 2 for a in arrays) or (widths and any(a.ndim == 1 and len(a) for a in arrays)):
        shapes = dict.fromkeys(str(a.shape) for a in arrays)
        raise DataError(
            f"{source}: every series must be (T, channels) with the same channels, not {listing(shapes, 5)}."
        )
    return [a if a.ndim == 2 else a.reshape(-1, channels) for a in arrays]


def missing_cell(cell: Any) -> bool:
    """Whether a cell holds no series."""
    return cell is None or isinstance(cell, float)


def bridged(series: list[np.ndarray]) -> tuple[list[np.ndarray], list[Finding]]:
    """Series without NaN: gaps interpolated in a line, ends held, a channel with no value at all zero."""
    mended, gaps, touched, empty = [], 0, 0, 0
    for one in series:
        lost = ~np.isfinite(one)
        if not lost.any():
            mended.append(one)
            continue
        one = one.copy()
        touched += 1
        gaps += int(lost.sum())
        steps = np.arange(len(one))
        for c in np.flatnonzero(lost.any(0)):
            known = ~lost[:, c]
            empty += not known.any()
            one[:, c] = np.interp(steps, steps[known], one[known, c]) if known.any() else 0.0
        mended.append(one)
    if not gaps:
        return mended, []
    said = f"{plural(gaps, 'missing value')} inside {touched:,} series interpolated"
    return mended, [Finding("warned", said + (f", {plural(empty, 'empty channel')} set to 0" if empty else ""))]


def _column(table: Table, name: str) -> np.ndarray:
    values = [np.nan if missing(cell) else number(cell) for cell in table.columns[name]]
    wrong = next((i for i, value in enumerate(values) if value is None), None)
    if wrong is not None:
        raise DataError(
            f'{table.source}: row {wrong + 1} of column "{name}" is {table.columns[name][wrong]!r}, not a number. '
            "Mend it, or leave the column out with --text."
        )
    return np.asarray(values, np.float64)

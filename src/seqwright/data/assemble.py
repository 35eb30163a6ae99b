"""From a table and its columns' roles to inputs, targets, weights and groups, one entry an example.

What cannot be learnt from (no label, tags that do not pair with tokens) is marked and said, then `labelled` drops it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from seqwright.data import labels
from seqwright.data.examples import Examples
from seqwright.data.finding import Finding
from seqwright.data.profile import missing, number
from seqwright.data.roles import Roles
from seqwright.data.series import array_series, long_series, wide_series
from seqwright.data.table import Table
from seqwright.data.wording import listing, plural
from seqwright.errors import DataError


def inputs_of(table: Table, roles: Roles) -> tuple[dict[str, list[Any]], list[np.ndarray]]:
    """The inputs of `Examples`, series not yet bridged, and the table's rows of each example."""
    rows = [np.array([i]) for i in range(len(table))] if roles.layout == "long" else []
    columns = [table.columns[name] for name in roles.inputs]
    if roles.kind == "series-classification":
        if roles.layout == "long":
            series, rows = long_series(table, roles.id, roles.time, roles.inputs)
        elif roles.layout == "wide":
            series = wide_series(table, roles.channels)
        else:
            series = array_series(columns[0], table.source)
        return {"series": series}, rows
    if roles.kind == "tagging":
        return {"tokens": [_tokens(cell) for cell in columns[0]]}, rows
    texts = [[_text(cell) for cell in column] for column in columns]
    if roles.kind == "text-pairs":
        return {"a": texts[0], "b": texts[1]}, rows
    return {"text": texts[0] if len(texts) == 1 else ["\n".join(fields) for fields in zip(*texts, strict=True)]}, rows


def first_rows(rows: list[np.ndarray]) -> np.ndarray:
    """The first table row of each example, or nothing where they are the same."""
    return np.array([r.min() for r in rows], np.int64)


def _text(cell: Any) -> str:
    return cell if isinstance(cell, str) else "" if missing(cell) else str(cell)


def _tokens(cell: Any) -> list[str]:
    return cell.split() if isinstance(cell, str) else [] if missing(cell) else [str(token) for token in cell]


def targets_of(
    table: Table, roles: Roles, inputs: dict[str, list[Any]], rows: list[np.ndarray], known: Sequence[str] | None
) -> tuple[Any, tuple[str, ...], list[Finding]]:
    """Targets as in `Examples`, -1 where a label is missing or unknown; the classes; and what is to be said."""
    read = _tag_targets if roles.kind == "tagging" else _class_targets
    return read(table, roles, inputs, rows, known)


def _class_targets(
    table: Table, roles: Roles, inputs: dict[str, list[Any]], rows: list[np.ndarray], known: Sequence[str] | None
) -> tuple[np.ndarray, tuple[str, ...], list[Finding]]:
    """(N,) targets, -1 where there is none."""
    cells = cells_of(table, roles.target, rows) or []
    if any(isinstance(cell, list | np.ndarray) for cell in cells):
        raise DataError(
            f'{table.source}: target column "{roles.target}" holds a list in a row: several labels a row are no task '
            "here. Choose another with --target, or --task tagging for a tag per token."
        )
    names = labels.names_of(cells)
    classes = (
        tuple(known)
        if known
        else labels.classes_of(names, roles.target, table.source, table.classes.get(roles.target, ()))
    )
    missing_count = sum(name is None for name in names)
    findings = labels.unseen(names, classes, noun_of(roles))
    if missing_count:
        findings.insert(
            0, Finding("warned", f"{plural(missing_count, noun_of(roles))} without a label left out", "--target")
        )
    return labels.numbered(names, classes), classes, findings


def _tag_targets(
    table: Table, roles: Roles, inputs: dict[str, list[Any]], rows: list[np.ndarray], known: Sequence[str] | None
) -> tuple[list[np.ndarray], tuple[str, ...], list[Finding]]:
    """A (T,) array a sentence, -1 where a tag is unknown; empty where tags and tokens do not pair."""
    tags = [labels.names_of(_pieces(cell)) for cell in table.columns[roles.target]]
    tokens = inputs["tokens"]
    uneven = [i for i, (a, b) in enumerate(zip(tokens, tags, strict=True)) if b and len(a) != len(b)]
    if len(uneven) > 0.05 * len(tags):
        i = uneven[0]
        raise DataError(
            f'{table.source}: tags in "{roles.target}" do not pair with tokens in "{roles.inputs[0]}" in '
            f"{plural(len(uneven), 'row')}; row {i + 1} has {len(tokens[i])} tokens and {len(tags[i])} tags. "
            "Give one tag for each token, or choose other columns with --text and --target."
        )
    findings: list[Finding] = []
    if uneven:
        text = f"{plural(len(uneven), 'sentence')} left out: tags and tokens differ in number (row {uneven[0] + 1})"
        findings.append(Finding("warned", text, "--target"))
        for i in uneven:
            tags[i] = []
    untagged = sum(not row for row in tags) - len(uneven)
    if untagged:
        findings.append(Finding("warned", f"{plural(untagged, 'sentence')} without tags left out", "--target"))
    flat = [tag for row in tags for tag in row]
    classes = (
        tuple(known)
        if known
        else labels.classes_of(flat, roles.target, table.source, table.classes.get(roles.target, ()))
    )
    findings += labels.unseen(flat, classes, "token")
    return [labels.numbered(row, classes) for row in tags], classes, findings


def _pieces(cell: Any) -> list[Any]:
    return cell.split() if isinstance(cell, str) else [] if missing(cell) else list(cell)


def labelled(whole: Examples, roles: Roles) -> Examples:
    """Those with a target; `rows` then says where each came from."""
    if not len(whole.rows):
        whole = replace(whole, rows=np.arange(len(whole)))
    if roles.kind == "tagging":
        return whole.take([i for i, t in enumerate(whole.targets) if len(t) and (t >= 0).any()])
    return whole.take(np.flatnonzero(whole.targets >= 0))


def cells_of(table: Table, name: str, rows: list[np.ndarray]) -> list[Any] | None:
    """One cell an example of a column; in a long table it must be the same at every step."""
    if not name:
        return None
    cells = table.columns[name]
    if not rows:
        return list(cells)
    found: list[Any] = []
    for steps in rows:
        values = {str(cells[i]): cells[i] for i in steps if not missing(cells[i])}
        if len(values) > 1:
            raise DataError(
                f'{table.source}: column "{name}" changes within one series (row {steps[0] + 1} on: '
                f"{listing(values, 3)}); a series has one. Choose another column, or give each part its own id."
            )
        found.append(next(iter(values.values()), None))
    return found


def weights_of(table: Table, roles: Roles, rows: list[np.ndarray]) -> np.ndarray | None:
    cells = cells_of(table, roles.weight, rows)
    if cells is None:
        return None
    values = [number(cell) for cell in cells]
    wrong = [i for i, v in enumerate(values) if v is None or not 0 <= v < float("inf")]
    if wrong or not any(values):
        what = f"{cells[wrong[0]]!r} in row {wrong[0] + 1}" if wrong else "0 in every row"
        raise DataError(
            f'{table.source}: weight column "{roles.weight}" has {what}. Weights are numbers of at least 0, '
            "and some above it (--weight)."
        )
    return np.asarray(values, np.float32)


def noun_of(roles: Roles) -> str:
    return {"tagging": "sentence", "series-classification": "series"}.get(roles.kind, "row")

"""From a source to labelled examples, with everything that was inferred on the way said.

`load` reads a file to learn from, or, given the labels and columns of that one, the user's own valid and test files;
`load_inputs` reads what is to be predicted, every row of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from seqwright.data import checks
from seqwright.data.assemble import cells_of, first_rows, inputs_of, labelled, noun_of, targets_of, weights_of
from seqwright.data.examples import Examples
from seqwright.data.finding import Finding
from seqwright.data.lines import read_inputs
from seqwright.data.read import read
from seqwright.data.roles import Roles, infer_roles, require
from seqwright.data.series import bridged
from seqwright.data.table import Table
from seqwright.data.wording import listing, plural, spread
from seqwright.errors import DataError


@dataclass(frozen=True)
class Loaded:
    """Examples as read.

    Args:
        kind: the task's (text-classification, text-pairs, tagging, series-classification).
        examples: with targets that are indices into `labels`, or None where the source has no target.
        labels: the classes' names in order.
        findings: what was inferred, repaired and left out.
        columns: what the columns are and how the file was delimited, JSON-able; give it back as `columns=`.
    """

    kind: str
    examples: Examples
    labels: tuple[str, ...]
    findings: tuple[Finding, ...]
    columns: dict[str, Any] = field(default_factory=dict[str, Any])


def load(
    source: Any,
    *,
    task: str | None = None,
    target: str | None = None,
    text: str | Sequence[str] | None = None,
    weight: str | None = None,
    group: str | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    labels: Sequence[str] | None = None,
    columns: Mapping[str, Any] | None = None,
) -> Loaded:
    """Labelled examples; rows without a label are left out, and said.

    Args:
        source: a path, a frame, a datasets.Dataset, a dict of columns, (texts, labels), or (X, y).
        task, target, text, weight, group, delimiter, encoding: the user's flags; None infers (or uses no weights,
            no groups). `text` names one column, several as a sequence or "a,b", or a series' channels.
        labels: the classes of training, for valid and test files; labels unknown to it are left out, and said.
        columns: `Loaded.columns` of the training file; flags given besides override it.

    Raises:
        DataError: the source cannot be read, or not be learnt from; the message says what to do.
    """
    table = read(source, delimiter=delimiter, encoding=encoding, header=columns.get("header") if columns else None)
    if not len(table):
        raise DataError(f"{table.source} has a header ({listing(table.columns)}) but no rows.")
    given = _names(text, table)
    if columns and task in (None, columns["kind"]) and not given:
        roles, said = _remembered(table, columns, target, weight, group), []
    else:
        roles, said = infer_roles(table, task=task, target=target, text=given, weight=weight, group=group)
    if not roles.target:
        raise DataError(
            f"{table.source}: no column could be the label (columns: {listing(table.columns, 20)}). "
            "Name it with --target."
        )
    inputs, rows = inputs_of(table, roles)
    targets, names, more = targets_of(table, roles, inputs, rows, labels)
    weights, groups = weights_of(table, roles, rows), cells_of(table, roles.group, rows)
    examples = labelled(Examples(inputs, targets, weights, groups, first_rows(rows)), roles)
    if not len(examples):
        known = f" It knows {listing(labels)}." if labels else ""
        raise DataError(f'{table.source}: no row has a known label in column "{roles.target}" (--target).{known}')
    if checks.all_empty(examples):
        raise DataError(
            f"{table.source}: {' and '.join(roles.inputs)} is empty in every row. Name another with --text."
        )
    if roles.kind == "series-classification":
        series, gaps = bridged(examples.inputs["series"])
        examples, more = replace(examples, inputs={"series": series}), [*more, *gaps]
    described = _described(examples, names, roles, labels is None, target is None)
    # Balance was judged on the training file; in the others only what is in the inputs is news.
    judged = checks.within(examples if labels is None else replace(examples, targets=None), names, noun_of(roles))
    findings = (*table.findings, *said, *described, *more, *judged)
    return Loaded(roles.kind, examples, names, findings, roles.as_data() | table.options)


def load_inputs(
    source: Any,
    kind: str,
    columns: Mapping[str, Any],
    *,
    text: str | Sequence[str] | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
) -> Loaded:
    """Examples without targets: every row, in order, also those with an empty text.

    Args:
        source: as for `load`, a file of plain lines, an open text stream (standard input), or a list of inputs.
        kind: the task's.
        columns: `Loaded.columns` of the training file.
        text: the input columns where they are called otherwise here.

    Raises:
        DataError: the source cannot be read, or lacks an input column.
    """
    roles = replace(Roles.from_data(columns), kind=kind)
    if isinstance(text, str):
        roles = _renamed(roles, tuple(part.strip() for part in text.split(",")))
    elif text:
        roles = _renamed(roles, tuple(text))
    table = read_inputs(source, roles, delimiter, encoding, columns.get("header"))
    roles, said = _matched(table, roles)
    inputs, rows = inputs_of(table, roles)
    index = first_rows(rows) if rows else np.arange(len(next(iter(inputs.values()))))
    if not len(index):
        raise DataError(f"{table.source} has no rows to predict.")
    gaps: list[Finding] = []
    if kind == "series-classification":
        inputs["series"], gaps = bridged(inputs["series"])
    return Loaded(kind, Examples(inputs, rows=index), (), (*table.findings, *said, *gaps), dict(columns))


def _renamed(roles: Roles, inputs: tuple[str, ...]) -> Roles:
    if roles.kind == "text-pairs" and len(inputs) != 2:
        raise DataError(f"Text pairs need two input columns, not {len(inputs)} (--text A,B).")
    return replace(roles, inputs=inputs)


def _matched(table: Table, roles: Roles) -> tuple[Roles, list[Finding]]:
    """Roles by this table's own names, where what is meant is beyond doubt: one column, or values without names."""
    inputs = roles.inputs
    if roles.kind == "series-classification" and "series" in table.columns:
        return replace(roles, inputs=("series",), layout=""), []
    if roles.kind == "tagging" and table.tokens and inputs[0] not in table.columns:
        return replace(roles, inputs=(table.tokens,)), []
    if not all(name in table.columns for name in inputs):
        names = tuple(table.columns)
        unnamed = table.form in ("lists", "lines") and len(names) in (1, len(inputs))
        if (unnamed or len(names) == 1) and roles.kind != "series-classification":
            if roles.kind == "text-pairs" and len(names) != 2:
                raise DataError(f"{table.source}: a pair is two texts, and only one column was found ({names[0]}).")
            said = [] if unnamed else [Finding("said", f'text from column "{names[0]}", the only one', "--text")]
            return replace(roles, inputs=names), said
    for name in (*inputs, roles.id, roles.time):
        if name:
            require(table, name, "--text")
    return roles, []


def _remembered(
    table: Table, columns: Mapping[str, Any], target: str | None, weight: str | None, group: str | None
) -> Roles:
    """The training file's roles, found again in this table; weights and groups only where it has them."""
    roles = Roles.from_data(columns)
    roles = replace(roles, target=target or roles.target, weight=weight or roles.weight, group=group or roles.group)
    for name in (*roles.inputs, roles.id, roles.time, weight, group):
        if name:
            require(table, name, "--text")
    require(table, roles.target, "--target")
    there = {
        name: getattr(roles, name) if getattr(roles, name) in table.columns else "" for name in ("weight", "group")
    }
    return replace(roles, **there)


def _names(text: str | Sequence[str] | None, table: Table) -> tuple[str, ...]:
    """Column names from a flag: a name that is a column stands for itself, commas and all."""
    if text is None:
        return ()
    if isinstance(text, str):
        return (text,) if text in table.columns else tuple(part.strip() for part in text.split(",") if part.strip())
    return tuple(text)


def _described(examples: Examples, names: tuple[str, ...], roles: Roles, learnt: bool, inferred: bool) -> list[Finding]:
    """Rows, classes and lengths."""
    cells = next(iter(examples.inputs.values()))
    measure: dict[str, tuple[Callable[[Any], int], str]] = {
        "tagging": (len, "token"),
        "series-classification": (len, "step"),
    }
    size, unit = measure.get(roles.kind, (lambda cell: len(cell.split()), "word"))
    text = f"{plural(len(examples), noun_of(roles))} of {spread([size(cell) for cell in cells], unit)}"
    if roles.kind == "series-classification":
        text += f", {plural(cells[0].shape[1], 'channel')}"
    findings = [Finding("said", text, "--max-length")]
    if learnt:
        what = "tag" if roles.kind == "tagging" else "class"
        text = f'target "{roles.target}": {plural(len(names), what)} ({listing(names, 6)})'
        findings.append(Finding("said", text, "--target" if inferred else ""))
    return findings

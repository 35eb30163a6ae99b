"""Predictions as text: csv and tsv with a column a class, jsonl, and CoNLL for tags."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seqwright.data.task import Task
from seqwright.errors import InputError, did_you_mean

_SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".conll": "conll", ".bio": "conll"}
_FORMS = {False: ("csv", "tsv", "jsonl"), True: ("conll", "jsonl")}


def form_of(asked: str, output: "Path | None", per_step: bool) -> str:
    """The form to write: as asked, else as the file's name says, else the task's first.

    Raises:
        InputError: the task's answers do not go into that form.
    """
    allowed = _FORMS[per_step]
    found = asked or (_SUFFIXES.get(output.suffix.lower(), "") if output else "")
    if per_step and not asked and found in ("csv", "tsv"):
        found = "conll"
    if found and found not in allowed:
        raise InputError(
            f'--format "{found}" cannot hold these answers.{did_you_mean(found, allowed)} '
            f"Give one of: {', '.join(allowed)}."
        )
    return found or allowed[0]


def written(form: str, task: Task, probabilities: Any, tokens: "Sequence[Sequence[str]] | None") -> str:
    """All rows as text.

    Args:
        probabilities: (N, C), or a list of (T, C) where there is an answer per step.
        tokens: of each sentence, for tags.
    """
    decoded = task.decode(probabilities)
    out = io.StringIO()
    if tokens is not None:
        for sentence, steps, chances in zip(tokens, decoded, probabilities, strict=True):
            tags = [task.labels[i] for i in steps]
            if form == "conll":
                out.writelines(f"{token}\t{tag}\n" for token, tag in zip(sentence, tags, strict=True))
                out.write("\n")
            else:
                sure = [round(float(row[i]), 6) for row, i in zip(chances, steps, strict=True)]
                _line(out, {"tokens": list(sentence), "tags": tags, "probabilities": sure})
        return out.getvalue()
    if form == "jsonl":
        for i, row in zip(decoded, probabilities, strict=True):
            sure = {label: round(float(p), 6) for label, p in zip(task.labels, row, strict=True)}
            _line(out, {"label": task.labels[i], "probability": round(float(row[i]), 6), "probabilities": sure})
        return out.getvalue()
    rows = csv.writer(out, delimiter="\t" if form == "tsv" else ",", lineterminator="\n")
    rows.writerow(["label", "probability", *(f"p({label})" for label in task.labels)])
    for i, row in zip(decoded, probabilities, strict=True):
        rows.writerow([task.labels[i], f"{row[i]:.6f}", *(f"{p:.6f}" for p in row)])
    return out.getvalue()


def _line(out: io.StringIO, data: "dict[str, Any]") -> None:
    out.write(json.dumps(data, ensure_ascii=False) + "\n")

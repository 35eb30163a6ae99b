"""Tasks by name: ours, and those that installed packages offer as entry points of the group "seqwright.tasks"."""

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from seqwright.data.task import Task
from seqwright.errors import InputError, did_you_mean

GROUP = "seqwright.tasks"

_OURS = {
    "text-classification": ("seqwright.tasks.text_classification", "TextClassification"),
    "text-pairs": ("seqwright.tasks.text_pairs", "TextPairs"),
    "tagging": ("seqwright.tasks.tagging", "Tagging"),
    "series-classification": ("seqwright.tasks.series_classification", "SeriesClassification"),
}


def kinds() -> tuple[str, ...]:
    """The names of all tasks, ours first."""
    return (*_OURS, *sorted(set(entry_points(group=GROUP).names) - set(_OURS)))


def task_of(kind: str) -> type[Task]:
    """The task of that name.

    Raises:
        InputError: no such task; the message lists those there are.
    """
    if kind in _OURS:
        module, name = _OURS[kind]
        return getattr(import_module(module), name)
    found = entry_points(group=GROUP, name=kind)
    if found:
        return next(iter(found)).load()
    raise InputError(
        f'There is no task "{kind}".{did_you_mean(kind, kinds())} Tasks: {", ".join(kinds())}. '
        f'A package adds one by an entry point of the group "{GROUP}".'
    )


def from_data(data: Mapping[str, Any]) -> Task:
    """The task that `task.as_data()` wrote.

    Raises:
        InputError: not such data, an unknown task, or an unknown metric.
    """
    labels, options = data.get("labels"), data.get("options", {})
    named = isinstance(data.get("kind"), str)
    if not named or not isinstance(labels, list | tuple) or not isinstance(options, Mapping):
        raise InputError(
            'A task is written as {"kind": ..., "labels": [...], "metric": ..., "options": {...}}, '
            f"but this has {sorted(map(str, data))}."
        )
    task = task_of(data["kind"])(tuple(map(str, labels)), str(data.get("metric") or ""), dict(options))
    task.chosen()
    return task

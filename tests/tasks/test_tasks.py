"""Every task answers every question of the protocol, survives as JSON, and is found by name."""

import json
from importlib.metadata import EntryPoint, EntryPoints

import numpy as np
import pytest

from seqwright.data.task import Task
from seqwright.errors import InputError
from seqwright.tasks import registry
from seqwright.tasks.registry import from_data, kinds, task_of

BIO = ("O", "B-per", "I-per")


@pytest.mark.parametrize("kind", kinds())
def test_contract(kind):
    task = task_of(kind)(("O", "B-x", "I-x"))
    assert task.kind == kind and task.inputs and task.streams and task.space and task.portfolio and task.sides in (1, 2)
    assert task.chosen() is task.metrics()[0] or task.chosen() == task.metrics()[0]
    names = [metric.name for metric in task.metrics()]
    assert len(set(names)) == len(names)
    assert len({baseline.name for baseline in task.baselines()}) == len(task.baselines()) >= 2
    assert from_data(json.loads(json.dumps(task.as_data()))) == task


@pytest.mark.parametrize("kind", ["text-classification", "text-pairs", "series-classification"])
def test_mcc_is_for_two_classes(kind):
    assert [m.name for m in task_of(kind)(("no", "yes")).metrics()] == ["accuracy", "macro_f1", "mcc"]
    assert [m.name for m in task_of(kind)(("a", "b", "c")).metrics()] == ["accuracy", "macro_f1"]


def test_tagging_asks_for_spans_where_labels_are_bio():
    assert [m.name for m in task_of("tagging")(BIO).metrics()] == ["span_f1", "token_accuracy"]
    assert [m.name for m in task_of("tagging")(("NOUN", "VERB")).metrics()] == ["token_accuracy"]


def test_tagging_decodes_legal_bio_unless_told_not_to():
    probabilities = [np.array([[0.5, 0.1, 0.4], [0.1, 0.2, 0.7]]), np.zeros((0, 3))]
    decoded = task_of("tagging")(BIO).decode(probabilities)
    assert [d.tolist() for d in decoded] == [[1, 2], []] or [d.tolist() for d in decoded] == [[0, 1], []]
    free = task_of("tagging")(BIO, options={"legal": False}).decode(probabilities)
    assert free[0].tolist() == [0, 2]


def test_decode_takes_the_most_probable_class():
    assert task_of("text-pairs")(("a", "b")).decode(np.array([[0.2, 0.8], [0.9, 0.1]])).tolist() == [1, 0]


def test_metric_by_name_and_its_misspelling():
    assert task_of("text-classification")(("a", "b"), "macro_f1").chosen().name == "macro_f1"
    with pytest.raises(InputError, match=r'no metric "macro-f1" .* with 2 classes\. Did you mean "macro_f1"\?'):
        task_of("text-classification")(("a", "b"), "macro-f1").chosen()


def test_unknown_task_is_refused_with_a_suggestion():
    with pytest.raises(InputError, match=r'no task "taging"\. Did you mean "tagging"\? Tasks: text-classification, '):
        task_of("taging")


@pytest.mark.parametrize(
    "data", [{}, {"kind": "tagging"}, {"kind": "tagging", "labels": "a"}, {"kind": 3, "labels": []}]
)
def test_data_that_is_no_task_is_refused(data):
    with pytest.raises(InputError, match="A task is written as"):
        from_data(data)


def test_a_package_adds_a_task_by_entry_point(monkeypatch):
    point = EntryPoint("stance", f"{__name__}:Stance", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda **wanted: EntryPoints([point]).select(**wanted))
    assert task_of("stance") is Stance and kinds()[-1] == "stance"


class Stance(Task):
    kind = "stance"

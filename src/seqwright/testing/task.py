"""The contract of a task: what every one must answer about a handful of its own labelled examples."""

import json
from typing import Any

import numpy as np

from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import named
from seqwright.data.examples import Examples
from seqwright.data.task import Baseline, Metric, Task
from seqwright.space.fill import why_not

BASELINE_S = 5.0


def check_task(task: Task, examples: Examples) -> None:
    """Assert that `task` keeps its promises on labelled `examples`, in which every class should occur.

    Raises:
        AssertionError: the first promise that is broken.
    """
    declares_itself(task, examples)
    survives_as_json(task)
    metrics = task.metrics()
    assert metrics and task.chosen().name in [m.name for m in metrics], "its own metric is not among its metrics"
    for metric in metrics:
        scores_well_what_is_right(task, metric, examples)
    baselines = task.baselines()
    assert baselines, "without a baseline no result means anything"
    for baseline in baselines:
        gives_probabilities(task, baseline, examples)


def declares_itself(task: Task, examples: Examples) -> None:
    assert task.kind, "`kind` is empty"
    assert set(task.inputs) <= set(examples.inputs), f"examples lack an input: {task.inputs} of {set(examples.inputs)}"
    assert task.sides in (1, 2), f"sides is {task.sides}"
    space = named(task.space)
    for name, candidate in portfolio(task.portfolio):
        reason = why_not(space, candidate)
        assert reason is None, f"portfolio member {name} lies outside the space {task.space}: {reason}"


def survives_as_json(task: Task) -> None:
    data = json.loads(json.dumps(task.as_data(), allow_nan=False))
    twin = type(task)(tuple(data["labels"]), data["metric"], data["options"])
    assert data["kind"] == task.kind and twin == task, f"{task} came back from JSON as {twin}"


def scores_well_what_is_right(task: Task, metric: Metric, examples: Examples) -> None:
    classes = len(task.labels)
    right = task.decode(_certain(task, examples.targets, classes))
    wrong = task.decode(_certain(task, _shifted(task, examples.targets, classes), classes))
    best, worst = (metric.statistics(predictions, examples.targets) for predictions in (right, wrong))
    assert best.shape == worst.shape and best.ndim == 2 and len(best) == len(examples), (
        f"{metric.name}: statistics should be (N, S) with N = {len(examples)}, not {best.shape}"
    )
    sums = np.stack([best.sum(0), worst.sum(0), np.zeros(best.shape[1])])
    scores = metric.reduce(sums)
    assert scores.shape == (3,), f"{metric.name}: reduce of {sums.shape} sums gave {scores.shape}"
    assert np.isfinite(scores).all(), f"{metric.name} is not finite: {scores}"
    assert np.allclose(scores[0], metric.reduce(sums[0])), f"{metric.name}: reduced together and alone differ"
    better = scores[0] > scores[1] if metric.higher_is_better else scores[0] < scores[1]
    assert better, f"{metric.name}: {scores[0]} for the targets themselves, {scores[1]} for others"


def gives_probabilities(task: Task, baseline: Baseline, examples: Examples) -> None:
    said: list[str] = []
    predict = baseline.fit(examples, BASELINE_S, said.append)
    unlabelled = Examples(examples.inputs, rows=examples.rows)
    probabilities = predict(unlabelled)
    assert len(probabilities) == len(examples), f"{baseline.name}: {len(probabilities)} rows for {len(examples)}"
    parts = list(probabilities) if task.per_step else [probabilities]
    for part in map(np.asarray, parts):
        assert part.ndim == 2 and part.shape[1] == len(task.labels), f"{baseline.name}: shape {part.shape}"
        assert np.isfinite(part).all() and (part >= 0).all(), f"{baseline.name}: not probabilities"
        assert np.allclose(part.sum(1), 1, atol=1e-4), f"{baseline.name}: rows do not add up to one"
    if task.per_step:
        lengths = [len(sequence) for sequence in examples.inputs[task.inputs[0]]]
        assert [len(p) for p in parts] == lengths, f"{baseline.name}: not one row of probabilities a step"
    task.chosen().statistics(task.decode(probabilities), examples.targets)
    one = predict(unlabelled.take([0]))
    assert np.allclose(one[0], probabilities[0], atol=1e-5), f"{baseline.name}: alone, a row is predicted otherwise"


def _certain(task: Task, targets: Any, classes: int) -> Any:
    """Probabilities that leave no doubt about `targets`."""
    table = np.eye(classes)
    return [table[np.maximum(t, 0)] for t in targets] if task.per_step else table[np.maximum(targets, 0)]


def _shifted(task: Task, targets: Any, classes: int) -> Any:
    if task.per_step:
        return [(np.asarray(t) + 1) % classes for t in targets]
    return (np.asarray(targets) + 1) % classes

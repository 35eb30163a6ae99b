"""The Task protocol: what goes in, what comes out, and what counts as good. One file a task, in `tasks/`.

A task is a small frozen value that survives as JSON (`kind`, `labels`, `metric`, `options`); everything that
is the same for all tasks (reading, splitting, training, searching) asks it these questions and no others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np

from seqwright.data.examples import Examples
from seqwright.errors import InputError, did_you_mean


class Metric(Protocol):
    """A score as per-example statistics and a function of their sums, so that bootstrap intervals cost one product.

    For F1, say, the statistics are true positives, false positives and false negatives.
    """

    @property
    def name(self) -> str: ...

    @property
    def higher_is_better(self) -> bool: ...

    def statistics(self, predictions: Any, targets: Any) -> np.ndarray:
        """(N, S) float64. `predictions` is what `Task.decode` gave (class indices)."""
        ...

    def reduce(self, sums: np.ndarray) -> np.ndarray:
        """(..., S) sums over examples -> (...,) scores, NaN-free."""
        ...


@dataclass(frozen=True)
class Baseline:
    """A cheap, strong rival that is always run.

    `fit(train, seconds)` learns within about that many seconds and returns `predict(examples) -> probabilities`,
    (N, C) float, or a list of (T, C) where per step; it may subsample, and then calls `say("trained on ... rows")`.
    """

    name: str
    fit: Callable[[Examples, float, Callable[[str], None]], Callable[[Examples], Any]]


READ_AS = {
    ("text",): "text-classification",
    ("a", "b"): "text-pairs",
    ("tokens",): "tagging",
    ("series",): "series-classification",
}


@dataclass(frozen=True)
class Task:
    """Base of every task; see `tasks/text_classification.py` for the shortest example."""

    labels: tuple[str, ...]
    metric: str = ""  # "" = the task's own default
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    kind: ClassVar[str] = ""
    inputs: ClassVar[tuple[str, ...]] = ()  # names of the inputs in Examples
    streams: ClassVar[tuple[str, ...]] = ()  # streams to prepare, by name (data/prepare.py)
    space: ClassVar[str] = ""  # name of the default space (arch/spaces.py)
    portfolio: ClassVar[str] = ""  # name of the portfolio (arch/portfolio.py)
    per_step: ClassVar[bool] = False
    sides: ClassVar[int] = 1

    @classmethod
    def read_as(cls) -> str:
        """The kind of task whose files have the same parts, which `data/infer.py` knows how to read."""
        return READ_AS[cls.inputs]

    def metrics(self) -> tuple[Metric, ...]:
        """All metrics that the report shows; the first is the default."""
        raise NotImplementedError

    def baselines(self) -> tuple[Baseline, ...]:
        raise NotImplementedError

    def decode(self, probabilities: Any) -> Any:
        """(N, C) probabilities -> (N,) class indices; per step: a list of (T, C) -> a list of (T,)."""
        if self.per_step:
            return [np.argmax(p, -1) for p in probabilities]
        return np.argmax(probabilities, -1)

    def chosen(self) -> Metric:
        """The metric that the search raises: `self.metric`, or the task's default.

        Raises:
            InputError: the task has no metric of that name.
        """
        known = {m.name: m for m in self.metrics()}
        if self.metric and self.metric not in known:
            raise InputError(
                f'There is no metric "{self.metric}" for {self.kind} with {len(self.labels)} classes.'
                f"{did_you_mean(self.metric, known)} Metrics: {', '.join(known)}."
            )
        return known[self.metric] if self.metric else self.metrics()[0]

    def as_data(self) -> dict[str, Any]:
        return {"kind": self.kind, "labels": list(self.labels), "metric": self.metric, "options": dict(self.options)}


Targets = Sequence[int] | np.ndarray | list[np.ndarray]

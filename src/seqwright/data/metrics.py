"""Scores as per-example statistics and a function of their sums.

Every metric here is `reduce(statistics.sum(0))`. A bootstrap resample, a sample weight and a fold are all only
other weights in that sum, so a thousand resamples are one matrix product (see `data/bootstrap.py`).
A target below 0 is unknown and counts nowhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqwright.data.bio import OUTSIDE, spans
from seqwright.data.task import Metric
from seqwright.errors import DataError


@dataclass(frozen=True)
class Accuracy:
    """Share of examples whose class is right. Statistics: right, known."""

    name: str = "accuracy"
    higher_is_better: bool = True

    def statistics(self, predictions: Any, targets: Any) -> np.ndarray:
        predictions, targets = _classes(predictions, targets)
        known = targets >= 0
        return np.stack([(predictions == targets) & known, known], -1).astype(np.float64)

    def reduce(self, sums: np.ndarray) -> np.ndarray:
        return _share(sums[..., 0], sums[..., 1])


@dataclass(frozen=True)
class MacroF1:
    """F1 of each class, averaged over the classes that occur in targets or predictions.

    Statistics, for each class: right, predicted, true; (N, 3C).
    """

    classes: int
    name: str = "macro_f1"
    higher_is_better: bool = True

    def statistics(self, predictions: Any, targets: Any) -> np.ndarray:
        predicted, true = _one_hot(predictions, targets, self.classes)
        return np.concatenate([predicted * true, predicted, true], -1)

    def reduce(self, sums: np.ndarray) -> np.ndarray:
        right, predicted, true = np.split(sums, 3, -1)
        occurs = predicted + true > 0
        return _share(_share(2 * right, predicted + true).sum(-1), occurs.sum(-1))


@dataclass(frozen=True)
class Mcc:
    """Matthews correlation for any number of classes (Gorodkin 2004); 0 when either side has one class only.

    Statistics: right, then for each class predicted and true; (N, 1 + 2C).
    """

    classes: int
    name: str = "mcc"
    higher_is_better: bool = True

    def statistics(self, predictions: Any, targets: Any) -> np.ndarray:
        predicted, true = _one_hot(predictions, targets, self.classes)
        return np.concatenate([(predicted * true).sum(-1, keepdims=True), predicted, true], -1)

    def reduce(self, sums: np.ndarray) -> np.ndarray:
        right, (predicted, true) = sums[..., 0], np.split(sums[..., 1:], 2, -1)
        total = true.sum(-1)
        covariance = right * total - (predicted * true).sum(-1)
        spread = (total**2 - (predicted**2).sum(-1)) * (total**2 - (true**2).sum(-1))
        return _share(covariance, np.sqrt(np.maximum(spread, 0.0)))


@dataclass(frozen=True)
class TokenAccuracy:
    """Share of steps whose class is right. Statistics: right, known; one row a sentence, so it is what is resampled.

    A prediction shorter than its target (a truncated sentence) is wrong at the steps that it lacks.
    """

    name: str = "token_accuracy"
    higher_is_better: bool = True

    def statistics(self, predictions: Any, targets: Any) -> np.ndarray:
        rows = np.zeros((len(targets), 2))
        for i, (predicted, true) in enumerate(_sequences(predictions, targets)):
            known = true >= 0
            rows[i] = (predicted == true)[known].sum(), known.sum()
        return rows

    def reduce(self, sums: np.ndarray) -> np.ndarray:
        return _share(sums[..., 0], sums[..., 1])


@dataclass(frozen=True)
class SpanF1:
    """F1 of whole spans read from BIO tags (Tjong Kim Sang & De Meulder 2003, arXiv:cs/0306050), micro-averaged.

    Statistics: spans right, predicted, true; one row a sentence. Steps that a truncated prediction lacks are outside.
    """

    labels: tuple[str, ...]
    name: str = "span_f1"
    higher_is_better: bool = True

    def statistics(self, predictions: Any, targets: Any) -> np.ndarray:
        rows = np.zeros((len(targets), 3))
        for i, (predicted, true) in enumerate(_sequences(predictions, targets)):
            ours, theirs = spans(self._names(np.where(true >= 0, predicted, -1))), spans(self._names(true))
            rows[i] = len(ours & theirs), len(ours), len(theirs)
        return rows

    def reduce(self, sums: np.ndarray) -> np.ndarray:
        return _share(2 * sums[..., 0], sums[..., 1] + sums[..., 2])

    def _names(self, classes: np.ndarray) -> list[str]:
        return [self.labels[c] if c >= 0 else OUTSIDE for c in classes.tolist()]


def score(metric: Metric, predictions: Any, targets: Any, weights: np.ndarray | None = None) -> float:
    """The metric of all examples; a block of rows at a time, for many classes make wide statistics."""
    total: Any = 0.0
    for start in range(0, max(len(targets), 1), 4096):
        rows = slice(start, start + 4096)
        statistics = metric.statistics(predictions[rows], targets[rows])
        total = total + (statistics.sum(0) if weights is None else np.asarray(weights[rows], np.float64) @ statistics)
    return float(metric.reduce(total))


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`part / whole`, 0 where there is no whole."""
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=np.asarray(whole) > 0)


def _classes(predictions: Any, targets: Any) -> tuple[np.ndarray, np.ndarray]:
    if len(predictions) != len(targets):
        raise DataError(f"{len(predictions)} predictions cannot be scored against {len(targets)} targets.")
    return np.asarray(predictions, np.int64), np.asarray(targets, np.int64)


def _one_hot(predictions: Any, targets: Any, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true as (N, C) indicators, all zero where the target is unknown."""
    predictions, targets = _classes(predictions, targets)
    for what, values in (("prediction", predictions), ("target", targets)):
        if len(values) and values.max() >= classes:
            raise DataError(f"A {what} is class {values.max()}, but there are {classes} classes (0 to {classes - 1}).")
    every = np.arange(classes)
    true = (targets[:, None] == every).astype(np.float64)
    return (predictions[:, None] == every) * (targets >= 0)[:, None].astype(np.float64), true


def _sequences(predictions: Sequence[Any], targets: Sequence[Any]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of (T,) predicted and true; what a prediction lacks at its end is -1."""
    if len(predictions) != len(targets):
        raise DataError(f"{len(predictions)} predictions cannot be scored against {len(targets)} targets.")
    pairs = []
    for i, (predicted, true) in enumerate(zip(predictions, targets, strict=True)):
        predicted, true = np.asarray(predicted, np.int64), np.asarray(true, np.int64)
        if len(predicted) > len(true):
            raise DataError(f"Sentence {i} has {len(predicted)} predicted tags for {len(true)} tokens.")
        pairs.append((np.pad(predicted, (0, len(true) - len(predicted)), constant_values=-1), true))
    return pairs

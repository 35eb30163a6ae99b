"""Random convolution kernels and a ridge classifier: close to the best on most series, in seconds.

After MiniRocket (Dempster et al. 2021, arXiv:2012.08791): the features of `data/kernels.py`, then ridge regression
on +1 and -1 whose penalty leave-one-out errors choose. Ours gives probabilities, the softmax of the scores.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.linear_model import RidgeClassifierCV

from seqwright.data.examples import Examples
from seqwright.data.kernels import Kernels
from seqwright.data.task import Baseline
from seqwright.tasks.baselines.majority import majority
from seqwright.tasks.baselines.series_features import without_gaps
from seqwright.tasks.baselines.shares import all_classes, softmax, stratified_order

FEATURES, SEED = 10_000, 0
PENALTIES = np.logspace(-1, 5, 13)  # the features are standardised, so their number is the natural unit
_MOST, _PILOT = 4000, 32  # rows: ridge holds a square of them


def kernel_ridge(classes: int) -> Baseline:
    """Kernels and ridge on as many series as the time allows."""

    def fit(train: Examples, seconds: float, say: Callable[[str], None]) -> Callable[[Examples], Any]:
        if len(np.unique(train.targets)) < 2:
            return majority(classes).fit(train, seconds, say)
        chosen = train.take(_affordable(train, seconds, say))
        series = _filled(chosen)
        kernels = Kernels.fit(series, FEATURES, SEED)
        model = RidgeClassifierCV(PENALTIES).fit(kernels.encode(series), chosen.targets, chosen.weights)

        def predict(examples: Examples) -> np.ndarray:
            if not len(examples):
                return np.zeros((0, classes))
            scores = model.decision_function(kernels.encode(_filled(examples)))
            return all_classes(softmax(scores), model.classes_, classes)

        return predict

    return Baseline("random kernels + ridge", fit)


def _filled(examples: Examples) -> list[np.ndarray]:
    return [without_gaps(series).astype(np.float32) for series in examples.inputs["series"]]


def _affordable(train: Examples, seconds: float, say: Callable[[str], None]) -> np.ndarray:
    """The rows to learn from: all, or as many as a pilot says fit in half of the time."""
    order, rows = stratified_order(train.targets), min(len(train), _MOST)
    if len(train) > 2 * _PILOT:
        series = _filled(train.take(order[:_PILOT]))
        started = time.perf_counter()
        Kernels.fit(series, FEATURES, SEED).encode(series)
        each = (time.perf_counter() - started) / _PILOT
        rows = min(rows, max(_PILOT, int(0.5 * seconds / each)))
    if rows < len(train):
        say(f"trained on {rows} of {len(train)} rows, to keep memory and time small")
    return order[:rows]

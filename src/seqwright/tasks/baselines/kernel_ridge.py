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

FEATURES, FEW_FEATURES, SEED = 10_000, 2_000, 0
PENALTIES = np.logspace(-1, 5, 13)  # the features are standardised, so their number is the natural unit
_MOST, _ENOUGH, _PILOT = 4000, 400, 8  # rows; ridge holds a square of the most


def kernel_ridge(classes: int) -> Baseline:
    """Kernels and ridge on as many series as the time allows."""

    def fit(train: Examples, seconds: float, say: Callable[[str], None]) -> Callable[[Examples], Any]:
        if len(np.unique(train.targets)) < 2:
            return majority(classes).fit(train, seconds, say)
        index, features = _affordable(train, seconds, say)
        chosen = train.take(index)
        series = _filled(chosen)
        kernels = Kernels.fit(series, features, SEED)
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


def _affordable(train: Examples, seconds: float, say: Callable[[str], None]) -> tuple[np.ndarray, int]:
    """The rows to learn from and how many features: all, or what a pilot says fits in half of the time."""
    order, rows, features = stratified_order(train.targets), min(len(train), _MOST), FEATURES
    if len(train) > 4 * _PILOT:
        series = _filled(train.take(order[:_PILOT]))
        started = time.perf_counter()
        Kernels.fit(series, FEATURES, SEED).encode(series)
        affordable = 0.5 * seconds * _PILOT / (time.perf_counter() - started)
        if affordable < min(rows, _ENOUGH):  # more rows are worth more than more features
            features = FEW_FEATURES
            affordable *= FEATURES / FEW_FEATURES
            say(f"{features} features of {FEATURES}, to keep within {seconds:.0f} s")
        rows = min(rows, max(2 * _PILOT, int(affordable)))
    if rows < len(train):
        say(f"trained on {rows} of {len(train)} rows, to keep memory and time small")
    return order[:rows], features

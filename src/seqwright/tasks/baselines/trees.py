"""Extremely randomised trees (Geurts et al. 2006) on simple statistics of each channel."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier

from seqwright.data.examples import Examples
from seqwright.data.task import Baseline
from seqwright.tasks.baselines.series_features import simple_features
from seqwright.tasks.baselines.shares import all_classes, stratified_order

TREES, STEP = 300, 25


def trees(classes: int) -> Baseline:
    """Grown a few at a time until there are 300 or the time is up."""

    def fit(train: Examples, seconds: float, say: Callable[[str], None]) -> Callable[[Examples], Any]:
        deadline = time.perf_counter() + 0.8 * seconds
        order = stratified_order(train.targets)
        parts, part = [], 256
        for start in range(0, len(order), part):
            if parts and time.perf_counter() > deadline - 0.6 * seconds:
                say(f"trained on {start} of {len(order)} rows, to keep within {seconds:.0f} s")
                break
            parts.append(simple_features([train.inputs["series"][i] for i in order[start : start + part]]))
        rows = np.concatenate(parts)
        order = order[: len(rows)]
        model: Any = ExtraTreesClassifier(STEP, warm_start=True, random_state=0)
        while True:
            started = time.perf_counter()
            model.fit(rows, train.targets[order], None if train.weights is None else train.weights[order])
            now = time.perf_counter()
            if model.n_estimators >= TREES or now + (now - started) > deadline:
                break
            model.n_estimators += STEP

        def predict(examples: Examples) -> np.ndarray:
            if not len(examples):
                return np.zeros((0, classes))
            return all_classes(model.predict_proba(simple_features(examples.inputs["series"])), model.classes_, classes)

        return predict

    return Baseline("extra trees on simple features", fit)

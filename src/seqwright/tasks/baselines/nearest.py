"""One nearest neighbour by Euclidean distance, all series stretched to the median length."""

from collections.abc import Callable
from typing import Any

import numpy as np

from seqwright.data.examples import Examples
from seqwright.data.task import Baseline
from seqwright.tasks.baselines.series_features import stretch
from seqwright.tasks.baselines.shares import all_classes, softmax, stratified_order

LONGEST = 512  # steps compared
_NUMBERS = 20_000_000  # kept: rows x steps x channels


def nearest(classes: int) -> Baseline:
    """The class of the nearest training series; a class's probability falls with the distance to its nearest."""

    def fit(train: Examples, seconds: float, say: Callable[[str], None]) -> Callable[[Examples], Any]:
        many = train.inputs["series"]
        length = int(np.clip(np.median([len(series) for series in many]), 1, LONGEST))
        rows = max(1, min(len(many), _NUMBERS // (length * many[0].shape[1])))
        order = stratified_order(train.targets)[:rows]
        if rows < len(many):
            say(f"compares with {rows} of {len(many)} rows, to keep memory and time small")
        known = np.stack([stretch(many[i], length) for i in order])
        centre, spread = known.mean((0, 1)), known.std((0, 1)) + 1e-9
        known = ((known - centre) / spread).reshape(rows, -1)
        targets = train.targets[order]
        seen = np.unique(targets)

        def predict(examples: Examples) -> np.ndarray:
            given = np.zeros((len(examples), classes))
            for start in range(0, len(examples), 256):
                some = np.stack([stretch(series, length) for series in examples.inputs["series"][start : start + 256]])
                some = ((some - centre) / spread).reshape(len(some), -1)
                squared = (some**2).sum(1)[:, None] - 2 * some @ known.T + (known**2).sum(1)
                distance = np.sqrt(np.maximum(squared, 0))
                closest = np.stack([distance[:, targets == label].min(1) for label in seen], -1)
                scale = np.median(distance) / 10 + 1e-9
                given[start : start + 256] = all_classes(softmax(-closest / scale), seen, classes)
            return given

        return predict

    return Baseline("1-nearest neighbour", fit)

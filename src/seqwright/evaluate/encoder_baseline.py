"""Logistic regression on the mean of a frozen encoder's last hidden states: what an encoder gives without training.

A pair of texts u and v is read as [u, v, |u - v|, u * v] (Conneau et al. 2017, arXiv:1705.02364). The hidden states
are kept, so that a search that follows finds them computed.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from seqwright.arch.encoders import Dense, HeadedEncoder
from seqwright.arch.network import Mean
from seqwright.data.examples import Examples
from seqwright.data.task import Baseline
from seqwright.evaluate.workbench import Workbench
from seqwright.tasks.baselines.logistic import tuned_regression
from seqwright.tasks.baselines.majority import majority
from seqwright.tasks.baselines.shares import all_classes, stratified_order

NAME = "frozen encoder + logistic regression"
STRENGTHS = (1.0, 0.1, 10.0)  # of the penalty: hidden states are dense, and their units are of order 1
PILOT, READING = 64, 0.7  # texts whose reading tells the pace; the share of the time that reading may take


def encoder_linear(bench: Workbench) -> Baseline:
    """The baseline for the encoder that `bench` was prepared for."""
    classes = len(bench.task.labels)

    def fit(train: Examples, seconds: float, say: Callable[[str], None]) -> Callable[[Examples], Any]:
        begin = time.perf_counter()
        if len(np.unique(train.targets)) < 2:
            return majority(classes).fit(train, seconds, say)
        order = stratified_order(train.targets)
        if len(train) > 2 * PILOT:
            features(bench, train.take(order[:1]))  # loads the encoder
            started = time.perf_counter()
            features(bench, train.take(order[1 : PILOT + 1]))
            left = READING * (seconds - (time.perf_counter() - begin))
            affordable = max(PILOT, int(PILOT * left / (time.perf_counter() - started)))
            if affordable < len(train):
                say(f"trained on {affordable} of {len(train)} rows, to keep within {seconds:.0f} s")
                train = train.take(order[:affordable])
        model = tuned_regression(features(bench, train), train.targets, train.weights, begin + seconds, STRENGTHS)

        def predict(examples: Examples) -> np.ndarray:
            if not len(examples):
                return np.zeros((0, classes))
            return all_classes(model.predict_proba(features(bench, examples)), model.classes_, classes)

        return predict

    return Baseline(NAME, fit)


def features(bench: Workbench, examples: Examples) -> np.ndarray:
    """(N, F) float32: what a head of mean pooling reads."""
    from seqwright.evaluate.head_features import head_features

    pairing = "compared" if bench.task.sides == 2 else "joined"
    reads = HeadedEncoder(readout=Mean(), dense=Dense(layers=1), pairing=pairing)
    return head_features(reads, bench.reading(reads, bench.preparation.encode(examples)), bench.interface)

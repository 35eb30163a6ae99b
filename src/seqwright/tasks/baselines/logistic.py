"""Logistic regression that keeps to a deadline, with the strength of its L2 penalty chosen where there is time."""

import time
import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from seqwright.tasks.baselines.shares import holdout

STRENGTHS = (4.0, 1.0, 16.0)  # for sparse TF-IDF rows
FIRST, _STEPS = 10, 200  # of L-BFGS; the first ones tell its pace


def tuned_regression(
    rows: Any, targets: np.ndarray, weights: Any, deadline: float, strengths: tuple[float, ...] = STRENGTHS
) -> LogisticRegression:
    """Fitted to (N, F) dense or sparse rows by `deadline`, a moment of `time.perf_counter()`.

    Args:
        strengths: inverse strengths C of the penalty, the usual one first.
    """
    seconds = deadline - (begin := time.perf_counter())
    model = _regression(rows, targets, weights, strengths[0], begin + 0.6 * seconds)
    once = time.perf_counter() - begin
    split = holdout(targets)
    if split is not None and deadline - time.perf_counter() > 4.5 * once:
        best = _best_c(rows, targets, weights, split, begin + 0.7 * seconds, strengths)
        if best != strengths[0]:
            model = _regression(rows, targets, weights, best, deadline)
    return model


def quietly(model: LogisticRegression, rows: Any, targets: np.ndarray, weights: Any) -> LogisticRegression:
    """Fitted, without a warning that its steps, limited on purpose, were too few."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(rows, targets, sample_weight=weights)


def _best_c(
    rows: Any,
    targets: np.ndarray,
    weights: Any,
    split: tuple[np.ndarray, np.ndarray],
    deadline: float,
    strengths: tuple[float, ...],
) -> float:
    """The strength that is best on a fifth of the rows."""
    fitted, judged = split
    known, counts = (None, None) if weights is None else (weights[fitted], weights[judged])
    scores: dict[float, float] = {}
    for c in strengths:  # the usual one wins a tie
        model = _regression(rows[fitted], targets[fitted], known, c, deadline, 1e-3)
        scores[c] = float(np.average(model.predict(rows[judged]) == targets[judged], weights=counts))
    return max(scores, key=lambda c: scores[c])


def _regression(
    rows: Any, targets: np.ndarray, weights: Any, c: float, deadline: float, tolerance: float = 1e-4
) -> LogisticRegression:
    """Fitted to convergence, or for as many steps as the pace of the first few says fit before the deadline."""
    started = time.perf_counter()
    model = LogisticRegression(C=c, max_iter=FIRST, tol=tolerance, warm_start=True)
    quietly(model, rows, targets, weights)
    now = time.perf_counter()
    steps = min(_STEPS, int((deadline - now) / (now - started) * FIRST))
    if steps > 0 and model.n_iter_[0] >= FIRST:
        quietly(model.set_params(max_iter=steps), rows, targets, weights)
    return model

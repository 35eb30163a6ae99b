"""What the learned baselines have in common: which rows to learn from first, and a column for every class."""

import numpy as np
from sklearn.model_selection import StratifiedShuffleSplit


def stratified_order(targets: np.ndarray, seed: int = 0) -> np.ndarray:
    """An order of the rows whose every beginning has the classes in about their shares, each class at once."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(targets))
    place = np.zeros(len(targets))
    for label in np.unique(targets):
        mine = order[targets[order] == label]
        place[mine] = np.arange(len(mine)) / len(mine)
    return order[np.argsort(place[order], kind="stable")]


def all_classes(probabilities: np.ndarray, seen: np.ndarray, classes: int) -> np.ndarray:
    """(N, seen) -> (N, C), with 0 for classes that training did not have."""
    full = np.zeros((len(probabilities), classes))
    full[:, np.asarray(seen, np.int64)] = probabilities
    return full


def softmax(scores: np.ndarray) -> np.ndarray:
    """(N, C) scores to probabilities; a single column is the score of the second of two classes."""
    if scores.ndim == 1:
        scores = np.stack([-scores, scores], -1)
    grown = np.exp(scores - scores.max(-1, keepdims=True))
    return grown / grown.sum(-1, keepdims=True)


def holdout(targets: np.ndarray, share: float = 0.2, seed: int = 0) -> tuple[np.ndarray, np.ndarray] | None:
    """Row numbers to learn from and to choose on, stratified; None where some class has one row or rows are few."""
    _, counts = np.unique(targets, return_counts=True)
    if counts.min() < 2 or len(targets) * share < max(len(counts), 20):
        return None
    return next(StratifiedShuffleSplit(1, test_size=share, random_state=seed).split(targets, targets))

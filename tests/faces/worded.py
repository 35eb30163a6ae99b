"""Rows of numbers as sentences, so that scikit-learn's checks, which know nothing but numbers, can be run on texts."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from seqwright import TextClassifier


class WordedClassifier(TextClassifier):
    """A `TextClassifier` of numeric rows: column 2 with the value -0.5 is the word `c2m1`, a step of half a unit."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "WordedClassifier":
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        X, y = validate_data(self, X, y, dtype=float)
        super().fit(worded(X), y, sample_weight)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return super().predict_proba(worded(validate_data(self, X, reset=False, dtype=float)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.one_d_array, tags.input_tags.two_d_array = False, False, True
        return tags


def worded(X: np.ndarray) -> list[str]:
    steps = np.clip(np.round(2 * X), -9, 9).astype(int)
    return [" ".join(f"c{j}{'m' if step < 0 else 'p'}{abs(step)}" for j, step in enumerate(row)) for row in steps]

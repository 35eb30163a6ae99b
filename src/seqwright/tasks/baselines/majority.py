"""The rivals that look at nothing or at one word: the majority class, and each word's own majority tag."""

from collections.abc import Callable
from typing import Any

import numpy as np

from seqwright.data.examples import Examples
from seqwright.data.task import Baseline


def majority(classes: int) -> Baseline:
    """The class frequencies of training, whatever the input."""

    def fit(train: Examples, seconds: float, say: Callable[[str], None]) -> Callable[[Examples], Any]:
        shares = _shares(np.bincount(train.targets, train.weights, classes))
        return lambda examples: np.tile(shares, (len(examples), 1))

    return Baseline("majority class", fit)


def word_majority(classes: int) -> Baseline:
    """The tag frequencies of each word (as written, else in lower case); unseen words have those of all tokens."""

    def fit(train: Examples, seconds: float, say: Callable[[str], None]) -> Callable[[Examples], Any]:
        counts: dict[str, np.ndarray] = {}
        total = np.zeros(classes)
        weights = np.ones(len(train)) if train.weights is None else train.weights
        for tokens, tags, weight in zip(train.inputs["tokens"], train.targets, weights, strict=True):
            for token, tag in zip(tokens, tags, strict=True):
                if tag < 0:
                    continue
                total[tag] += weight
                for form in {token, "\0" + token.lower()}:  # the prefix keeps the two vocabularies apart
                    counts.setdefault(form, np.zeros(classes))[tag] += weight
        shares, overall = {form: _shares(count) for form, count in counts.items()}, _shares(total)

        def of(token: str) -> np.ndarray:
            return shares.get(token, shares.get("\0" + token.lower(), overall))

        return lambda examples: [
            np.array([of(token) for token in tokens]).reshape(len(tokens), classes)
            for tokens in examples.inputs["tokens"]
        ]

    return Baseline("word majority", fit)


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts / counts.sum() if counts.sum() > 0 else np.full(len(counts), 1 / len(counts))

"""TF-IDF of words and characters with logistic regression: the rival that is hard to beat on short texts.

Words and pairs of words, and character n-grams of 2 to 5 within words, each block with sublinear TF-IDF (Sparck Jones
1972); a pair of texts has each side's blocks, their overlap (the product of both sides), and their cosines.
The strength of the L2 penalty is chosen on a fifth of the rows where time and rows allow.
"""

import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from seqwright.data.examples import Examples
from seqwright.data.task import Baseline
from seqwright.tasks.baselines.majority import majority
from seqwright.tasks.baselines.shares import all_classes, holdout, stratified_order

DEFAULT_C, OTHER_C = 4.0, (1.0, 16.0)
LONGEST = 5000  # characters read of a text
_WEIGHTS = 8_000_000  # classes x features; L-BFGS holds about twenty copies
_PILOT_CHARACTERS = 100_000


class TextFeatures:
    """Texts, or pairs of them, as sparse rows: (N, F) float32."""

    def __init__(self, names: Sequence[str], most: int):
        self.names = names
        most = max(1000, most // (2 * (3 if len(names) == 2 else 1)))
        shared: dict[str, Any] = {"sublinear_tf": True, "dtype": np.float32, "max_features": most}
        self.words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]", **shared)
        self.characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **shared)

    def fit(self, examples: Examples) -> sparse.csr_matrix:
        sides = self._sides(examples)
        every = [text for side in sides for text in side]
        both = [self.words.fit_transform(every), self.characters.fit_transform(every)]
        return self._join(
            [[block[i * len(side) : (i + 1) * len(side)] for block in both] for i, side in enumerate(sides)]
        )

    def __call__(self, examples: Examples) -> sparse.csr_matrix:
        sides = self._sides(examples)
        return self._join([[self.words.transform(side), self.characters.transform(side)] for side in sides])

    def _sides(self, examples: Examples) -> list[list[str]]:
        return [[text[:LONGEST] for text in examples.inputs[name]] for name in self.names]

    def _join(self, sides: list[list[Any]]) -> sparse.csr_matrix:
        blocks = [block for side in sides for block in side]
        if len(sides) == 2:
            overlaps = [a.multiply(b).tocsr() for a, b in zip(*sides, strict=True)]
            blocks += [*overlaps, *(sparse.csr_matrix(overlap.sum(1)) for overlap in overlaps)]
        return sparse.csr_matrix(sparse.hstack(blocks, format="csr", dtype=np.float32))


def linear_text(classes: int, names: Sequence[str]) -> Baseline:
    """The baseline for one text (`names` has one input) or a pair (two)."""

    def learn(train: Examples) -> tuple[Callable[[Examples], np.ndarray], sparse.csr_matrix, LogisticRegression]:
        features = TextFeatures(names, _WEIGHTS // classes)
        rows = features.fit(train)
        model = _regression(rows, train.targets, train.weights, DEFAULT_C)

        def predict(examples: Examples) -> np.ndarray:
            if not len(examples):
                return np.zeros((0, classes))
            return all_classes(model.predict_proba(features(examples)), model.classes_, classes)

        return predict, rows, model

    def fit(train: Examples, seconds: float, say: Callable[[str], None]) -> Callable[[Examples], Any]:
        begin = time.perf_counter()
        if len(np.unique(train.targets)) < 2 or not any(t.strip() for name in names for t in train.inputs[name]):
            return majority(classes).fit(train, seconds, say)
        train = _affordable(train, names, seconds, say, learn)
        started = time.perf_counter()
        predict, rows, model = learn(train)
        once = time.perf_counter() - started
        left = seconds - (time.perf_counter() - begin)
        split = holdout(train.targets)
        if split is None or left < 4.5 * once:
            return predict
        best = _best_c(rows, train, split)
        if best != DEFAULT_C:
            model.set_params(C=best)
            _quietly(model, rows, train.targets, train.weights)
        return predict

    return Baseline("TF-IDF + logistic regression", fit)


def _affordable(
    train: Examples, names: Sequence[str], seconds: float, say: Callable[[str], None], learn: Callable[[Examples], Any]
) -> Examples:
    """As many examples, stratified, as a pilot says can be learned from in half of the time."""
    order = stratified_order(train.targets)
    characters = np.cumsum([sum(min(len(train.inputs[name][i]), LONGEST) for name in names) for i in order])
    pilot = max(int(np.searchsorted(characters, _PILOT_CHARACTERS)), 2 * len(np.unique(train.targets)), 50)
    if pilot >= len(train) // 2:
        return train
    started = time.perf_counter()
    learn(train.take(order[:pilot]))
    rows = int(pilot * max(1.0, 0.5 * seconds / (time.perf_counter() - started)))
    if rows >= len(train):
        return train
    say(f"trained on {rows} of {len(train)} rows, to keep within {seconds:.0f} s")
    return train.take(order[:rows])


def _best_c(rows: sparse.csr_matrix, train: Examples, split: tuple[np.ndarray, np.ndarray]) -> float:
    fitted, judged = split
    weights = None if train.weights is None else train.weights[fitted]
    scores: dict[float, float] = {}
    for c in (DEFAULT_C, *OTHER_C):  # the default wins a tie
        model = _regression(rows[fitted], train.targets[fitted], weights, c, 1e-3)
        right = model.predict(rows[judged]) == train.targets[judged]
        scores[c] = float(np.average(right, weights=None if train.weights is None else train.weights[judged]))
    return max(scores, key=lambda c: scores[c])


def _regression(rows: Any, targets: np.ndarray, weights: Any, c: float, tolerance: float = 1e-4) -> LogisticRegression:
    return _quietly(LogisticRegression(C=c, max_iter=200, tol=tolerance), rows, targets, weights)


def _quietly(
    model: LogisticRegression, rows: Any, targets: np.ndarray, weights: np.ndarray | None
) -> LogisticRegression:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 200 steps are enough to rank classes
        return model.fit(rows, targets, sample_weight=weights)

"""TF-IDF of words and characters with logistic regression: the rival that is hard to beat on short texts.

Words and pairs of words, and character n-grams of 2 to 5 within words, each block with sublinear TF-IDF (Sparck Jones
1972); a pair of texts has each side's blocks, their overlap (the product of both sides), and their cosines.
The strength of the L2 penalty is chosen on a fifth of the rows where time and rows allow.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from seqwright.data.examples import Examples
from seqwright.data.task import Baseline
from seqwright.tasks.baselines.logistic import FIRST, STRENGTHS, quietly, tuned_regression
from seqwright.tasks.baselines.majority import majority
from seqwright.tasks.baselines.shares import all_classes, stratified_order

LONGEST, LONGEST_CHARACTERS = 10_000, 2000  # what is read of a text for words and for character n-grams
_WEIGHTS = 8_000_000  # classes x features; L-BFGS holds about twenty copies


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
        both = [self.words.fit_transform(every), self.characters.fit_transform(_cut(every))]
        return self._join(
            [[block[i * len(side) : (i + 1) * len(side)] for block in both] for i, side in enumerate(sides)]
        )

    def __call__(self, examples: Examples) -> sparse.csr_matrix:
        sides = self._sides(examples)
        return self._join([[self.words.transform(side), self.characters.transform(_cut(side))] for side in sides])

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

    def fit(train: Examples, seconds: float, say: Callable[[str], None]) -> Callable[[Examples], Any]:
        begin = time.perf_counter()
        if len(np.unique(train.targets)) < 2 or not any(t.strip() for name in names for t in train.inputs[name]):
            return majority(classes).fit(train, seconds, say)
        most = int(_WEIGHTS * min(1.0, seconds / 30)) // classes
        train = _affordable(train, names, most, seconds, say)
        features = TextFeatures(names, most)
        rows = features.fit(train)
        model = tuned_regression(rows, train.targets, train.weights, begin + seconds)

        def predict(examples: Examples) -> np.ndarray:
            if not len(examples):
                return np.zeros((0, classes))
            return all_classes(model.predict_proba(features(examples)), model.classes_, classes)

        return predict

    return Baseline("TF-IDF + logistic regression", fit)


def _affordable(
    train: Examples, names: Sequence[str], most: int, seconds: float, say: Callable[[str], None]
) -> Examples:
    """As many examples, stratified, as a pilot says can be learned from in most of the time."""
    order = stratified_order(train.targets)
    characters = np.cumsum([sum(min(len(train.inputs[name][i]), LONGEST) for name in names) for i in order])
    enough = int(np.searchsorted(characters, np.clip(20_000 * seconds, 20_000, 100_000)))
    pilot = max(enough, 2 * len(np.unique(train.targets)), 50)
    if pilot >= len(train) // 2:
        return train
    started = time.perf_counter()
    some = train.take(order[:pilot])
    rows = TextFeatures(names, most).fit(some)
    read = time.perf_counter()
    quietly(LogisticRegression(C=STRENGTHS[0], max_iter=FIRST), rows, some.targets, some.weights)
    expected = read - started + 2 * (time.perf_counter() - read)  # a step grows more slowly than its rows
    affordable = int(pilot * max(1.0, 0.8 * seconds / expected))
    if affordable >= len(train):
        return train
    say(f"trained on {affordable} of {len(train)} rows, to keep within {seconds:.0f} s")
    return train.take(order[:affordable])


def _cut(texts: list[str]) -> list[str]:
    return [text[:LONGEST_CHARACTERS] for text in texts]

"""A linear tagger on what stands near a token: the words, their beginnings, endings and shapes, two either side.

One-against-rest logistic regression by averaged stochastic gradient on hashed features (Weinberger et al. 2009,
arXiv:0902.2206). Features are made once for each distinct word and looked up for each place in the window.
It may stop after any block of sentences, so the time allowance holds by construction.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction import FeatureHasher
from sklearn.linear_model import SGDClassifier

from seqwright.data.examples import Examples
from seqwright.data.task import Baseline
from seqwright.tasks.baselines.majority import word_majority
from seqwright.tasks.baselines.shares import all_classes

EPOCHS = 8
BLOCK = 20_000  # tokens a step of training
_WINDOW = {-2: 15, -1: 17, 0: 18, 1: 17, 2: 15}  # place -> log2 of its buckets


def linear_tagger(classes: int) -> Baseline:
    """The baseline for tags of any kind; BIO rules are left to the task's decoding."""

    def fit(train: Examples, seconds: float, say: Callable[[str], None]) -> Callable[[Examples], Any]:
        deadline = time.perf_counter() + 0.8 * seconds
        seen = np.unique(np.concatenate([*train.targets, np.zeros(0, np.int64)]))
        seen = seen[seen >= 0]
        if len(seen) < 2:
            return word_majority(classes).fit(train, seconds, say)
        model = SGDClassifier(loss="log_loss", alpha=1e-6, average=True, random_state=0)
        rng = np.random.default_rng(0)
        weights = np.ones(len(train)) if train.weights is None else train.weights
        for epoch in range(EPOCHS):
            order, done = rng.permutation(len(train)), 0
            for block in _blocks(train, order):
                if done + epoch and time.perf_counter() > deadline:
                    if not epoch:
                        say(f"trained on {done} of {len(train)} sentences, to keep within {seconds:.0f} s")
                    break
                done += len(block)
                targets = np.concatenate([train.targets[i] for i in block])
                counts = np.concatenate([np.full(len(train.targets[i]), weights[i]) for i in block])
                known = targets >= 0
                rows = features([train.inputs["tokens"][i] for i in block])[known]
                if known.any():
                    model.partial_fit(rows, targets[known], seen, counts[known])
            if time.perf_counter() > deadline:
                break
        return lambda examples: _predict(model, examples.inputs["tokens"], classes)

    return Baseline("linear tagger on a window", fit)


def features(sentences: Sequence[Sequence[str]]) -> sparse.csr_matrix:
    """(sum of lengths, F) hashed features of every token with two neighbours either side."""
    words: dict[str, int] = {"<start>": 0, "<end>": 1}
    lengths = np.array([len(tokens) for tokens in sentences], np.int64)
    flat = np.array([words.setdefault(token, len(words)) for tokens in sentences for token in tokens], np.int64)
    place = np.arange(len(flat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)  # within its sentence
    length = np.repeat(lengths, lengths)
    near = [_of_neighbour(word) for word in words]
    blocks = []
    for shift, bits in _WINDOW.items():
        table = FeatureHasher(2**bits, input_type="string", alternate_sign=False).transform(
            [_of_word(word) for word in words] if shift == 0 else near
        )
        at = np.clip(np.arange(len(flat)) + shift, 0, max(len(flat) - 1, 0))
        index = np.where(place + shift < 0, 0, np.where(place + shift >= length, 1, flat[at] if len(flat) else flat))
        blocks.append(table[index])
    return sparse.csr_matrix(sparse.hstack(blocks, format="csr", dtype=np.float32))


def _of_neighbour(word: str) -> list[str]:
    return [f"w={word.lower()}", f"e={word[-3:].lower()}", f"s={_shape(word)}"]


def _of_word(word: str) -> list[str]:
    low = word.lower()
    ends = [f"e={low[-n:]}" for n in range(1, min(len(low), 5) + 1)]
    starts = [f"b={low[:n]}" for n in range(1, min(len(low), 4) + 1)]
    return ["bias", f"W={word}", f"w={low}", f"s={_shape(word)}", *ends, *starts]


def _shape(word: str) -> str:
    """Runs of capitals, small letters and digits: "McDonald's-24" is "XxXx'x-d"."""
    shape = ""
    for letter in word:
        mark = "X" if letter.isupper() else "x" if letter.isalpha() else "d" if letter.isdigit() else letter
        if not shape.endswith(mark):
            shape += mark
    return shape[:12]


def _blocks(train: Examples, order: np.ndarray) -> list[np.ndarray]:
    tokens = np.cumsum([len(train.inputs["tokens"][i]) for i in order])
    return [b for b in np.split(order, np.flatnonzero(np.diff(tokens // BLOCK)) + 1) if len(b)]


def _predict(model: Any, sentences: Sequence[Sequence[str]], classes: int) -> list[np.ndarray]:
    given: list[np.ndarray] = []
    for start in range(0, len(sentences), 1000):
        some = sentences[start : start + 1000]
        lengths = [len(tokens) for tokens in some]
        probabilities = np.zeros((0, classes))
        if sum(lengths):
            probabilities = all_classes(model.predict_proba(features(some)), model.classes_, classes)
        given += np.split(probabilities, np.cumsum(lengths)[:-1])
    return given

"""N-grams: a text as the weighted bag of its word 1-2-grams and character 2-5-grams.

The weights are those of TF-IDF with 1 + log counts, each family (words, characters) scaled to length 1, so a
linear readout of this bag is the classic strong baseline. The n-grams of most training texts have a row each;
the others share hashed rows (Weinberger et al. 2009, arXiv:0902.2206).
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from seqwright.arch.interface import Stream
from seqwright.data.examples import Ragged
from seqwright.data.words import Corpus

MOST_ROWS = 65_536
BUCKETS = 4_096
AT_ONCE = 4_000_000  # n-grams counted in one go, so that memory stays within some 200 MB


@dataclass(frozen=True)
class NgramBag:
    """The `ngrams` stream.

    Row 0 is padding, then one row per n-gram of `grams`, then the shared `buckets`; in a joined pair the second
    side has rows of its own behind those. A word n-gram is kept as ``w:not good``, a character one as ``c: goo``.
    """

    grams: tuple[str, ...]
    idf: tuple[float, ...]  # of each n-gram
    shared_idf: float  # of every bucket
    buckets: int
    sides: int = 1

    @staticmethod
    def fit(corpus: Corpus, most: int = MOST_ROWS, buckets: int = BUCKETS, sides: int = 1) -> "NgramBag":
        """Learn rows and weights; with two sides, `corpus` is all first sides and then all second ones."""
        table: dict[str, int] = {}
        families = [list(family) for family in _families(corpus, lambda gram: table.setdefault(gram, len(table)))]
        frequency = np.zeros(len(table), np.int64)
        for family in families:
            for _, rows, _ in family:
                frequency += np.bincount(rows, minlength=len(table))
        names = list(table)
        order = sorted(range(len(names)), key=lambda i: (-frequency[i], names[i]))
        rare = frequency[order[most:]]

        def inverse(texts_with: np.ndarray) -> np.ndarray:
            return np.round(np.log((1 + len(corpus)) / (1 + texts_with)) + 1, 6)

        shared = float(inverse(rare.mean() if len(rare) else np.float64(1.0)))
        kept = order[:most]
        return NgramBag(tuple(names[i] for i in kept), tuple(inverse(frequency[kept]).tolist()), shared, buckets, sides)

    @property
    def rows(self) -> int:
        """Rows of one side, padding included."""
        return 1 + len(self.grams) + self.buckets

    @cached_property
    def _table(self) -> dict[str, int]:
        return {gram: 1 + i for i, gram in enumerate(self.grams)}

    @cached_property
    def _idf(self) -> np.ndarray:
        return np.concatenate([[0.0], self.idf, np.full(self.buckets, self.shared_idf)])

    def row(self, gram: str) -> int:
        """The row of ``w:not good`` or ``c: goo``; 0 when it has none."""
        found = self._table.get(gram)
        if found is not None:
            return found
        if not self.buckets:
            return 0
        return 1 + len(self.grams) + zlib.crc32(gram.encode("utf-8", "surrogatepass")) % self.buckets

    def encode(self, corpus: Corpus) -> tuple[Ragged, Ragged]:
        """The rows of each text's n-grams and their float32 weights."""
        texts, ids, weights = [], [], []
        for family in _families(corpus, self.row):
            for text, rows, count in family:
                text, rows, count = (a[rows > 0] for a in (text, rows, count))
                weight = (1 + np.log(count)) * self._idf[rows]
                norm = np.sqrt(np.bincount(text, weight**2, minlength=len(corpus)))
                texts.append(text)
                ids.append(rows)
                weights.append(weight / norm[text])
        text = np.concatenate([*texts, np.zeros(0, np.int64)])
        order = np.argsort(text, kind="stable")
        offsets = np.zeros(len(corpus) + 1, np.int64)
        np.cumsum(np.bincount(text, minlength=len(corpus)), out=offsets[1:])
        flat_ids = np.concatenate([*ids, np.zeros(0, np.int64)])[order].astype(np.int32)
        flat_weights = np.concatenate([*weights, np.zeros(0)])[order].astype(np.float32)
        return Ragged(flat_ids, offsets), Ragged(flat_weights, offsets)

    def stream(self, length: int = 1) -> Stream:
        return Stream("bag", 1 + self.sides * (self.rows - 1), length)

    def as_data(self) -> dict[str, Any]:
        return {
            "grams": list(self.grams),
            "idf": list(self.idf),
            "shared_idf": self.shared_idf,
            "buckets": self.buckets,
            "sides": self.sides,
        }

    @staticmethod
    def from_data(data: dict[str, Any]) -> "NgramBag":
        return NgramBag(**data | {"grams": tuple(data["grams"]), "idf": tuple(data["idf"])})


Counted = Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]


def _families(corpus: Corpus, row: Callable[[str], int]) -> Iterator[Counted]:
    """Word n-grams, then character n-grams: each as pieces of (text, row, count), counted once per text."""
    words, place = corpus.lower
    lower = place[corpus.index]
    text = np.repeat(np.arange(len(corpus)), np.diff(corpus.offsets))
    yield _counted_words(words, lower, text, row)
    yield _counted_characters(words, lower, text, row)


def _counted_words(words: list[str], lower: np.ndarray, text: np.ndarray, row: Callable[[str], int]) -> Counted:
    single = np.array([row("w:" + word) for word in words], np.int64)
    beside = np.flatnonzero(text[:-1] == text[1:])
    codes, inverse = np.unique(lower[beside] * len(words) + lower[beside + 1], return_inverse=True)
    pairs = [f"w:{words[code // len(words)]} {words[code % len(words)]}" for code in codes.tolist()]
    double = np.array([row(pair) for pair in pairs], np.int64)
    yield _count(np.concatenate([text, text[beside]]), np.concatenate([single[lower], double[inverse.reshape(-1)]]))


def _counted_characters(words: list[str], lower: np.ndarray, text: np.ndarray, row: Callable[[str], int]) -> Counted:
    known: dict[str, int] = {}
    flat: list[int] = []
    starts = np.zeros(len(words) + 1, np.int64)
    for i, word in enumerate(words):
        for gram in _character_grams(word):
            found = known.get(gram)
            if found is None:
                found = known[gram] = row("c:" + gram)
            flat.append(found)
        starts[i + 1] = len(flat)
    rows, sizes = np.array(flat, np.int64), np.diff(starts)
    # Pieces end where a text ends, so that no text is counted in two.
    behind = np.cumsum(sizes[lower])
    begin = 0
    while begin < len(lower):
        reached = int(np.searchsorted(behind, (behind[begin - 1] if begin else 0) + AT_ONCE, side="right"))
        end = max(int(np.searchsorted(text, text[min(reached, len(text) - 1)])), begin)
        if reached >= len(text):
            end = len(text)
        elif end == begin:  # one text larger than a piece is counted whole
            end = int(np.searchsorted(text, text[begin], side="right"))
        some = lower[begin:end]
        many = sizes[some]
        within = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
        yield _count(np.repeat(text[begin:end], many), rows[np.repeat(starts[some], many) + within])
        begin = end


def _character_grams(word: str) -> list[str]:
    """N-grams of 2 to 5 characters of " word "; one shorter than n counts once, whole."""
    bounded = f" {word} "
    size = len(bounded)
    grams = []
    for n in range(2, 6):
        grams += [bounded[i : i + n] for i in range(size - n + 1)]
        if n >= size:
            break
    return grams


def _count(text: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    span = int(rows.max(initial=0)) + 1
    keys, counts = np.unique(text * span + rows, return_counts=True)
    return keys // span, keys % span, counts

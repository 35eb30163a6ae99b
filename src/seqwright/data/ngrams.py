"""N-grams: a text as the weighted bag of its word 1-2-grams and character 2-5-grams.

The weights are those of TF-IDF with 1 + log counts, each family (words, characters) scaled to length 1, so a
linear readout of this bag is the classic strong baseline. The n-grams of most training texts have a row each;
others are left out: sharing hashed rows (Weinberger et al. 2009, arXiv:0902.2206) was no better in our trials.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from seqwright.arch.interface import Stream
from seqwright.data.examples import Ragged
from seqwright.data.ngram_counts import families
from seqwright.data.words import Corpus

MOST_ROWS = 65_536


@dataclass(frozen=True)
class NgramBag:
    """The `ngrams` stream.

    Row 0 is padding, then there is one row per n-gram of `grams`; in a joined pair the second side has rows of
    its own behind those. A word n-gram is kept as ``w:not good``, a character one as ``c: goo``.
    """

    grams: tuple[str, ...]
    idf: tuple[float, ...]
    sides: int = 1

    @staticmethod
    def fit(corpus: Corpus, most: int = MOST_ROWS, sides: int = 1) -> "NgramBag":
        """Learn rows and weights; with two sides, `corpus` is all first sides and then all second ones."""
        table: dict[str, int] = {}
        frequency = np.zeros(0, np.int64)
        for family in families(corpus, lambda gram: table.setdefault(gram, len(table))):
            for _, rows, _ in family:
                found = np.bincount(rows, minlength=len(table))
                found[: len(frequency)] += frequency
                frequency = found
        names = list(table)
        kept = sorted(range(len(names)), key=lambda i: (-frequency[i], names[i]))[:most]
        idf = np.log((1 + len(corpus)) / (1 + frequency[kept])) + 1
        return NgramBag(tuple(names[i] for i in kept), tuple(np.round(idf, 6).tolist()), sides)

    @property
    def rows(self) -> int:
        """Rows of one side, padding included."""
        return 1 + len(self.grams)

    @cached_property
    def _table(self) -> dict[str, int]:
        return {gram: 1 + i for i, gram in enumerate(self.grams)}

    @cached_property
    def _idf(self) -> np.ndarray:
        return np.array([0.0, *self.idf])

    def row(self, gram: str) -> int:
        """The row of ``w:not good`` or ``c: goo``; 0 when it has none."""
        return self._table.get(gram, 0)

    def encode(self, corpus: Corpus) -> tuple[Ragged, Ragged]:
        """The rows of each text's n-grams and their float32 weights; a text of none but unknown ones is empty."""
        texts, ids, weights = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
        for family in families(corpus, self.row):
            for text, rows, count in family:
                text, rows, count = (a[rows > 0] for a in (text, rows, count))
                weight = (1 + np.log(count)) * self._idf[rows]
                norm = np.sqrt(np.bincount(text, weight**2, minlength=len(corpus)))
                texts.append(text)
                ids.append(rows)
                weights.append(weight / norm[text])
        text = np.concatenate(texts)
        order = np.argsort(text, kind="stable")
        offsets = np.zeros(len(corpus) + 1, np.int64)
        np.cumsum(np.bincount(text, minlength=len(corpus)), out=offsets[1:])
        flat_ids = np.concatenate(ids)[order].astype(np.int32)
        return Ragged(flat_ids, offsets), Ragged(np.concatenate(weights)[order].astype(np.float32), offsets)

    def stream(self, length: int = 1) -> Stream:
        return Stream("bag", 1 + self.sides * len(self.grams), length)

    def as_data(self) -> dict[str, Any]:
        return {"grams": list(self.grams), "idf": list(self.idf), "sides": self.sides}

    @staticmethod
    def from_data(data: dict[str, Any]) -> "NgramBag":
        return NgramBag(tuple(data["grams"]), tuple(data["idf"]), int(data["sides"]))

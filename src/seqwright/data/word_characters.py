"""Word characters: what a word's spelling says, as a handful of hashed features a word.

Its shape and case, its beginnings and endings, then its inner n-grams of 2 to 5 characters
(Bojanowski et al. 2017, arXiv:1607.04606, has 3 to 6 and no shapes), so that unseen words still mean something.
"""

import re
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from seqwright.arch.interface import UNKNOWN, Stream
from seqwright.data.examples import Ragged
from seqwright.data.words import OWN, Corpus

MOST_BUCKETS = 16_384
FEATURES_PER_WORD = 24  # K
_RUNS = re.compile(r"(.)\1+", re.DOTALL)


def shape(word: str) -> str:
    """The word's outline with runs shortened: ``Xx`` for "London", ``d-d`` for "2019-20"."""
    outline = "".join(
        "X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c if c.isascii() else "s" for c in word
    )
    return _RUNS.sub(r"\1", outline)[:12]


def case(word: str) -> str:
    """Lower, Title, UPPER, miXed, or without letters."""
    if not any(c.isalpha() for c in word):
        return "none"
    if word.islower():
        return "lower"
    if word.isupper():
        return "upper" if len(word) > 1 else "title"
    return "title" if word[0].isupper() and word[1:].islower() else "mixed"


def features(word: str, most: int = FEATURES_PER_WORD) -> list[str]:
    """At most `most` features, the telling ones first."""
    told = [f"shape={shape(word)}", f"case={case(word)}"]
    bounded = f"<{word.lower()[:40]}>"
    size = len(bounded)
    edges = [gram for n in (4, 3, 2, 5) if n <= size for gram in (bounded[-n:], bounded[:n])]
    inner = [bounded[i : i + n] for n in (3, 4, 5, 2) for i in range(1, size - n)]
    return list(dict.fromkeys([*told, bounded, *edges, *inner]))[:most]


@dataclass(frozen=True)
class WordCharacterIds:
    """The `word_characters` stream: (T, K) ids, the hash of each feature in `buckets`."""

    buckets: int

    @staticmethod
    def fit(corpus: Corpus, most: int = MOST_BUCKETS) -> "WordCharacterIds":
        seen = {feature for word in corpus.distinct for feature in features(word)}
        return WordCharacterIds(int(min(most, max(1024, 2 ** int(np.ceil(np.log2(len(seen) + 1)))))))

    @cached_property
    def _known(self) -> dict[str, int]:
        return {}  # every hash is computed once

    def _hash(self, feature: str) -> int:
        found = self._known.get(feature)
        if found is None:
            found = OWN + zlib.crc32(feature.encode("utf-8", "surrogatepass")) % self.buckets
            if len(self._known) < 1_000_000:
                self._known[feature] = found
        return found

    def encode(self, corpus: Corpus) -> Ragged:
        table = np.zeros((len(corpus.distinct), FEATURES_PER_WORD), np.int32)
        for row, word in zip(table, corpus.distinct, strict=True):
            ids = [self._hash(feature) for feature in features(word)] if word else [UNKNOWN]
            row[: len(ids)] = ids
        return Ragged(table[corpus.index], corpus.offsets)

    def stream(self, length: int) -> Stream:
        return Stream("characters", OWN + self.buckets, length)

    def as_data(self) -> dict[str, Any]:
        return {"buckets": self.buckets}

    @staticmethod
    def from_data(data: dict[str, Any]) -> "WordCharacterIds":
        return WordCharacterIds(int(data["buckets"]))

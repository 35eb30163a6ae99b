"""Words: the one split of a text that words, word characters and n-grams share, so that their steps agree.

A corpus is held as its distinct words and an index into them: whatever is computed for a word is computed
once, however often it occurs, and then gathered.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from seqwright.arch.interface import UNKNOWN, Stream
from seqwright.data.examples import Ragged

_MARKS = "".join(chr(c) for c in range(0x300, 0x2000) if unicodedata.category(chr(c))[0] == "M")
_IDEOGRAPHS = "\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff"  # written without spaces: each stands alone
_WORD = re.compile(rf"[^\W{_IDEOGRAPHS}](?:[^\W{_IDEOGRAPHS}]|[{_MARKS}]){{0,63}}|\S")

OWN = 3  # a vocabulary's own ids begin here; padding, unknown and separator come before
MOST_WORDS = 30_000


def split(text: str) -> list[str]:
    """Runs of letters and digits (of at most 64), and every other visible character by itself."""
    return _WORD.findall(text)


class Corpus:
    """Texts, or texts that come as tokens, with their words indexed.

    Args:
        texts: strings, or token lists, which are then taken as they are: one step a token.
    """

    def __init__(self, texts: Sequence[str] | Sequence[Sequence[str]], *, tokens: bool = False):
        self._tokens = tokens
        self._given: Sequence[Any] = texts

    def __len__(self) -> int:
        return len(self._given)

    @cached_property
    def texts(self) -> list[str]:
        """The texts in Unicode's composed form (NFC)."""
        if self._tokens:
            return [" ".join(tokens) for tokens in self._given]
        return [unicodedata.normalize("NFC", str(text)) for text in self._given]

    @cached_property
    def _indexed(self) -> tuple[list[str], np.ndarray, np.ndarray]:
        table: dict[str, int] = {}
        flat: list[int] = []
        offsets = np.zeros(len(self) + 1, np.int64)
        for i, given in enumerate(self._given if self._tokens else self.texts):
            for word in given if self._tokens else split(given):
                flat.append(table.setdefault(word, len(table)))
            offsets[i + 1] = len(flat)
        return list(table), np.array(flat, np.int64), offsets

    @property
    def distinct(self) -> list[str]:
        """Every distinct word, as written, in order of appearance."""
        return self._indexed[0]

    @property
    def index(self) -> np.ndarray:
        """(words in all,) the place of each in `distinct`."""
        return self._indexed[1]

    @property
    def offsets(self) -> np.ndarray:
        return self._indexed[2]

    @cached_property
    def lower(self) -> tuple[list[str], np.ndarray]:
        """Distinct words in lower case, and (distinct words,) the place of each written form among them."""
        table: dict[str, int] = {}
        place = [table.setdefault(word.lower(), len(table)) for word in self.distinct]
        return list(table), np.array(place, np.int64)


@dataclass(frozen=True)
class WordIds:
    """The `words` stream: lower-cased words by rank; rare ones share the unknown, which so gets trained too."""

    vocabulary: tuple[str, ...]

    @staticmethod
    def fit(corpus: Corpus, most: int = MOST_WORDS, min_count: int = 2) -> "WordIds":
        words, place = corpus.lower
        counts = np.bincount(place[corpus.index], minlength=len(words))
        if len(counts) and counts.max() < min_count:
            min_count = 1
        kept = sorted((-int(n), word) for word, n in zip(words, counts, strict=True) if n >= min_count)
        return WordIds(tuple(word for _, word in kept[:most]))

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: OWN + i for i, word in enumerate(self.vocabulary)}

    def encode(self, corpus: Corpus) -> Ragged:
        words, place = corpus.lower
        ids = np.fromiter((self._ids.get(word, UNKNOWN) for word in words), np.int32, len(words))
        return Ragged(ids[place[corpus.index]], corpus.offsets)

    def stream(self, length: int) -> Stream:
        return Stream("tokens", OWN + len(self.vocabulary), length)

    def as_data(self) -> dict[str, Any]:
        return {"vocabulary": list(self.vocabulary)}

    @staticmethod
    def from_data(data: dict[str, Any]) -> "WordIds":
        return WordIds(tuple(data["vocabulary"]))

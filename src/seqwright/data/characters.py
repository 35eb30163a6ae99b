"""Characters: code points by rank. All texts are looked up at once, as one array of code points."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from seqwright.arch.interface import UNKNOWN, Stream
from seqwright.data.examples import Ragged
from seqwright.data.words import OWN, Corpus

MOST_CHARACTERS = 4096
READ_AT_MOST = 4096  # code points of one text: far above any limit on steps


def _code_points(corpus: Corpus) -> Ragged:
    texts = [text[:READ_AT_MOST] for text in corpus.texts]
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=offsets[1:])
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    return Ragged(points.astype(np.int64), offsets)


@dataclass(frozen=True)
class CharacterIds:
    """The `characters` stream. Case is kept; characters seen once share the unknown."""

    points: tuple[int, ...]  # code points, ascending

    @staticmethod
    def fit(corpus: Corpus, most: int = MOST_CHARACTERS, min_count: int = 2) -> "CharacterIds":
        points, counts = np.unique(_code_points(corpus).values, return_counts=True)
        order = np.lexsort((points, -counts))[:most]
        kept = points[order][counts[order] >= min_count]
        return CharacterIds(tuple(int(p) for p in np.sort(kept)))

    @cached_property
    def _table(self) -> np.ndarray:
        return np.array(self.points, np.int64)

    def encode(self, corpus: Corpus) -> Ragged:
        given = _code_points(corpus)
        if not len(self._table):
            return Ragged(np.full(len(given.values), UNKNOWN, np.int32), given.offsets)
        place = np.minimum(np.searchsorted(self._table, given.values), len(self._table) - 1)
        known = self._table[place] == given.values
        return Ragged(np.where(known, place + OWN, UNKNOWN).astype(np.int32), given.offsets)

    def stream(self, length: int) -> Stream:
        return Stream("tokens", OWN + len(self.points), length)

    def as_data(self) -> dict[str, Any]:
        return {"points": list(self.points)}

    @staticmethod
    def from_data(data: dict[str, Any]) -> "CharacterIds":
        return CharacterIds(tuple(data["points"]))

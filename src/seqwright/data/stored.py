"""Hidden states of an encoder as they lie on disk: texts of a data set, wherever in the cache's shards they are.

A shard is one read-only file, mapped into memory: the operating system reads what is used and may forget it again.
States are bfloat16 (the upper half of a float32's bits), end to end without padding.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np


@dataclass(frozen=True, eq=False)
class Shard:
    """Some texts' states of one cut.

    Args:
        keys: (M, 16) uint8, which texts they are.
        offsets: (M + 1,) int64.
        values: (sum of lengths, D) uint16, the bits of bfloat16.
    """

    path: Path
    keys: np.ndarray
    offsets: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Stored:
    """The states of N texts, in an order of its own; what stands in `Encoded.streams` as "pretrained@6".

    Args:
        which: (N,) int32, a text's shard; -1 where the cache has not got it.
        rows: (N,) int64, its place within the shard.
        width: D.
    """

    shards: tuple[Shard, ...]
    which: np.ndarray
    rows: np.ndarray
    width: int

    def __len__(self) -> int:
        return len(self.which)

    @cached_property
    def lengths(self) -> np.ndarray:
        """(N,) steps of each text; 0 where it is missing."""
        return self._bounds[1] - self._bounds[0]

    @cached_property
    def missing(self) -> np.ndarray:
        """The indices of texts that the cache has not got."""
        return np.flatnonzero(self.which < 0)

    def take(self, index: "Sequence[int] | np.ndarray") -> "Stored":
        """The texts at `index`, in its order; no state is copied."""
        index = np.asarray(index, np.int64)
        return replace(self, which=self.which[index], rows=self.rows[index])

    def __getitem__(self, i: int) -> np.ndarray:
        """(T, D) float32, the states of one text."""
        return self.padded(np.asarray([i]))[0][0, : int(self.lengths[i])]

    def padded(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(B, T, D) float32 with zeros behind each text, and the (B, T) mask of real steps."""
        sizes = self.lengths[index]
        mask = np.arange(max(1, int(sizes.max(initial=0)))) < sizes[:, None]
        bits = np.zeros((*mask.shape, self.width), np.uint32)
        for row, i in enumerate(index):
            if sizes[row]:
                start, stop = self._bounds[:, i]
                bits[row, : sizes[row]] = self.shards[self.which[i]].values[start:stop]
        bits <<= 16
        return bits.view(np.float32), mask

    @cached_property
    def _bounds(self) -> np.ndarray:
        """(2, N): where each text begins and ends among its shard's values."""
        bounds = np.zeros((2, len(self)), np.int64)
        for number, shard in enumerate(self.shards):
            mine = np.flatnonzero(self.which == number)
            rows = self.rows[mine]
            bounds[0, mine], bounds[1, mine] = shard.offsets[rows], shard.offsets[rows + 1]
        return bounds


def widened(bits: np.ndarray) -> np.ndarray:
    """float32 of the bits of bfloat16."""
    return (bits.astype(np.uint32) << 16).view(np.float32)

"""Random convolution kernels: a series as the shares of steps at which many fixed kernels respond (MiniRocket).

Dempster et al. 2021, arXiv:2012.08791: the 84 kernels of length 9 with three weights of 2 and six of -1, over
spread dilations; a feature is the proportion of positive values (PPV) of response minus bias, the biases being
quantiles of responses to training series. Ours computes all series of a piece at once in numpy, and takes each
series at its own length.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from seqwright.arch.interface import Stream
from seqwright.data.batch import padded
from seqwright.data.scale import ChannelScale

KERNELS = tuple(combinations(range(9), 3))  # where the weight is 2
FEATURES = 5_000
GOLDEN = (np.sqrt(5) + 1) / 2
AT_ONCE = 32_768  # values of one response held together: they stay in the cache
CHANNELS_AT_ONCE = 4_000_000  # values of all channels together: nine copies of them are held


@dataclass(frozen=True, eq=False)
class Kernels:
    """The `kernels` stream: (F,) standardised features of a series of (T, C).

    Args:
        dilations: steps between a kernel's weights; each kernel has all of them.
        channels: for each dilation and kernel the channels whose sum it reads.
        biases: for each dilation (84, features of that kernel and dilation).
    """

    scale: ChannelScale
    dilations: tuple[int, ...]
    channels: tuple[tuple[tuple[int, ...], ...], ...]
    biases: tuple[np.ndarray, ...]
    mean: np.ndarray
    deviation: np.ndarray

    @staticmethod
    def fit(series: Sequence[np.ndarray], features: int = FEATURES, seed: int = 0) -> "Kernels":
        """Choose dilations, channels and biases for these series, and standardise the features over them."""
        rng = np.random.default_rng(seed)
        scale = ChannelScale.fit(series)
        scaled = scale.encode(series)
        per_kernel = max(1, features // len(KERNELS))
        dilations, counts = _dilations(int(scaled.lengths.max()), per_kernel)
        width = scaled.values.shape[1]
        channels = tuple(tuple(_some_channels(width, rng) for _ in KERNELS) for _ in dilations)
        quantiles = (np.arange(1, len(KERNELS) * int(counts.sum()) + 1) * GOLDEN) % 1
        raw = Kernels(scale, dilations, channels, (), np.zeros(0), np.zeros(0))
        biases, used = [], 0
        for place, count in enumerate(counts.tolist()):
            # A few series for all kernels of a dilation: the quantile comes from one of them per kernel.
            chosen = rng.choice(len(scaled), min(len(scaled), 16), replace=False)
            values, mask = padded(scaled, chosen)
            table = np.empty((len(KERNELS), count))
            for k, response in enumerate(raw._responses(place, values)):
                i = k % len(chosen)
                share = quantiles[used + k * count : used + (k + 1) * count]
                table[k] = np.quantile(response[mask[i], i], share)
            used += len(KERNELS) * count
            biases.append(table.astype(np.float32))
        fitted = Kernels(scale, dilations, channels, tuple(biases), np.zeros(1), np.ones(1))
        pooled = fitted.encode(series)
        mean, deviation = np.empty(fitted.size), np.empty(fitted.size)
        for start in range(0, fitted.size, 256):  # in double precision, all features of 100,000 series take 4 GB
            some = pooled[:, start : start + 256].astype(np.float64)
            mean[start : start + 256], deviation[start : start + 256] = some.mean(0), some.std(0)
        return Kernels(scale, dilations, channels, tuple(biases), mean, np.where(deviation > 1e-6, deviation, 1.0))

    @property
    def size(self) -> int:
        return sum(b.size for b in self.biases)

    def encode(self, series: Sequence[np.ndarray]) -> np.ndarray:
        """(N, F) float32. Raises: DataError when the channels are not those of training."""
        scaled = self.scale.encode(series)
        out = np.empty((len(scaled), self.size), np.float32)
        order = np.argsort(scaled.lengths, kind="stable")  # like lengths together: little padding
        begin = 0
        while begin < len(order):
            longest = int(scaled.lengths[order[min(begin + 64, len(order)) - 1]])
            many = min(64, AT_ONCE // longest, CHANNELS_AT_ONCE // (longest * scaled.values.shape[1]))
            index = order[begin : begin + max(1, many)]
            out[index] = self._pooled(*padded(scaled, index))
            begin += len(index)
        out -= self.mean.astype(np.float32)
        out /= self.deviation.astype(np.float32)
        return out

    def _pooled(self, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """(B, T, C) values, (B, T) mask -> (B, F) shares of positive responses."""
        lengths = mask.sum(1)
        steps = np.arange(values.shape[1])[:, None]
        out = np.empty((len(values), self.size), np.float32)
        column = 0
        for place, dilation in enumerate(self.dilations):
            margin = 4 * dilation
            # Every second kernel counts only the steps where it lies wholly inside, if there are any.
            inner = np.where(lengths > 2 * margin, margin, 0)
            masks = [steps < lengths, (steps >= inner) & (steps < lengths - inner)]
            totals = [m.sum(0).astype(np.float32) for m in masks]
            masks = [m.view(np.uint8) for m in masks]
            for k, response in enumerate(self._responses(place, values)):
                which = (k + place) % 2
                for bias in self.biases[place][k]:
                    hits = (response > bias).view(np.uint8)
                    hits &= masks[which]
                    out[:, column] = _sum_of_bytes(hits) / totals[which]
                    column += 1
        return out

    def _responses(self, place: int, values: np.ndarray) -> Iterator[np.ndarray]:
        """The 84 responses (T, B) at one dilation to (B, T, C) values: time first, so that sums run along B.

        A kernel is -1 everywhere plus 3 at three places, so nine shifted copies serve all 84.
        """
        dilation, wanted = self.dilations[place], self.channels[place]
        time_first = np.ascontiguousarray(values.transpose(2, 1, 0))
        width, length, batch = time_first.shape
        shifted = np.zeros((9, width, length, batch), np.float32)
        for j in range(9):
            move = (j - 4) * dilation
            if abs(move) < length:
                if move >= 0:
                    shifted[j, :, : length - move] = time_first[:, move:]
                else:
                    shifted[j, :, -move:] = time_first[:, : length + move]
        total = shifted.sum(0)
        shifted *= 3
        for (i, j, k), chosen in zip(KERNELS, wanted, strict=True):
            response = np.zeros((length, batch), np.float32)
            for c in chosen:
                response += shifted[i, c]
                response += shifted[j, c]
                response += shifted[k, c]
                response -= total[c]
            yield response

    def stream(self, length: int = 1) -> Stream:
        return Stream("features", self.size)

    def as_data(self) -> dict[str, Any]:
        return {
            "scale": self.scale.as_data(),
            "dilations": list(self.dilations),
            "channels": [[list(c) for c in row] for row in self.channels],
            "biases": [b.tolist() for b in self.biases],
            "mean": self.mean.tolist(),
            "deviation": self.deviation.tolist(),
        }

    @staticmethod
    def from_data(data: dict[str, Any]) -> "Kernels":
        return Kernels(
            ChannelScale.from_data(data["scale"]),
            tuple(data["dilations"]),
            tuple(tuple(tuple(c) for c in row) for row in data["channels"]),
            tuple(np.array(b, np.float32) for b in data["biases"]),
            np.array(data["mean"]),
            np.array(data["deviation"]),
        )


def _sum_of_bytes(hits: np.ndarray) -> np.ndarray:
    """(T, B) zeros and ones -> (B,) sums: whole rows side by side, at most 255 deep, so that bytes hold them."""
    length, batch = hits.shape
    deep = min(255, length)
    whole = length - length % deep
    total = np.add.reduce(hits[:whole].reshape(deep, -1), axis=0, dtype=np.uint8)
    rest = np.add.reduce(hits[whole:], axis=0, dtype=np.uint8)
    return total.reshape(-1, batch).sum(0, dtype=np.float32) + rest


def _dilations(length: int, per_kernel: int) -> tuple[tuple[int, ...], np.ndarray]:
    """Dilations evenly spread on the log scale up to the series' length, and the features at each."""
    most = min(per_kernel, 32)
    top = np.log2(max(1.0, (length - 1) / 8))
    grid = np.floor(2.0 ** np.linspace(0, top, most)).astype(np.int64)
    dilations, times = np.unique(grid, return_counts=True)
    counts = times * per_kernel // most
    counts[: per_kernel - int(counts.sum())] += 1  # what rounding left goes to the shortest
    counts[0] += per_kernel - int(counts.sum())
    return tuple(dilations.tolist()), counts


def _some_channels(width: int, rng: np.random.Generator) -> tuple[int, ...]:
    """Between 1 and 9 channels, few more often than many."""
    if width == 1:
        return (0,)
    many = int(2 ** rng.uniform(0, np.log2(min(width, 9) + 1)))
    return tuple(sorted(rng.choice(width, many, replace=False).tolist()))

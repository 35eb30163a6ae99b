"""Series on one scale: each channel centred and divided by its deviation over all training steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from seqwright.arch.interface import Stream
from seqwright.data.examples import Ragged
from seqwright.errors import DataError


def stacked(series: Sequence[np.ndarray]) -> Ragged:
    """Series of (T, C) or (T,) end to end, float32; an empty one becomes a single missing step."""
    arrays = [np.asarray(s, np.float32) for s in series]
    arrays = [a[:, None] if a.ndim == 1 else a for a in arrays]
    arrays = [a if len(a) else np.full((1, a.shape[1]), np.nan, np.float32) for a in arrays]
    widths = {a.shape[1] for a in arrays}
    if len(widths) > 1:
        raise DataError(f"Series of {sorted(widths)} channels in one data set: all must have the same channels.")
    return Ragged.of(arrays)


def _filled(values: np.ndarray) -> np.ndarray:
    """Missing steps of (T, C) lie on the line between their neighbours; a channel never seen is 0, the mean."""
    values = values.copy()
    steps = np.arange(len(values))
    for channel in values.T:
        seen = np.isfinite(channel)
        channel[:] = np.interp(steps, steps[seen], channel[seen]) if seen.any() else 0.0
    return values


@dataclass(frozen=True)
class ChannelScale:
    """The `channels` stream: (T, C) float32 with mean 0 and deviation 1 over the training steps."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @staticmethod
    def fit(series: Sequence[np.ndarray]) -> "ChannelScale":
        values = stacked(series).values.astype(np.float64)
        seen = np.isfinite(values)
        count = np.maximum(seen.sum(0), 1)
        mean = np.where(seen, values, 0.0).sum(0) / count
        deviation = np.sqrt((np.where(seen, values - mean, 0.0) ** 2).sum(0) / count)
        deviation = np.where(deviation > 1e-8, deviation, 1.0)
        return ChannelScale(tuple(mean.tolist()), tuple(deviation.tolist()))

    @cached_property
    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array(self.mean), np.array(self.deviation)

    def encode(self, series: Sequence[np.ndarray]) -> Ragged:
        """Raises: DataError when the channels are not those of training."""
        given = stacked(series)
        if len(given) and given.values.shape[1] != len(self.mean):
            raise DataError(
                f"These series have {given.values.shape[1]} channels; the model was trained on {len(self.mean)}. "
                "Give the same channels in the same order."
            )
        mean, deviation = self._arrays
        values = ((given.values.reshape(-1, len(self.mean)) - mean) / deviation).astype(np.float32)
        missing = ~np.isfinite(values).all(1)
        if missing.any():
            cuts = given.offsets
            touched = np.unique(np.searchsorted(cuts, np.flatnonzero(missing), side="right") - 1)
            for i in touched:
                values[cuts[i] : cuts[i + 1]] = _filled(values[cuts[i] : cuts[i + 1]])
        return Ragged(values, given.offsets)

    def stream(self, length: int) -> Stream:
        return Stream("channels", len(self.mean), length)

    def as_data(self) -> dict[str, Any]:
        return {"mean": list(self.mean), "deviation": list(self.deviation)}

    @staticmethod
    def from_data(data: dict[str, Any]) -> "ChannelScale":
        return ChannelScale(tuple(data["mean"]), tuple(data["deviation"]))

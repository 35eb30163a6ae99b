"""Series as rows of numbers: stretched to one length, or summed up by simple statistics."""

from collections.abc import Sequence

import numpy as np


def without_gaps(series: np.ndarray) -> np.ndarray:
    """(T, C) with missing values drawn in straight lines between their neighbours; a channel of nothing is 0."""
    filled = np.array(series, np.float64)
    for channel in filled.T:
        known = np.isfinite(channel)
        if not known.all():
            channel[:] = (
                np.interp(np.arange(len(channel)), np.flatnonzero(known), channel[known]) if known.any() else 0.0
            )
    return filled


def stretch(series: np.ndarray, length: int) -> np.ndarray:
    """(T, C) -> (length, C) by linear interpolation."""
    filled = without_gaps(series)
    if len(filled) == length:
        return filled
    if not len(filled):
        return np.zeros((length, filled.shape[1]))
    at = np.linspace(0, len(filled) - 1, length)
    return np.stack([np.interp(at, np.arange(len(filled)), channel) for channel in filled.T], -1)


def simple_features(many: Sequence[np.ndarray], segments: int = 10) -> np.ndarray:
    """(N, F): of each channel level, spread, quantiles, change, autocorrelation, spectrum, and means of segments."""
    return np.stack([_simple(without_gaps(series), segments) for series in many])


def _simple(series: np.ndarray, segments: int) -> np.ndarray:
    if not len(series):
        series = np.zeros((1, series.shape[1]))
    centred = series - series.mean(0)
    spread = series.std(0) + 1e-9
    change = np.diff(series, axis=0) if len(series) > 1 else np.zeros_like(series)
    power = np.abs(np.fft.rfft(centred, n=max(len(series), 16), axis=0)) ** 2
    bands = np.stack([band.mean(0) for band in np.array_split(power[1:], 8)])
    lags = [(centred[k:] * centred[: max(len(series) - k, 0)]).sum(0) / (len(series) * spread**2) for k in (1, 2, 4, 8)]
    along = np.linspace(-1, 1, len(series))[:, None]
    pieces = stretch(series, max(len(series), segments))
    return np.concatenate(
        [
            [len(series)],
            *(series.mean(0), spread, series[0], series[-1]),
            *np.quantile(series, [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1], axis=0),
            *(series.argmax(0) / len(series), series.argmin(0) / len(series)),
            *(np.abs(change).mean(0), change.std(0), change.max(0), change.min(0)),
            *((along * centred).mean(0), (centred**3).mean(0) / spread**3, (centred**4).mean(0) / spread**4),
            (np.diff(np.sign(centred), axis=0) != 0).mean(0) if len(series) > 1 else np.zeros(series.shape[1]),
            *lags,
            np.log(bands + 1e-9).ravel(),
            np.concatenate([piece.mean(0) for piece in np.array_split(pieces, segments)]),
        ]
    )

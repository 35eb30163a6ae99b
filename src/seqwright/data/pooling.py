"""Pooled features: what a frozen encoder says of a whole text, a fixed function of its hidden states.

Shards are pooled whole, on first use, and kept in this process: folds and candidates that share texts share the work.
"""

from collections import OrderedDict

import numpy as np

from seqwright.data.stored import Shard, Stored, widened

KEPT_BYTES = 512 << 20
READOUTS = ("Mean", "Max", "Last", "ClsToken")

_kept: "OrderedDict[tuple[str, str], np.ndarray]" = OrderedDict()


def pooled(stored: Stored, readout: str, cls_at: str = "first") -> np.ndarray:
    """(N, D) float32: the mean or maximum of each text's states, or its last, or the step that sums it up.

    A text without a single step gives zeros, as in a network's readout.

    Args:
        readout: one of `READOUTS`, a kind's name.
        cls_at: "first" or "last", where the encoder's family has the step that `ClsToken` reads.

    Raises: ValueError for a readout that has weights to learn, or texts that are not in the cache.
    """
    if len(stored.missing):
        raise ValueError(f"{len(stored.missing):,} of {len(stored):,} texts are not in the cache. Attach them first.")
    how = _step(readout, cls_at)
    features = np.zeros((len(stored), stored.width), np.float32)
    for number, shard in enumerate(stored.shards):
        mine = np.flatnonzero(stored.which == number)
        if len(mine):
            features[mine] = _of(shard, how)[stored.rows[mine]]
    return features


def pooled_bits(lengths: np.ndarray, bits: np.ndarray, readout: str, cls_at: str = "first") -> np.ndarray:
    """The same of states that are not kept: (M,) steps of each text, (sum of lengths, D) the bits of bfloat16."""
    ends = lengths.cumsum()
    return _pool(ends - lengths, ends, bits, _step(readout, cls_at))


def _step(readout: str, cls_at: str) -> str:
    if readout not in READOUTS:
        raise ValueError(f"{readout} is no fixed function of the states; {', '.join(READOUTS)} are.")
    return readout if readout != "ClsToken" else "Last" if cls_at == "last" else "First"


def _of(shard: Shard, how: str) -> np.ndarray:
    """(M, D) float32, every text of a shard."""
    key = (str(shard.path), how)
    if key in _kept:
        _kept.move_to_end(key)
        return _kept[key]
    made = _pool(shard.offsets[:-1], shard.offsets[1:], shard.values, how)
    _kept[key] = made
    while len(_kept) > 1 and sum(array.nbytes for array in _kept.values()) > KEPT_BYTES:
        _kept.popitem(last=False)
    return made


def _pool(starts: np.ndarray, stops: np.ndarray, values: np.ndarray, how: str) -> np.ndarray:
    out = np.zeros((len(starts), values.shape[1]), np.float32)
    there = np.flatnonzero(stops > starts)
    if how in ("First", "Last"):
        out[there] = widened(values[starts[there] if how == "First" else stops[there] - 1])
        return out
    for i in there:  # a text at a time: a whole shard in float32 would take twice its size
        x = widened(values[starts[i] : stops[i]])
        out[i] = x.mean(0) if how == "Mean" else x.max(0)
    return out

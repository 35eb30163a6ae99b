"""Batches: which examples go together, and their arrays padded into one.

Examples of like length share a batch, so little is padding; the order is a function of (seed, epoch) alone.
"""

from collections.abc import Iterable

import numpy as np

from seqwright.data.examples import Encoded, Ragged
from seqwright.data.stored import Stored

POOL = 32  # batches' worth of examples that are sorted by length together: enough order, enough chance


def lengths(encoded: Encoded, streams: Iterable[str] | None = None) -> np.ndarray:
    """(N,) the longest of an example's sequences among `streams` (all by default); bags and features count 1."""
    longest = np.ones(len(encoded), np.int64)
    for name in _chosen(encoded, streams):
        stream = encoded.streams[name]
        if isinstance(stream, Ragged | Stored) and name + ".weight" not in encoded.streams:
            np.maximum(longest, stream.lengths, out=longest)
    return longest


def epoch(
    encoded: Encoded,
    batch_size: int,
    *,
    seed: int,
    epoch: int,
    shuffle: bool = True,
    streams: Iterable[str] | None = None,
) -> list[np.ndarray]:
    """The batches of one pass, as index arrays: every example once, length-bucketed, in a seeded order.

    Args:
        streams: those the network reads, whose lengths then count; all by default.
        shuffle: false for evaluation: sorted by length, the same each time.
    """
    long = lengths(encoded, streams)
    if not shuffle:
        order = np.argsort(long, kind="stable")
        return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(encoded))
    batches: list[np.ndarray] = []
    for start in range(0, len(order), POOL * batch_size):
        pool = order[start : start + POOL * batch_size]
        pool = pool[np.argsort(long[pool], kind="stable")]
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def collate(encoded: Encoded, index: np.ndarray, streams: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """The examples at `index` as one batch in the format of `arch/interface.py`.

    Args:
        streams: the streams to gather (`words.a`, ...), with what belongs to them; all by default.

    Returns: the streams, their masks or weights, and where the examples have them "targets" ((B,) int64, or
        (B, T) with -1 at padding) and "weights" (B,) float32.
    """
    index = np.asarray(index, np.int64)
    batch: dict[str, np.ndarray] = {}
    for name in _chosen(encoded, streams):
        stream = encoded.streams[name]
        if isinstance(stream, Stored):
            batch[name], mask = stream.padded(index)
            batch.setdefault(f"{name.split('@')[0]}.mask", mask)
            continue
        if not isinstance(stream, Ragged):
            batch[name] = np.asarray(stream[index], np.float32)
            continue
        batch[name], mask = padded(stream, index)
        if (segments := encoded.streams.get(name + ".segments")) is not None:
            batch[name + ".segments"], _ = padded(segments, index)
        weight = encoded.streams.get(name + ".weight")
        if weight is None:
            batch[name + ".mask"] = mask
        else:
            batch[name + ".weight"], _ = padded(weight, index)
    if isinstance(encoded.targets, Ragged):
        # As wide as the steps the network reads: an empty sentence has a step (unknown) but no target.
        widest = max((v.shape[1] for name, v in batch.items() if name.endswith(".mask")), default=1)
        batch["targets"], _ = padded(encoded.targets, index, fill=-1, least=widest)
    elif encoded.targets is not None:
        batch["targets"] = np.asarray(encoded.targets[index], np.int64)
    if encoded.weights is not None:
        batch["weights"] = np.asarray(encoded.weights[index], np.float32)
    return batch


def padded(ragged: Ragged, index: np.ndarray, *, fill: int = 0, least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """(B, T, ...) int64 or float32 with `fill` behind each sequence, and the (B, T) mask of real steps."""
    starts = ragged.offsets[index]
    sizes = ragged.offsets[index + 1] - starts
    steps = np.arange(max(least, int(sizes.max(initial=0))))
    mask = steps < sizes[:, None]
    dtype = np.int64 if ragged.values.dtype.kind in "iu" else np.float32
    out = np.full(mask.shape + ragged.values.shape[1:], fill, dtype)
    out[mask] = ragged.values[(starts[:, None] + steps)[mask]]
    return out, mask


def _chosen(encoded: Encoded, streams: Iterable[str] | None) -> list[str]:
    """The streams to gather: those asked for, and what is kept of an encoder's states of them."""
    beside = (".weight", ".segments")  # these are gathered with the stream that they belong to
    asked = list(encoded.streams if streams is None else streams)
    asked += [name for name in encoded.streams if "@" in name and name.split("@")[0] in asked]
    return [name for name in dict.fromkeys(asked) if not name.endswith(beside)]

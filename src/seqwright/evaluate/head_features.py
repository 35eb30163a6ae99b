"""What a pooled head reads of a frozen encoder: one vector a text or pair, computed once for any number of heads."""

from typing import Any

import numpy as np

from seqwright.arch.encoders import Frozen, HeadedEncoder, read_cuts
from seqwright.arch.interface import Interface
from seqwright.data.examples import Encoded
from seqwright.data.pooling import pooled, pooled_bits
from seqwright.evaluate.encoding import hidden_states
from seqwright.evaluate.features import stored_name
from seqwright.nn.encoders import family


def head_features(
    architecture: HeadedEncoder,
    encoded: Encoded,
    interface: Interface,
    *,
    precision: str = "auto",
    device: str = "auto",
) -> np.ndarray:
    """(N, F) float32: `HeadedEncoderModule.pool` of every example, with the states rounded to bfloat16.

    From the hidden states that are attached to `encoded`; what is not is computed, and only its pooled form kept.

    Raises: ValueError where the head has weights before its dense stack, or the encoder does not stay frozen.
    """
    if not architecture.pooled or not isinstance(architecture.stem.tuning, Frozen):
        raise ValueError(f"{architecture} reads no fixed features of its encoder.")
    sides = [_side(architecture, name, encoded, interface, precision, device) for name in architecture.streams]
    if len(sides) == 1:
        return sides[0]
    u, v = sides
    return np.concatenate([u, v, np.abs(u - v), u * v], 1)


def _side(
    architecture: HeadedEncoder, name: str, encoded: Encoded, interface: Interface, precision: str, device: str
) -> np.ndarray:
    stream = interface.stream(name)
    readout, cls_at = type(architecture.readout).__name__, family(stream.source).cls_at
    cuts = read_cuts(architecture.stem, stream.depth)
    kept = {cut: encoded.streams.get(stored_name(name, cut)) for cut in cuts}
    found = {cut: pooled(stored, readout, cls_at) for cut, stored in kept.items() if stored is not None}
    if missing := [cut for cut in cuts if cut not in found]:
        found |= _computed(encoded, name, stream, missing, readout, cls_at, precision, device)
    return np.concatenate([found[cut] for cut in cuts], 1)


def _computed(
    encoded: Encoded, name: str, stream: Any, cuts: list[int], readout: str, cls_at: str, precision: str, device: str
) -> dict[int, np.ndarray]:
    pieces, segments = encoded.streams[name], encoded.streams.get(f"{name}.segments")
    order = np.argsort(pieces.lengths, kind="stable")
    out = {cut: np.zeros((len(pieces), stream.width), np.float32) for cut in cuts}
    done = 0
    for count, states in hidden_states(stream, pieces, segments, order, cuts, precision, device):
        index = order[done : done + count]
        for cut, bits in states.items():
            out[cut][index] = pooled_bits(pieces.lengths[index], bits, readout, cls_at)
        done += count
    return out

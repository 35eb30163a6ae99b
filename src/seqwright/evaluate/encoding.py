"""Encoding: texts through a frozen encoder, many at a time, to the bits that the cache keeps."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from seqwright.arch.interface import Stream
from seqwright.data.batch import padded
from seqwright.data.checkpoint import locate
from seqwright.data.examples import Ragged
from seqwright.errors import InputError
from seqwright.nn.encoders import shared
from seqwright.train.device import autocast, device_of

STEPS_A_BATCH = {"cpu": 4096, "cuda": 65_536}


def hidden_states(
    stream: Stream,
    pieces: Ragged,
    segments: Ragged | None,
    texts: np.ndarray,
    cuts: Sequence[int],
    precision: str = "auto",
    device: str = "auto",
) -> Iterator[tuple[int, dict[int, np.ndarray]]]:
    """Batch by batch: how many of `texts`, and by cut their states end to end, (sum of lengths, D) uint16.

    Args:
        texts: indices into `pieces`, in the order to encode them; like lengths together leave little padding.
        precision: "float32", "bfloat16", or "auto" for whichever this processor is fast with.

    Raises: InputError when the checkpoint cannot be read, or is not the one that the data are prepared for.
    """
    where = device_of(device)
    encoder = _encoder(stream, str(where))
    most = STEPS_A_BATCH.get(where.type, STEPS_A_BATCH["cuda"])
    lengths = pieces.lengths[texts]
    start = 0
    while start < len(texts):
        stop = start + 1
        while stop < len(texts) and (stop + 1 - start) * lengths[start : stop + 1].max() <= most:
            stop += 1
        index = texts[start:stop]
        ids, mask = padded(pieces, index)
        kinds = None if segments is None else torch.from_numpy(padded(segments, index)[0]).to(where)
        real = torch.from_numpy(mask).to(where)
        with torch.no_grad(), autocast(where, fast(precision, where)):
            states = encoder.states(torch.from_numpy(ids).to(where), real, kinds, cuts=cuts)
        yield len(index), {cut: _bits(x[real]) for cut, x in states.items()}
        start = stop


def _bits(x: torch.Tensor) -> np.ndarray:
    return x.bfloat16().view(torch.int16).cpu().numpy().view(np.uint16)


def fast(precision: str, device: torch.device) -> str:
    """The precision to encode with: "auto" is bfloat16 on a GPU and on processors that multiply it in hardware.

    Unlike in training small networks it pays there: three times as many texts a second with MiniLM, whose states then
    are 0.8 % away from float32's, where rounding them to bfloat16 alone makes 0.2 %.
    """
    if precision != "auto":
        return precision
    able = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return "bfloat16" if device.type == "cuda" or able else "float32"


def _encoder(stream: Stream, device: str) -> Any:
    """The frozen encoder of a stream; never another's, whose states would poison the cache."""
    digest = locate(stream.source).digest
    if digest != stream.digest:
        raise InputError(
            f"The encoder in {stream.source} has changed: its weights' digest is {digest}, and the data are prepared "
            f"for {stream.digest}. Put the old weights back, or start a new run."
        )
    return shared(stream.source, device)

"""The features that pooled heads read, kept in a worker's memory from one job to the next."""

from dataclasses import replace

import numpy as np

from seqwright.arch.encoders import Frozen, HeadedEncoder
from seqwright.data.examples import Encoded
from seqwright.evaluate.head_features import head_features
from seqwright.evaluate.workbench import Workbench

KEPT = 12  # ways of pooling: four readouts of one, two or four layers

_kept: "dict[tuple[str, str], tuple[Encoded, np.ndarray]]" = {}


def frozen(architecture: HeadedEncoder) -> HeadedEncoder:
    """The same head on an encoder that stays as it is; any encoder does, until it thaws."""
    return replace(architecture, stem=replace(architecture.stem, tuning=Frozen()))


def way_of(architecture: HeadedEncoder) -> str:
    """A name for what a pooled head reads; heads that read the same have the same."""
    readout = type(architecture.readout).__name__
    return f"pooled {'+'.join(architecture.streams)} {readout} of {architecture.stem.layers}"


def features_of(
    architecture: HeadedEncoder, bench: Workbench, precision: str = "auto", device: str = "auto"
) -> np.ndarray:
    """(N, F) float32, what a pooled head reads of the development examples."""
    key = str(bench.folder), way_of(architecture)
    held = _kept.get(key)
    if held is not None and held[0] is bench.development:  # prepared anew, a folder's data are others
        return held[1]
    still = frozen(architecture)
    reading = bench.reading(still, bench.development, precision, device)
    made = head_features(still, reading, bench.interface, precision=precision, device=device)
    while len(_kept) >= KEPT:
        del _kept[next(iter(_kept))]
    _kept[key] = bench.development, made
    return made

"""Blocks: what a layer may be made of, as plain frozen data.

Every block maps (B, T, D) to (B, T, D), so any block can follow any other and any two can be averaged.
Formulas and shapes stand beside the modules in `seqwright.nn`; a block here says what it is good at.
"""

from dataclasses import dataclass, field
from typing import Any

from seqwright.arch.kinds import kind
from seqwright.space.nodes import among


@kind
@dataclass(frozen=True)
class Rnn:
    """Elman recurrence (Elman 1990): the simplest memory; cheap, forgets fast."""

    hidden: int = among(32, 64, 128, 256, default=128)
    bidirectional: bool = among(False, True, ordered=False)


@kind
@dataclass(frozen=True)
class Lstm:
    """Long short-term memory (Hochreiter & Schmidhuber 1997): order and counting over tens of steps."""

    hidden: int = among(32, 64, 128, 256, default=128)
    bidirectional: bool = among(False, True, ordered=False)


@kind
@dataclass(frozen=True)
class Gru:
    """Gated recurrent unit (Cho et al. 2014, arXiv:1406.1078): an LSTM's memory with three quarters of its weights."""

    hidden: int = among(32, 64, 128, 256, default=128)
    bidirectional: bool = among(False, True, ordered=False)


@kind
@dataclass(frozen=True)
class MinGru:
    """Minimal gated recurrence (Feng et al. 2024, arXiv:2410.01201): its gates see only the input: a scan does it."""

    hidden: int = among(32, 64, 128, 256, default=128)
    bidirectional: bool = among(False, True, ordered=False)


@kind
@dataclass(frozen=True)
class Ssm:
    """Diagonal state-space layer (Gu et al. 2022, arXiv:2206.11893; Orvieto et al. 2023, arXiv:2303.06349)."""

    state: int = among(16, 32, 64, 128, default=64)
    bidirectional: bool = among(False, True, ordered=False)


@kind
@dataclass(frozen=True)
class Conv:
    """Convolution and its activation: local patterns, wherever they stand."""

    kernel: int = among(3, 5, 7, 9, 15, 31, default=3)
    dilation: int = among(1, 2, 4, 8)
    depthwise: bool = among(False, True, ordered=False)


@kind
@dataclass(frozen=True)
class Attention:
    """Softmax attention (Vaswani et al. 2017, arXiv:1706.03762). Inner width is heads × 32, whatever D is."""

    heads: int = among(1, 2, 4, 8, default=4)
    window: int | None = among(None, 8, 32, 128, ordered=False)
    positions: str = among("rotary", "sinusoidal", "learned", ordered=False)


@kind
@dataclass(frozen=True)
class FeedForward:
    """Two linear maps with a GELU between them, at every step alone."""

    expand: int = among(1, 2, 4, default=2)


@kind
@dataclass(frozen=True)
class GatedFeedForward:
    """SwiGLU (Shazeer 2020, arXiv:2002.05202): a feed-forward whose hidden units are switched by gates."""

    expand: int = among(1, 2, 4, default=2)


@kind
@dataclass(frozen=True)
class Skip:
    """Nothing: the block adds zero, so the residual stream passes through."""


@kind
@dataclass(frozen=True)
class Parallel:
    """Several blocks side by side on one input, their outputs added (an Inception module, a text CNN's filters)."""

    branches: tuple[Any, ...] = field(metadata={"flow": "parallel"})

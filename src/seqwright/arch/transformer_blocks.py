"""Blocks that searches for a better Transformer used and found; attention and feed-forward stand in `blocks`."""

from dataclasses import dataclass

from seqwright.arch.kinds import kind
from seqwright.space.nodes import among


@kind
@dataclass(frozen=True)
class DconvAttention:
    """Attention of neighbourhoods: q, k and v are convolved first (Primer: So et al. 2021, arXiv:2109.08668)."""

    heads: int = among(1, 2, 4, 8, default=4)
    kernel: int = among(3, 5, 7)
    positions: str = among("rotary", "sinusoidal", "learned", ordered=False)


@kind
@dataclass(frozen=True)
class LightConv:
    """Lightweight convolution (Wu et al. 2019, arXiv:1901.10430): `heads` kernels that sum to one, shared by units."""

    kernel: int = among(3, 5, 7, 15)
    heads: int = among(1, 4, 16, default=4)


@kind
@dataclass(frozen=True)
class BranchedConv:
    """A map beside a convolution, then a separable one: patterns of patterns (So et al. 2019, arXiv:1901.11117)."""

    expand: int = among(1, 2, 4, default=4)
    kernel: int = among(3, 5, 7, 9, 11, default=9)


@kind
@dataclass(frozen=True)
class SquaredFeedForward:
    """A feed-forward with squared ReLU: large signals count for more (Primer: So et al. 2021, arXiv:2109.08668)."""

    expand: int = among(1, 2, 4, default=2)


@kind
@dataclass(frozen=True)
class GatedLinear:
    """A linear map switched by gates, the GLU of Dauphin et al. 2017 (arXiv:1612.08083): the cheapest channel mixer."""

"""The space of Transformers that searches were made in: the blocks of the Evolved Transformer and of Primer, the
elasticity of HAT, and their winners as points beside the Transformer itself.

So et al. 2019 (arXiv:1901.11117) evolved the wiring of encoder and decoder from such blocks, So et al. 2021 (Primer,
arXiv:2109.08668) programs of TensorFlow; ours keeps a residual stream, of whose layers each chooses its two blocks.
After HAT (Wang et al. 2020, arXiv:2005.14187) the width, the number of layers, and the heads and hidden units of every
layer are open too.
"""

from typing import Any

from seqwright.arch.blocks import Attention, Conv, FeedForward, GatedFeedForward, Parallel, Skip
from seqwright.arch.network import Body, Layer, Mean, Mlp, Network, Words
from seqwright.arch.transformer_blocks import (
    BranchedConv,
    DconvAttention,
    GatedLinear,
    LightConv,
    SquaredFeedForward,
)
from seqwright.space.nodes import Choice, Record, Stack, one_of, vary

MOST_LAYERS = 6

TRANSFORMER_SIZE = """\
6 x (n + n^2 + ... + n^6) = 6,530,338,765,305,567,005,943,996 architectures: 3 widths, 2 places of the norm, 1 to 6
layers of n = 922 x 11 = 10,142 each. Of 922 mixers 12 are attention, 36 Primer's, 5 separable and 12 lightweight
convolutions, 15 the Evolved Transformer's, 841 two of attention and convolutions added, and one is nothing, as is one
of 11 channel mixers."""


def transformers() -> Record:
    """The space of architectures: fixed words and mean, every layer's two blocks, their number and their width open."""
    attention = vary(Attention, window=None)
    separable = vary(Conv, kernel=Choice((3, 5, 7, 9, 11), ordered=True), dilation=1, depthwise=True)
    branches = vary(Parallel, branches=(one_of(attention, separable, LightConv),) * 2)
    mixer = one_of(attention, DconvAttention, separable, LightConv, BranchedConv, branches, Skip)
    channel = one_of(FeedForward, SquaredFeedForward, GatedFeedForward, GatedLinear, Skip)
    body = vary(
        Body,
        layers=Stack(vary(Layer, mixer=mixer, channel=channel), 1, MOST_LAYERS),
        width=Choice((64, 128, 256), ordered=True),
        norm=one_of("pre", "post"),
        statistics="layer",
    )
    return vary(Network, stem=Words(), body=body, readout=Mean(), head=Mlp(layers=0))


def _network(*layers: Layer, width: int = 128, norm: str = "pre") -> Network:
    return Network(Words(), Body(layers, width, norm), Mean(), Mlp(layers=0))


_TRANSFORMER = Layer(Attention(heads=4, positions="sinusoidal"), FeedForward(expand=4))
_PRIMER = Layer(DconvAttention(heads=4, kernel=3), SquaredFeedForward(expand=4))
_EVOLVED = (
    Layer(Skip(), GatedLinear()),
    Layer(BranchedConv(expand=4, kernel=9), Skip()),
    Layer(Attention(heads=4, positions="sinusoidal"), FeedForward(expand=4)),
)

WINNERS: dict[str, Any] = {
    "Primer": _network(_PRIMER, _PRIMER),
    "Evolved Transformer": _network(*_EVOLVED),
    "Transformer": _network(_TRANSFORMER, _TRANSFORMER, norm="post"),
}
"""Primer-EZ; one cell of the Evolved Transformer's encoder (theirs: ReLU, three cells); the Transformer of 2017."""

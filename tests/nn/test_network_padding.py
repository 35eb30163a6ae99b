"""Padding never leaks: every stem × body × readout gives the same logits for a longer padded batch."""

import itertools

import pytest
import torch
import torch.nn.functional as F

from seqwright.arch.blocks import (
    Attention,
    Conv,
    FeedForward,
    GatedFeedForward,
    Gru,
    Lstm,
    MinGru,
    Parallel,
    Rnn,
    Skip,
    Ssm,
)
from seqwright.arch.interface import Interface, Stream
from seqwright.arch.network import (
    AttentionPool,
    Body,
    Channels,
    Characters,
    Cls,
    KernelFeatures,
    Last,
    Layer,
    Max,
    Mean,
    Mlp,
    Network,
    NgramBag,
    PerStep,
    Subwords,
    Words,
    WordsAndCharacters,
)
from seqwright.nn import build

STREAMS = (
    ("words", Stream("tokens", 50, 12)),
    ("subwords", Stream("tokens", 60, 12)),
    ("characters", Stream("tokens", 30, 12)),
    ("word_characters", Stream("characters", 64, 12)),
    ("ngrams", Stream("bag", 128)),
    ("channels", Stream("channels", 3, 12)),
    ("kernels", Stream("features", 20)),
)
STEMS = [
    Words(), Subwords(), Characters(), WordsAndCharacters(), NgramBag(), Channels(3, 1), Channels(7, 2), Channels(1, 4),
    KernelFeatures(),
]  # fmt: skip
READOUTS = [Mean(), Max(), Last(), Cls(), AttentionPool(1), AttentionPool(4), PerStep()]
BLOCKS = [
    Rnn(8, True), Lstm(8), Lstm(8, True), Gru(8, True), MinGru(8, True), Ssm(8, True), Conv(3), Conv(5, 2, True),
    Attention(2), Attention(1, 2, "sinusoidal"), Attention(1, None, "learned"), Parallel((Conv(3), Conv(5), Lstm(4))),
]  # fmt: skip
BODIES = [
    Body(tuple(Layer(mixer, channel) for mixer in mixers), 16, norm, statistics)
    for (mixers, channel), (norm, statistics) in itertools.product(
        [(BLOCKS[:6], GatedFeedForward(1)), (BLOCKS[6:], FeedForward(1)), ((Skip(),), Skip())],
        [("pre", "layer"), ("post", "batch"), ("none", "layer")],
    )
] + [Body((), 16)]
LENGTHS = torch.tensor([12, 1, 5, 8])


def batch(extra: int = 0, side: str = "", seed: int = 0) -> dict[str, torch.Tensor]:
    """Four sequences of LENGTHS steps, padded by `extra` more, with noise wherever the format leaves it open."""
    g = torch.Generator().manual_seed(seed)
    mask = torch.arange(12) < LENGTHS[:, None]
    out = {}
    for name, stream in STREAMS:
        if stream.form == "tokens":
            value = torch.randint(1, stream.size, (4, 12), generator=g) * mask
        elif stream.form == "characters":
            value = torch.randint(0, stream.size, (4, 12, 5), generator=g) * mask[..., None]
        elif stream.form == "bag":
            value = torch.randint(1, stream.size, (4, 9), generator=g) * (torch.arange(9) < 7)
            out[f"{name}{side}.weight"] = F.pad(torch.rand(4, 9, generator=g) * (value > 0), (0, extra))
        elif stream.form == "channels":
            value = torch.randn(4, 12, stream.size, generator=g) * mask[..., None]
        else:
            out[name + side] = torch.randn(4, stream.size, generator=g)
            continue
        steps = (0, 0, 0, extra) if value.ndim == 3 else (0, extra)
        out[name + side] = F.pad(value, steps)
        if stream.form != "bag":
            out[f"{name}{side}.mask"] = F.pad(mask, (0, extra))
    return out


@pytest.mark.parametrize("readout", READOUTS, ids=repr)
@pytest.mark.parametrize("stem", STEMS, ids=repr)
def test_a_longer_padded_batch_gives_the_same_logits(stem: object, readout: object) -> None:
    per_step = isinstance(readout, PerStep)
    if per_step and getattr(stem, "stride", 1) > 1:
        pytest.skip("a stem with a stride cannot give an output for every step")
    for body in BODIES:
        torch.manual_seed(0)
        network = build(Network(stem, body, readout, Mlp(1, 8)), Interface(STREAMS, 3, per_step), dropout=0.5)
        for name, buffer in network.named_buffers():  # as if trained: not the identity
            buffer.uniform_(0.5, 1.5) if "running" in name else None
        network.eval()
        with torch.no_grad():
            short, long = network(batch()), network(batch(extra=9))
            if per_step and short.shape[1] > 1:
                real = torch.arange(12) < LENGTHS[:, None]
                short, long = short[real], long[:, :12][real]
            assert short.shape == long.shape
            scale = short.abs().max().clamp(min=1)  # without norms, six layers reach hundreds
            assert (short - long).abs().max() < 1e-5 * scale, body
            mixes = any(not isinstance(layer.mixer, Skip) for layer in body.layers)
            if not per_step and (mixes or not isinstance(readout, Cls)):
                assert (short[0] - short[2]).abs().max() > 1e-6, "the input plays no part"


@pytest.mark.parametrize("stem", [Words(), NgramBag(), WordsAndCharacters()], ids=repr)
def test_compared_pairs(stem: object) -> None:
    torch.manual_seed(0)
    spec = Network(stem, BODIES[0], Mean(), Mlp(1, 8), pairing="compared")
    network = build(spec, Interface(STREAMS, 3, sides=2)).eval()
    with torch.no_grad():
        a, b = batch(side=".a"), batch(side=".b", seed=1)
        longer = batch(side=".b", seed=1, extra=4)
        logits = network({**a, **b})
        assert (logits - network({**a, **longer})).abs().max() < 1e-5
        u, v = network.encode(a, ".a"), network.encode(b, ".b")
        assert torch.equal(logits, network.head(torch.cat([u, v, (u - v).abs(), u * v], 1)))
        assert (u - v).abs().max() > 1e-4


@pytest.mark.parametrize("readout", [r for r in READOUTS if not isinstance(r, PerStep)], ids=repr)
def test_an_empty_sequence_gives_finite_logits_and_gradients(readout: object) -> None:
    torch.manual_seed(0)
    network = build(Network(Words(), BODIES[3], readout), Interface(STREAMS, 3))
    empty = batch()
    empty["words"][1], empty["words.mask"][1] = 0, False
    logits = network(empty)
    logits.square().sum().backward()
    assert logits.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())

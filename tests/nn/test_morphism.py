"""A child that is called preserved computes what its parent computes, and every growing move is called so."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import INTERFACES, drawn

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
from seqwright.arch.interface import Interface
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
    Words,
    WordsAndCharacters,
)
from seqwright.arch.published_cells import DARTS_SECOND_ORDER, ENAS
from seqwright.arch.recurrent_graph import gru_cell, lstm_cell, padded, rnn_cell
from seqwright.arch.spaces import named
from seqwright.arch.transformer_blocks import (
    BranchedConv,
    DconvAttention,
    GatedLinear,
    LightConv,
    SquaredFeedForward,
)
from seqwright.nn import build
from seqwright.nn.morphism import Inherited, inherit
from seqwright.search.hill_climbing import grown, grows
from seqwright.space.moves import duplicate, insert, mutate, remove, sample, swap

BLOCKS: list[tuple[Any, Any]] = [
    (Rnn(8), Rnn(12)),
    (Rnn(8), Rnn(12, bidirectional=True)),
    (Lstm(8), Lstm(12)),
    (Lstm(8), Lstm(8, bidirectional=True)),
    (Lstm(8, bidirectional=True), Lstm(13, bidirectional=True)),
    (Gru(8), Gru(16)),
    (Gru(8, bidirectional=True), Gru(9, bidirectional=True)),
    (MinGru(8), MinGru(12)),
    (MinGru(8), MinGru(12, bidirectional=True)),
    (MinGru(8, bidirectional=True), MinGru(12, bidirectional=True)),
    (Ssm(8), Ssm(12)),
    (Ssm(8), Ssm(8, bidirectional=True)),
    (Ssm(8, bidirectional=True), Ssm(16, bidirectional=True)),
    (Conv(3), Conv(7)),
    (Conv(3, dilation=2), Conv(5)),
    (Conv(3, dilation=4, depthwise=True), Conv(9, depthwise=True)),
    (Conv(3, depthwise=True), Conv(3)),
    (Conv(3, dilation=2, depthwise=True), Conv(7)),
    (Attention(1), Attention(4)),
    (Attention(2, window=2), Attention(4, window=2)),
    (Attention(1, positions="sinusoidal"), Attention(2, positions="sinusoidal")),
    (Attention(1, positions="learned"), Attention(2, positions="learned")),
    (FeedForward(1), FeedForward(4)),
    (GatedFeedForward(1), GatedFeedForward(2)),
    (DconvAttention(1, 3), DconvAttention(4, 7)),
    (DconvAttention(1, 3, "learned"), DconvAttention(2, 3, "learned")),
    (LightConv(3, 1), LightConv(3, 4)),
    (BranchedConv(2, 3), BranchedConv(2, 9)),
    (SquaredFeedForward(1), SquaredFeedForward(4)),
    (replace(DARTS_SECOND_ORDER, hidden=8), replace(DARTS_SECOND_ORDER, hidden=12)),
    (replace(ENAS, hidden=8), replace(ENAS, hidden=12, bidirectional=True)),
    (Skip(), replace(ENAS, hidden=8)),
    (lstm_cell(hidden=8), lstm_cell(hidden=12, bidirectional=True)),
    (padded(gru_cell(hidden=8), 16), padded(gru_cell(hidden=9), 16)),
    (Conv(3), Parallel((rnn_cell(hidden=8), Conv(5)))),
    (GatedLinear(), Parallel((GatedLinear(), LightConv(5)))),
    (Skip(), Lstm(8)),
    (Skip(), Parallel((Conv(3), Gru(4)))),
    (Conv(3), Parallel((Conv(5), Conv(3)))),
    (Parallel((Conv(3), Conv(5))), Parallel((Conv(5), Conv(3), Lstm(4), Skip()))),
    (Skip(), Skip()),
]
NORMS = [("pre", "layer"), ("pre", "batch"), ("post", "layer"), ("post", "batch"), ("none", "layer")]


def filled(architecture: Network, interface: Interface, seed: int = 0, dtype: Any = torch.float64) -> torch.nn.Module:
    """A network whose every tensor is random, as after training."""
    torch.manual_seed(seed)
    network = build(architecture, interface).to(dtype).eval()
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if "running_variance" in name:
                tensor.uniform_(0.5, 2.0)
            elif "log_decay" not in name:
                noise = torch.randn_like(tensor)
                tensor.add_(0.1 * noise)
                if tensor.ndim == 1:
                    tensor.add_(0.2 * noise)
    return network


def grow(
    parent: Network, child: Network, interface: Interface, dtype: Any = torch.float64
) -> tuple[Inherited, float, torch.nn.Module]:
    """What was inherited, how far the child's answers are from its parent's, and the child."""
    one, other = filled(parent, interface, 0, dtype), filled(child, interface, 1, dtype)
    torch.manual_seed(2)
    other = build(child, interface).to(dtype).eval()
    made = inherit(parent, child, one.state_dict(), other.state_dict())
    other.load_state_dict(made.weights)
    batch = {n: v.to(dtype) if v.is_floating_point() else v for n, v in drawn(interface).items()}
    with torch.no_grad():
        expected, found = one(batch), other(batch)
    if interface.per_step:
        mask = batch["words.mask"]
        expected, found = expected[mask], found[mask]
    return made, float((expected - found).abs().max() / expected.abs().max().clamp(min=1)), other


def network(mixer: Any, **more: Any) -> Network:
    body = Body((Layer(mixer, FeedForward(1)), Layer(Gru(4), Skip())), width=8)
    return Network(Words(), replace(body, **more.pop("body", {})), more.pop("readout", Mean()), Mlp(1, 16), **more)


def preserved(parent: Network, child: Network, interface: Interface = INTERFACES["text"]) -> None:
    for dtype in (torch.float64, torch.float32):
        made, off, _ = grow(parent, child, interface, dtype)
        assert made.changed == ()
        assert off < 1e-5, (parent, child)


@pytest.mark.parametrize(("was", "now"), BLOCKS, ids=repr)
def test_a_block_grows_and_computes_the_same(was: Any, now: Any) -> None:
    preserved(network(was), network(now))


@pytest.mark.parametrize("norm", NORMS, ids="-".join)
@pytest.mark.parametrize("was", [w for w, _ in BLOCKS], ids=repr)
def test_a_body_twice_and_thrice_as_wide(was: Any, norm: tuple[str, str]) -> None:
    fields = {"norm": norm[0], "statistics": norm[1]}
    for width in (16, 24) if norm == ("pre", "layer") else (16,):
        preserved(network(was, body=fields), network(was, body=fields | {"width": width}))


@pytest.mark.parametrize(("was", "now"), BLOCKS, ids=repr)
def test_everything_at_once(was: Any, now: Any) -> None:
    parent = network(was, body={"norm": "none"})
    layers = (Layer(Conv(3), GatedFeedForward(1)), Layer(now, FeedForward(2)), *parent.body.layers[1:])
    preserved(parent, replace(parent, body=Body(layers, 32, "none"), readout=AttentionPool(4), head=Mlp(2, 32)))


@pytest.mark.parametrize(("norm", "statistics"), [n for n in NORMS if n != ("post", "layer")])
def test_layers_are_put_in_anywhere(norm: str, statistics: str) -> None:
    parent = network(Conv(3), body={"norm": norm, "statistics": statistics})
    layers = parent.body.layers
    for place in range(3):
        new = Layer(Lstm(8), FeedForward(2))
        longer = (*layers[:place], new, *layers[place:])
        preserved(parent, replace(parent, body=replace(parent.body, layers=longer)))
    twice = (layers[0], layers[0], layers[1])
    preserved(parent, replace(parent, body=replace(parent.body, layers=twice)))


def test_behind_a_norm_over_units_a_layer_is_almost_nothing() -> None:
    parent = network(Conv(3), body={"norm": "post"})
    longer = (*parent.body.layers, Layer(Lstm(8), FeedForward(2)))
    made, off, _ = grow(parent, replace(parent, body=replace(parent.body, layers=longer)), INTERFACES["text"])
    assert made.changed == ("body",)
    assert off < 1e-3


READOUTS = [(Mean(), AttentionPool(4)), (AttentionPool(1), AttentionPool(4)), (Cls(), Cls()), (Max(), Max())]


@pytest.mark.parametrize(("was", "now"), READOUTS, ids=repr)
@pytest.mark.parametrize("width", [8, 32])
def test_readouts(was: Any, now: Any, width: int) -> None:
    preserved(network(Lstm(4), readout=was), network(Lstm(4), readout=now, body={"width": width}))


STEMS = [
    ("text", Words(), Words()),
    ("text", WordsAndCharacters(), WordsAndCharacters()),
    ("text", Characters(), Characters()),
    ("series", Channels(1), Channels(7)),
    ("series", Channels(3, 2), Channels(7, 2)),
    ("series", KernelFeatures(), KernelFeatures()),
    ("text", NgramBag(), NgramBag()),
]


@pytest.mark.parametrize(("data", "was", "now"), STEMS, ids=repr)
def test_stems(data: str, was: Any, now: Any) -> None:
    parent = replace(network(Conv(3)), stem=was)
    preserved(parent, replace(parent, stem=now, body=replace(parent.body, width=16)), INTERFACES[data])


@pytest.mark.parametrize("pairing", ["joined", "compared"])
@pytest.mark.parametrize("was", [Mlp(0, 16), Mlp(1, 16), Mlp(2, 16)], ids=repr)
@pytest.mark.parametrize("now", [Mlp(0, 16), Mlp(1, 16), Mlp(2, 16), Mlp(1, 24), Mlp(2, 24)], ids=repr)
def test_heads(was: Mlp, now: Mlp, pairing: Any) -> None:
    parent = replace(network(Gru(4)), head=was, pairing=pairing)
    child = replace(parent, head=now, body=replace(parent.body, width=16))
    if was.layers <= now.layers:
        preserved(parent, child, INTERFACES["pairs"])
    else:
        assert grow(parent, child, INTERFACES["pairs"])[0].changed == ("head",)


def test_a_head_too_narrow_to_pass_everything_on_says_so() -> None:
    parent = replace(network(Gru(4)), head=Mlp(0))
    assert grow(parent, replace(parent, head=Mlp(1, 7)), INTERFACES["text"])[0].changed == ("head",)
    preserved(parent, replace(parent, head=Mlp(1, 8)))


def test_tagging() -> None:
    parent = network(Lstm(4), readout=PerStep())
    preserved(parent, network(Lstm(8, True), readout=PerStep(), body={"width": 16}), INTERFACES["tagging"])


LOSSES: list[tuple[Any, Any]] = [
    (Lstm(8), Lstm(4)),
    (Lstm(8, True), Lstm(8)),
    (Lstm(8), Gru(8)),
    (Conv(5), Conv(3)),
    (Conv(3), Conv(5, dilation=2)),
    (Conv(3), Conv(3, depthwise=True)),
    (Attention(2), Attention(1)),
    (Attention(2), Attention(2, window=2)),
    (Attention(2), Attention(2, positions="learned")),
    (FeedForward(2), FeedForward(1)),
    (Gru(8), Skip()),
    (Parallel((Conv(3), Conv(5))), Conv(3)),
]


@pytest.mark.parametrize(("was", "now"), LOSSES, ids=repr)
def test_what_is_lost_is_said_and_the_rest_inherited(was: Any, now: Any) -> None:
    made, _, child = grow(network(was), network(now), INTERFACES["text"])
    assert made.changed == ("body",)
    one = filled(network(was), INTERFACES["text"]).state_dict()
    assert torch.equal(child.state_dict()["stem.embedding.weight"], one["stem.embedding.weight"])


def test_a_shorter_kernel_keeps_the_middle_and_fewer_units_the_first_of_each_gate() -> None:
    _, _, child = grow(network(Conv(5)), network(Conv(3)), INTERFACES["text"])
    old = filled(network(Conv(5)), INTERFACES["text"]).state_dict()["body.layers.0.mixer.block.weight"]
    assert torch.equal(child.state_dict()["body.layers.0.mixer.block.weight"], old[..., 1:4])
    _, _, child = grow(network(Lstm(8)), network(Lstm(4)), INTERFACES["text"])
    old = filled(network(Lstm(8)), INTERFACES["text"]).state_dict()["body.layers.0.mixer.block.ahead.weight_ih_l0"]
    new = child.state_dict()["body.layers.0.mixer.block.ahead.weight_ih_l0"]
    assert torch.equal(new.view(4, 4, 8), old.view(4, 8, 8)[:, :4])


def test_what_was_widened_and_narrowed_again_is_itself() -> None:
    small, large = network(Lstm(4)), network(Lstm(8), body={"width": 16})
    one = filled(small, INTERFACES["text"])
    there = inherit(small, large, one.state_dict(), build(large, INTERFACES["text"]).double().state_dict())
    back = inherit(large, small, there.weights, build(small, INTERFACES["text"]).double().state_dict())
    for name, value in one.state_dict().items():
        assert torch.equal(back.weights[name], value), name


@pytest.mark.parametrize("now", [now for _, now in BLOCKS if now != Skip()], ids=repr)
def test_a_grown_network_can_learn_with_all_of_its_weights(now: Any) -> None:
    """After a few steps nothing is idle, and copies of the stream have parted."""
    parent, child = network(Skip()), network(now, body={"width": 16}, readout=AttentionPool(4))
    _, _, module = grow(parent, child, INTERFACES["text"])
    module.train()
    before = {n: p.detach().clone() for n, p in module.named_parameters()}
    batch = {n: v.double() if v.is_floating_point() else v for n, v in drawn(INTERFACES["text"]).items()}
    for _ in range(4):
        loss = torch.nn.functional.cross_entropy(module(batch), torch.tensor([0, 1, 2]))
        gradients = torch.autograd.grad(loss, list(module.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(module.parameters(), gradients, strict=True):
                parameter -= 1e-2 * gradient.sign()
    idle = [n for n, p in module.named_parameters() if torch.equal(p, before[n])]
    assert not idle
    table = module.get_parameter("stem.embedding.weight")
    assert not torch.allclose(table[:, 0::2], table[:, 1::2])


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(list(INTERFACES)), st.integers(0, 10**6), st.integers(1, 3))
def test_whatever_is_called_preserved_is(name: str, seed: int, moves: int) -> None:
    """Random candidates of the named spaces, and children after random moves: all weights have the child's shapes."""
    rng, space = Random(seed), named(name)
    parent = child = sample(space, rng)
    for _ in range(moves):
        edit = rng.choice([insert, duplicate, remove, swap, None, None])
        done = edit(space, child, rng) if edit else None
        child = (done or mutate(space, child, rng))[0]
    made, off, _ = grow(parent.architecture, child.architecture, INTERFACES[name], torch.float32)
    assert made.changed or off < 1e-5, (parent.architecture, child.architecture)
    same, off, _ = grow(parent.architecture, parent.architecture, INTERFACES[name], torch.float32)
    assert same.preserved and off == 0.0


def test_last_and_max_are_different_readouts() -> None:
    assert grow(network(Gru(4)), network(Gru(4), readout=Last()), INTERFACES["text"])[0].changed == ("readout",)


def nothing_to_normalise(parent: Network, child: Network) -> bool:
    """What no move can keep: a norm over units where there was none, or behind a new block."""
    acts = any(part != Skip() for layer in parent.body.layers for part in (layer.mixer, layer.channel))
    return child.body.statistics == "layer" and (child.body.norm == "post" or (child.body.norm == "pre" and not acts))


@pytest.mark.parametrize("name", ["text", "tagging", "series", "transformers"])
def test_moves_of_hill_climbing_preserve(name: str) -> None:
    kept, rng, space = 0, Random(5), named(name)
    for _ in range(12):
        parent = sample(space, rng)
        child, move = grown(space, parent, rng, None)
        torch.manual_seed(0)
        one, other = (build(c.architecture, INTERFACES[name]).state_dict() for c in (parent, child))
        made = inherit(parent.architecture, child.architecture, one, other)
        if grows(move) or move.name in ("insert", "duplicate"):
            kept += made.preserved
            assert made.preserved or nothing_to_normalise(parent.architecture, child.architecture), move
    assert kept >= 6

"""Blocks of better Transformers: the contract, values against naive loops, the space and its points."""

from random import Random
from typing import Any

import pytest
import torch
from networks import INTERFACES, drawn
from torch import Tensor, nn

from seqwright.arch.blocks import Attention
from seqwright.arch.codec import loads
from seqwright.arch.network import PerStep
from seqwright.arch.portfolio import portfolio
from seqwright.arch.published_spaces import fitted
from seqwright.arch.spaces import named
from seqwright.arch.transformer_blocks import (
    BranchedConv,
    DconvAttention,
    GatedLinear,
    LightConv,
    SquaredFeedForward,
)
from seqwright.arch.transformer_space import MOST_LAYERS
from seqwright.nn import Context, Role, block, build
from seqwright.nn.cost import cost
from seqwright.nn.source import as_torch
from seqwright.space.census import contains, size
from seqwright.space.moves import sample
from seqwright.testing import check_block

BLOCKS = [
    DconvAttention(2, 3),
    DconvAttention(1, 5, "sinusoidal"),
    DconvAttention(1, 7, "learned"),
    LightConv(3, 1),
    LightConv(5, 4),
    LightConv(7, 16),
    BranchedConv(1, 5),
    BranchedConv(2, 3),
    SquaredFeedForward(2),
    GatedLinear(),
]
T, D = 6, 8


@pytest.mark.parametrize("spec", BLOCKS, ids=repr)
def test_contract(spec: Any) -> None:
    check_block(spec)


def made(spec: Any, causal: bool) -> tuple[nn.Module, Tensor, Context]:
    torch.manual_seed(0)
    module = block(spec, D, Role(causal=causal)).double().eval()
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    return module, torch.randn(2, T, D, dtype=torch.float64), Context(torch.ones(2, T, dtype=torch.bool))


def tap(x: Tensor, t: int, k: int, kernel: int, causal: bool) -> Tensor:
    """x at tap k of a kernel that stands at t, zero outside."""
    at = t + k - (kernel - 1 if causal else kernel // 2)
    return x[:, at] if 0 <= at < x.shape[1] else torch.zeros_like(x[:, 0])


@pytest.mark.parametrize("causal", [False, True])
def test_a_light_convolution_is_its_sum(causal: bool) -> None:
    module, x, context = made(LightConv(5, 4), causal)
    u, gate = module.enter(x).chunk(2, -1)
    u = u * gate.sigmoid()
    kernels = module.taps.softmax(-1).repeat_interleave(D // 4, 0)
    y = torch.stack([sum(kernels[:, k] * tap(u, t, k, 5, causal) for k in range(5)) for t in range(T)], 1)
    torch.testing.assert_close(module(x, context), module.leave(y))


@pytest.mark.parametrize("causal", [False, True])
def test_a_branched_convolution_is_its_branches(causal: bool) -> None:
    module, x, context = made(BranchedConv(2, 5), causal)
    weight, bias = module.near.weight, module.near.bias
    near = [sum(tap(x, t, k, 3, causal) @ weight[:, :, k].T for k in range(3)) + bias for t in range(T)]
    h = module.wide(x).relu()
    h[..., : D // 2] += torch.stack(near, 1).relu()
    h = module.norm(h)
    y = torch.stack([sum(module.taps[:, 0, k] * tap(h, t, k, 5, causal) for k in range(5)) for t in range(T)], 1)
    torch.testing.assert_close(module(x, context), module.outer(y))


@pytest.mark.parametrize("causal", [False, True])
def test_convolved_attention_is_attention_of_what_is_convolved(causal: bool) -> None:
    module, x, context = made(DconvAttention(2, 3, "sinusoidal"), causal)
    maps = module.project(module.positions(x, torch.arange(T)))
    maps = torch.stack([sum(module.taps[:, 0, k] * tap(maps, t, k, 3, causal) for k in range(3)) for t in range(T)], 1)
    y = []
    for q, k, v in zip(*(part.split(32, -1) for part in maps.chunk(3, -1)), strict=True):
        score = q @ k.transpose(1, 2) / 32**0.5
        if causal:
            score = score.masked_fill(torch.ones(T, T, dtype=torch.bool).triu(1), -torch.inf)
        y.append(score.softmax(-1) @ v)
    torch.testing.assert_close(module(x, context), module.output(torch.cat(y, -1)))


@pytest.mark.parametrize("causal", [False, True])
def test_convolved_attention_begins_as_attention(causal: bool) -> None:
    torch.manual_seed(0)
    module, plain = block(DconvAttention(2, 5), D, Role(causal)), block(Attention(2), D, Role(causal))
    with torch.no_grad():
        for i, part in enumerate((plain.query, plain.key, plain.value)):
            part.weight.copy_(module.project.weight.chunk(3)[i])
            part.bias.copy_(module.project.bias.chunk(3)[i])
    plain.output = module.output
    x, context = torch.randn(2, T, D), Context(torch.arange(T) < torch.tensor([[T], [3]]))
    torch.testing.assert_close(module(x, context)[context.mask], plain(x, context)[context.mask])


def test_channel_mixers_are_their_formulas() -> None:
    module, x, context = made(SquaredFeedForward(2), False)
    torch.testing.assert_close(module(x, context), module.outer(module.inner(x).clamp(min=0) ** 2))
    module, x, context = made(GatedLinear(), False)
    torch.testing.assert_close(module(x, context), module.inner(x) / (1 + (-module.gate(x)).exp()))


def test_the_size_and_the_points() -> None:
    attention, convolutions, layer = 4 * 3, 5 + 4 * 3, 0
    layer = (attention + attention * 3 + convolutions + 3 * 5 + (attention + convolutions) ** 2 + 1) * 11
    architectures = size(dict(named("transformers").fields)["architecture"])
    assert architectures == 3 * 2 * sum(layer**n for n in range(1, MOST_LAYERS + 1))
    for _, candidate in portfolio("transformers"):
        assert contains(named("transformers"), candidate)


def test_members_run_on_words_series_and_tags_and_can_be_written_down() -> None:
    rng = Random(0)
    for data in ("text", "series", "tagging"):
        interface = INTERFACES[data]
        space = fitted(named("transformers"), dict(interface.streams), interface.per_step)
        for architecture in (sample(space, rng).architecture for _ in range(3)):
            assert isinstance(architecture.readout, PerStep) is interface.per_step
            network, batch = build(architecture, interface).eval(), drawn(interface)
            scope: dict[str, Any] = {"__name__": "stand_alone"}
            exec(as_torch(architecture, interface), scope)
            theirs = scope["Model"]().eval()
            theirs.load_state_dict(network.state_dict())
            assert torch.equal(theirs(batch), network(batch))
    for name, candidate in portfolio("transformers"):
        assert cost(candidate.architecture, INTERFACES["text"])["flops"] > 0, name


def test_a_supernet_shares_their_weights() -> None:
    space, rng = dict(named("transformers").fields)["architecture"], Random(0)
    shared, batch = build(space, INTERFACES["text"]).eval(), drawn(INTERFACES["text"])
    for _ in range(4):
        architecture = sample(space, rng)
        alone = build(architecture, INTERFACES["text"]).eval()
        alone.load_state_dict(shared.weights(architecture))
        torch.testing.assert_close(shared.select(architecture)(batch), alone(batch))


def test_every_kind_can_be_read_from_its_json() -> None:
    """By the codec alone, whatever else was imported."""
    assert loads('{"kind": "gatedlinear"}') == GatedLinear()
    assert loads('{"kind": "lightconv", "kernel": 5, "heads": 16}') == LightConv(5, 16)

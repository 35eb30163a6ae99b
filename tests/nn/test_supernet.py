from functools import cache
from random import Random

import pytest
import torch
from networks import INTERFACES, drawn
from torch import nn

from seqwright.arch.blocks import Conv, FeedForward, Gru, Lstm, Skip
from seqwright.arch.network import Body, Layer, Mean, Mlp, Network, Words
from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import named
from seqwright.errors import SpaceError
from seqwright.nn import build
from seqwright.nn.slices import cut
from seqwright.nn.supernet import Supernet
from seqwright.space.moves import sample
from seqwright.space.narrow import ban
from seqwright.space.nodes import Stack, one_of, vary

every_space = pytest.mark.parametrize("name", list(INTERFACES))


@cache
def supernet(name: str) -> Supernet:
    torch.manual_seed(0)
    return build(named(name), INTERFACES[name])


def alone(name: str, architecture: object) -> nn.Module:
    network = build(architecture, INTERFACES[name])
    network.load_state_dict(supernet(name).weights(architecture), strict=True)
    return network


def members(name: str, count: int) -> list[object]:
    rng = Random(0)
    drawn = [sample(named(name), rng).architecture for _ in range(count)]
    return drawn + ([c.architecture for _, c in portfolio(name)] if name != "tiny" else [])


@every_space
def test_selected_outputs_and_gradients_are_the_stand_alone_networks(name: str) -> None:
    shared, batch = supernet(name).train(), drawn(INTERFACES[name])
    for architecture in members(name, 12):
        network = alone(name, architecture).train()
        shared.zero_grad(set_to_none=True)
        ours, theirs = shared.select(architecture)(batch), network(batch)
        torch.testing.assert_close(ours, theirs)
        for y in (ours, theirs):
            y.square().sum().backward()
        gradients = {k: None if p.grad is None else p.grad for k, p in shared.parts.items()}
        given = dict.fromkeys(gradients, 0.0)
        for parameter, (key, *rest) in shared._slices.items():
            if key not in shared.parts:
                continue
            expected = network.get_parameter(parameter).grad
            if expected is None:
                assert gradients[key] is None
                continue
            torch.testing.assert_close(cut(gradients[key], *rest), expected)
            given[key] += float(expected.abs().sum())
        for key, total in given.items():  # nothing outside the slices moved
            whole = 0.0 if gradients[key] is None else float(gradients[key].abs().sum())
            assert whole == pytest.approx(total, rel=1e-4, abs=1e-6)
        after = shared.weights(architecture)  # running statistics moved alike
        for buffer, value in network.named_buffers():
            torch.testing.assert_close(after[buffer], value)


@every_space
def test_every_member_has_its_weights(name: str) -> None:
    rng = Random(1)
    for _ in range(60):
        supernet(name).select(sample(named(name), rng))


@every_space
def test_evaluation_mode(name: str) -> None:
    shared, batch = supernet(name).eval(), drawn(INTERFACES[name], seed=5)
    for architecture in members(name, 3):
        torch.testing.assert_close(shared.select(architecture)(batch), alone(name, architecture).eval()(batch))


def network(layer: Layer, width: int = 8, head: Mlp | None = None) -> Network:
    return Network(Words(), Body((layer,), width=width), Mean(), head or Mlp(layers=0))


def small_space() -> object:
    mixer = one_of(vary(Gru, hidden=8), vary(Conv, dilation=1))
    layer = vary(Layer, mixer=mixer, channel=one_of(FeedForward, Skip))
    return vary(Network, stem=Words(), body=vary(Body, layers=Stack(layer, 0, 2)), readout=Mean(), head=vary(Mlp))


def test_what_shares_and_what_does_not() -> None:
    shared = build(small_space(), INTERFACES["text"])
    large = shared.weights(network(Layer(Conv(kernel=7), Skip()), 64))["body.layers.0.mixer.block.weight"]
    small = shared.weights(network(Layer(Conv(kernel=3), Skip()), 32))["body.layers.0.mixer.block.weight"]
    assert torch.equal(small, large[:32, :32, 2:5])  # a smaller kernel is the middle of a larger one
    both = shared.weights(network(Layer(Gru(8, bidirectional=True), Skip()), 32))
    one = shared.weights(network(Layer(Gru(8), Skip()), 32))
    assert torch.equal(
        one["body.layers.0.mixer.block.output.weight"], both["body.layers.0.mixer.block.output.weight"][:, :8]
    )


def test_training_a_selected_network_trains_the_bank() -> None:
    shared, batch = build(small_space(), INTERFACES["text"]), drawn(INTERFACES["text"])
    chosen, other = network(Layer(Gru(8), Skip()), 32), network(Layer(Conv(), Skip()), 32)
    before = {a: shared.weights(a) for a in (chosen, other)}
    optimiser = torch.optim.SGD(shared.parameters(), lr=0.1)
    shared.select(chosen)(batch).square().sum().backward()
    optimiser.step()
    key = "body.layers.0.mixer.block."
    assert not torch.equal(shared.weights(chosen)[key + "output.weight"], before[chosen][key + "output.weight"])
    assert torch.equal(shared.weights(other)[key + "weight"], before[other][key + "weight"])


def test_its_state_loads_into_another() -> None:
    one, other = (build(small_space(), INTERFACES["text"]).eval() for _ in range(2))
    other.load_state_dict(one.state_dict())
    batch, chosen = drawn(INTERFACES["text"]), network(Layer(Gru(8), FeedForward()), 64, Mlp(2, 64))
    assert torch.equal(one.select(chosen)(batch), other.select(chosen)(batch))


def test_an_architecture_outside_is_refused_and_nothing_selected_too() -> None:
    shared = build(small_space(), INTERFACES["text"])
    with pytest.raises(SpaceError, match=r"Call select\(architecture\) first"):
        shared(drawn(INTERFACES["text"]))
    with pytest.raises(SpaceError, match="Build the supernet from a space that contains this architecture"):
        shared.select(network(Layer(Lstm(), Skip()), 64))


@pytest.mark.parametrize("name", ["text-encoder", "bert-head"])
def test_heads_on_encoders_are_not_shared(name: str) -> None:
    with pytest.raises(SpaceError, match=r"shares no pretrained encoders and no heads on them\. Leave them out"):
        build(named(name), INTERFACES["text"])
    if name == "text-encoder":
        assert build(ban(named(name), "headedencoder"), INTERFACES["text"]).select(portfolio("text")[0][1])

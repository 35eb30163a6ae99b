"""Blocks wired as a graph: the module against its formula, TextNAS as a space, its winner, shared weights."""

import sys
from math import factorial
from random import Random

import pytest
import torch
from networks import INTERFACES, drawn

from seqwright.arch import published_cells as published
from seqwright.arch.blocks import Attention, Conv, Gru, Skip
from seqwright.arch.network import Body, Layer, Mean, Mlp, Network, Words
from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import named
from seqwright.arch.wired import Graph, Pool, Wired, graphs
from seqwright.errors import SpaceError
from seqwright.nn import Context, Role, block, build
from seqwright.nn.source import as_torch
from seqwright.space.census import contains, size
from seqwright.space.encode import graph
from seqwright.space.moves import sample
from seqwright.space.nodes import vary
from seqwright.testing import check_block

GRAPH = Graph(
    (
        Wired(Conv(kernel=3), 1, ()),
        Wired(Pool("max"), 1, (True,)),
        Wired(Gru(4, bidirectional=True), 2, (False, True)),
    )
)


@pytest.mark.parametrize("spec", [GRAPH, Pool("max", 5), Pool("mean", 3)], ids=["graph", "max", "mean"])
def test_contract(spec: object) -> None:
    check_block(spec)


@pytest.mark.parametrize("seed", range(3))
def test_random_graphs_keep_the_contract(seed: int) -> None:
    check_block(sample(graphs(4, 4), Random(seed)))


def test_the_module_is_its_formula() -> None:
    torch.manual_seed(0)
    module = block(GRAPH, 8).eval()
    torch.nn.init.normal_(module.weight)
    x, context = torch.randn(2, 5, 8), Context(torch.ones(2, 5, dtype=torch.bool))
    f = [wired.block for wired in module.blocks]
    y0 = module.blocks[0].norm(f[0](x, context), context.mask)
    y1 = module.blocks[1].norm(f[1](y0, context) + y0, context.mask)
    y2 = module.blocks[2].norm(f[2](y0, context) + y1, context.mask)
    share = module.weight.softmax(0)
    torch.testing.assert_close(module(x, context), share[0] * y0 + share[1] * y1 + share[2] * y2)
    assert GRAPH.wires() == ((-1,), (0,), (0, 1), (0, 1, 2))


def test_the_size_of_textnas() -> None:
    architectures = size(dict(named("textnas").fields)["architecture"])
    assert architectures == 8**24 * factorial(4) * 5**19 * 2**276


def test_the_published_winner_is_a_point_that_runs() -> None:
    (_, candidate), *_ = portfolio("textnas")
    assert contains(named("textnas"), candidate)
    assert len(published.TEXTNAS.blocks) == 24
    network = build(candidate.architecture, INTERFACES["text"]).eval()
    batch = drawn(INTERFACES["text"])
    assert network(batch).shape == (3, 4)
    module = sys.modules["stand_alone"] = type(sys)("stand_alone")
    exec(as_torch(candidate, INTERFACES["text"]), module.__dict__)
    theirs = module.Model().eval()
    theirs.load_state_dict(network.state_dict())
    assert torch.equal(theirs(batch), network(batch))


def test_the_graph_of_a_graph_has_its_wires() -> None:
    found = graph(Graph((Wired(Conv(), 1, ()), Wired(Pool(), 1, (False,)), Wired(Attention(), 2, (False, False)))))
    kinds = [node.kind for node in found.nodes]
    assert {(kinds[a], kinds[b]) for a, b in found.edges} == {("conv", "pool"), ("conv", "attention")}


def test_a_supernet_shares_the_weights_of_a_place() -> None:
    body = vary(
        Body, layers=(vary(Layer, mixer=graphs(4, 4), channel=Skip()),), width=8, norm="pre", statistics="layer"
    )
    space = vary(Network, stem=Words(), body=body, readout=Mean(), head=Mlp(0))
    shared, batch, rng = build(space, INTERFACES["text"]).eval(), drawn(INTERFACES["text"]), Random(0)
    for _ in range(6):
        architecture = sample(space, rng)
        alone = build(architecture, INTERFACES["text"]).eval()
        alone.load_state_dict(shared.weights(architecture))
        torch.testing.assert_close(shared.select(architecture)(batch), alone(batch))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (Graph((Wired(Conv(), 2, ()),)), "Block 0 of a graph reads 2 blocks back. It can look 1 to 1 back."),
        (Graph((Wired(Conv(), 1, (True,)),)), "Block 0 of a graph has 1 answers"),
        (Pool("sum"), 'what="sum" is not known'),
    ],
)
def test_mistakes(spec: object, words: str) -> None:
    with pytest.raises(SpaceError, match=words.split("(")[0].replace(".", r"\.")):
        block(spec, 4)
    with pytest.raises(SpaceError, match="causal"):
        block(GRAPH, 4, Role(causal=True))

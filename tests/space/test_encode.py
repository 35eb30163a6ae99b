"""The vector's places by name, and the graph's nodes and edges."""

from seqwright.arch.blocks import Conv, FeedForward, Lstm, Parallel, Skip
from seqwright.arch.network import Body, Layer, Mean, Mlp, Network, Words
from seqwright.space.encode import encode, graph, names
from seqwright.space.nodes import Choice, Stack, one_of, vary

SPACE = Stack(one_of(vary(Lstm, hidden=Choice((8, 16, 32), ordered=True), bidirectional=False), Skip), 0, 2)


def test_every_place_has_a_name() -> None:
    found = dict(zip(names(SPACE), encode(SPACE, (Lstm(16),)), strict=True))
    assert found == {
        "#?": 1.0, "#": 0.5,
        "/0=lstm": 1.0, "/0=skip": 0.0, "/0/lstm/hidden?": 1.0, "/0/lstm/hidden": 0.5,
        "/1=lstm": 0.0, "/1=skip": 0.0, "/1/lstm/hidden?": 0.0, "/1/lstm/hidden": 0.0,
    }  # fmt: skip


def test_data_flows_in_order_and_side_by_side_where_declared() -> None:
    filters = Parallel((Conv(3), Conv(5)))
    network = Network(Words(), Body((Layer(filters, Skip()), Layer(Lstm(8), FeedForward()))), Mean(), Mlp())
    found = graph(network)
    kinds = [node.kind for node in found.nodes]
    edges = {(found.nodes[a].path, found.nodes[b].path) for a, b in found.edges}
    assert kinds[:8] == ["network", "words", "body", "layer", "parallel", "conv", "conv", "skip"]
    assert kinds[8:] == ["layer", "lstm", "feedforward", "mean", "mlp"]
    assert edges == {
        ("/stem", "/body/layers/0/mixer/branches/0"),
        ("/stem", "/body/layers/0/mixer/branches/1"),
        ("/body/layers/0/mixer/branches/0", "/body/layers/0/channel"),
        ("/body/layers/0/mixer/branches/1", "/body/layers/0/channel"),
        ("/body/layers/0/channel", "/body/layers/1/mixer"),
        ("/body/layers/1/mixer", "/body/layers/1/channel"),
        ("/body/layers/1/channel", "/readout"),
        ("/readout", "/head"),
    }
    lstm = found.nodes[kinds.index("lstm")]
    assert lstm.attributes == (("hidden", 8), ("bidirectional", False))
    assert lstm.parent is not None and found.nodes[lstm.parent].path == "/body/layers/1"


def test_a_body_without_layers_is_one_step() -> None:
    found = graph(Network(Words(), Body(()), Mean(), Mlp()))
    edges = {(found.nodes[a].kind, found.nodes[b].kind) for a, b in found.edges}
    assert edges == {("words", "body"), ("body", "mean"), ("mean", "mlp")}

"""Searched recurrent cells: RNN, LSTM and GRU are points with torch's numbers; the published ones step as written."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from networks import INTERFACES, drawn
from torch import Tensor, nn

from seqwright.arch import published_cells as published
from seqwright.arch.codec import dumps, identity, loads
from seqwright.arch.portfolio import portfolio
from seqwright.arch.recurrent_cells import CellNode, RecurrentCell, averaged, recurrent_cells
from seqwright.arch.recurrent_graph import (
    ActivationNode,
    GraphCell,
    LinearNode,
    ProductNode,
    SumNode,
    alive,
    from_recipe,
    graph_cells,
    gru_cell,
    live,
    lstm_cell,
    padded,
    plan,
    rnn_cell,
)
from seqwright.arch.spaces import named
from seqwright.errors import SpaceError
from seqwright.nn import block, build
from seqwright.nn.cost import cost
from seqwright.nn.recurrent_graph import DrawnCell
from seqwright.nn.source import as_torch
from seqwright.space.census import contains, size
from seqwright.space.moves import sample
from seqwright.testing import check_block

D, H = 5, 6


def drawn_cell(spec: GraphCell, width: int) -> DrawnCell:
    return DrawnCell(width, spec.hidden, *plan(spec))


def copied(cell: DrawnCell, of: nn.RNNBase, gates: dict[str, int]) -> None:
    """Torch's weights into the linear nodes: `gates` says which of its gates a node is, and "x" or "h" is all."""
    with torch.no_grad():
        for name, gate in gates.items():
            rows = slice(gate * H, (gate + 1) * H)
            linear = cell.maps[name]
            if "x" in linear:
                linear["x"].copy_(of.weight_ih_l0[rows])
            if "h1" in linear:
                linear["h1"].copy_(of.weight_hh_l0[rows])
            both = (of.bias_ih_l0[rows] * ("x" in linear), of.bias_hh_l0[rows] * ("h1" in linear))
            linear["bias"].copy_(both[0] + both[1])


@pytest.mark.parametrize(
    ("spec", "theirs", "gates"),
    [
        (rnn_cell(hidden=H), nn.RNN, {"n1": 0}),
        (lstm_cell(hidden=H), nn.LSTM, {"n1": 0, "n2": 1, "n3": 2, "n4": 3}),
        (gru_cell(hidden=H), nn.GRU, {"n1": 0, "n2": 1, "n5": 2, "n6": 2}),
    ],
)
@pytest.mark.parametrize("places", [None, 16])
def test_rnn_lstm_and_gru_compute_what_torch_computes(spec: GraphCell, theirs: Any, gates: dict, places: Any) -> None:
    torch.manual_seed(0)
    cell = drawn_cell(padded(spec, places) if places else spec, D).double()
    reference = theirs(D, H, batch_first=True).double()
    copied(cell, reference, gates)
    assert sum(p.numel() for p in cell.parameters()) < sum(p.numel() for p in reference.parameters())  # one bias, not 2
    x = torch.randn(3, 11, D, dtype=torch.float64)
    ours, last = cell(x)
    expected, state = reference(x)
    torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12)
    for mine, its in zip(last, state if isinstance(state, tuple) else (state,), strict=True):
        torch.testing.assert_close(mine, its[0], rtol=1e-12, atol=1e-12)


CELLS = [
    published.DARTS_FIRST_ORDER,
    published.DARTS_SECOND_ORDER,
    published.ENAS,
    RecurrentCell((), first="relu"),
    rnn_cell(),
    lstm_cell(),
    gru_cell(),
    padded(gru_cell(), 16),
]


@pytest.mark.parametrize("spec", CELLS, ids=str)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_contract(spec: Any, bidirectional: bool) -> None:
    from dataclasses import replace

    check_block(replace(spec, hidden=8, bidirectional=bidirectional))


@pytest.mark.parametrize("seed", range(12))
def test_random_cells_keep_the_contract(seed: int) -> None:
    rng = Random(seed)
    check_block(sample(recurrent_cells(5, hidden=4), rng))
    spec = sample(graph_cells(6, hidden=4), rng)
    module = block(spec, 4).double()
    y = module.ahead(torch.randn(2, 3, 4, dtype=torch.float64))[0]
    assert y.shape == (2, 3, 4)
    names = {name for name, _ in module.ahead.named_parameters()}
    assert names == {n for n, _ in block(alive(spec), 4).ahead.named_parameters()} or len(live(spec)[0]) < 6


def test_the_darts_cell_step_by_step() -> None:
    """Against the recurrence written as in the paper, one state and one node at a time."""
    torch.manual_seed(1)
    spec = RecurrentCell((CellNode(0, "relu"), CellNode(0, "sigmoid"), CellNode(1, "identity")), hidden=H)
    act = {"relu": torch.relu, "sigmoid": torch.sigmoid, "identity": lambda v: v}
    for output in ("mean", "ends"):
        cell = block(RecurrentCell(spec.nodes, "tanh", output, H), D).ahead.double()
        x = torch.randn(2, 4, D, dtype=torch.float64)
        h, states = torch.zeros(2, H, dtype=torch.float64), []
        for t in range(4):
            gate, value = (x[:, t] @ cell.enter.T + h @ cell.repeat.T).split(H, 1)
            s: list[Tensor] = [h + gate.sigmoid() * (value.tanh() - h)]
            for node, weight in zip(spec.nodes, cell.nodes, strict=True):
                gate, value = (s[node.source] @ weight.T).split(H, 1)
                before = s[node.source]
                s.append(before + gate.sigmoid() * (act[node.function](value) - before))
            h = (s[1] + s[2] + s[3]) / 3 if output == "mean" else (s[2] + s[3]) / 2
            states.append(h)
        torch.testing.assert_close(cell(x)[0], torch.stack(states, 1))


def test_the_ends_of_the_enas_cell_are_those_of_the_paper() -> None:
    assert averaged(published.ENAS) == (2, 5, 6, 9, 10, 11)
    assert averaged(published.DARTS_SECOND_ORDER) == tuple(range(1, 9))


def test_sizes_are_the_published_ones() -> None:
    def architectures(name: str) -> int:
        return size(dict(named(name).fields)["architecture"])

    assert architectures("darts-recurrent") == 2_642_411_520
    assert architectures("enas-recurrent") == 669_692_775_628_800
    expected = 16 * 19 * 19
    for i in range(16):
        m = i + 3
        expected *= (m + 1) * (m + 2) + m**3 + 2 * m**2 + 3 * m
    assert architectures("nas-bench-nlp") == expected


@pytest.mark.parametrize("name", ["darts-recurrent", "enas-recurrent", "nas-bench-nlp"])
def test_published_cells_are_points_that_run_and_can_be_written_out(name: str) -> None:
    for _, candidate in portfolio(name):
        assert contains(named(name), candidate)
        network = build(candidate.architecture, INTERFACES["text"]).eval()
        batch = drawn(INTERFACES["text"])
        scope: dict[str, Any] = {"__name__": "stand_alone"}
        import sys

        sys.modules["stand_alone"] = type(sys)("stand_alone")
        text = as_torch(candidate, INTERFACES["text"])
        exec(text, scope)
        theirs = scope["Model"]().eval()
        theirs.load_state_dict(network.state_dict())
        assert torch.equal(theirs(batch), network(batch))
        assert max(map(len, text.split("\n"))) <= 120


def test_a_dead_part_says_nothing() -> None:
    spec = GraphCell((LinearNode("x", "h1"), LinearNode("h3", "x"), ActivationNode("n1", "tanh")), ("n3", "n2", "n2"))
    assert live(spec) == ((0, 2), (0,))
    assert alive(spec) == rnn_cell()
    assert identity(spec) == identity(rnn_cell()) == identity(padded(rnn_cell(), 16))
    assert loads(dumps(spec)) == spec
    one, other = (
        GraphCell((LinearNode(*s), k("n1", "h1")), ("n2",)) for s, k in ((("x", "h1"), SumNode), (("h1", "x"), SumNode))
    )
    assert identity(one) == identity(other)
    delayed = GraphCell((LinearNode("x", "h2"),), ("n1", "h1"))  # h2 is h1 of one step before
    assert live(delayed) == ((0,), (0, 1))
    assert identity(GraphCell((LinearNode("x"), ProductNode("n1", "h1")), ("n2",))) != identity(rnn_cell())


def test_the_cost_of_a_loop_is_counted_by_one_step() -> None:
    candidate = dict(portfolio("darts-recurrent"))["DARTS, second order"]
    counted = cost(candidate.architecture, INTERFACES["text"], 9)["flops"]
    once = cost(candidate.architecture, INTERFACES["text"], 1)["flops"]
    linear = 2 * 128 * 4  # the head's
    assert counted - linear == 9 * (once - linear)
    assert once - linear == 4 * 128 * (128 + 128) + 8 * 4 * 128 * 128 + 2 * 128 * 128 + 2 * 128  # and the mean


def test_a_supernet_shares_the_weights_of_a_node() -> None:
    space = dict(named("darts-recurrent").fields)["architecture"]
    shared = build(space, INTERFACES["text"]).eval()
    batch, rng = drawn(INTERFACES["text"]), Random(0)
    for _ in range(5):
        architecture = sample(space, rng)
        alone = build(architecture, INTERFACES["text"]).eval()
        alone.load_state_dict(shared.weights(architecture))
        torch.testing.assert_close(shared.select(architecture)(batch), alone(batch))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (RecurrentCell((CellNode(1, "tanh"),)), "Node 1 of a recurrent cell reads node 1. It can read nodes 0 to 0,"),
        (RecurrentCell((CellNode(0, "tan"),)), 'The activation "tan" is not known. Did you mean "tanh"?'),
        (RecurrentCell((), output="last"), 'output="last" is not known. Use "mean" or "ends".'),
        (GraphCell((SumNode("x", "h1"),), ("n1",)), 'Node n1 reads "x". Only a LinearNode reads the input.'),
        (GraphCell((LinearNode("x", "n2"),), ("n1",)), 'Node n1 reads "n2". It can read: x, h1.'),
        (GraphCell((LinearNode("x"),), ("n2",)), 'A state of a graph cell becomes "n2". It can become: h1, n1.'),
        (GraphCell((), ()), "A graph cell needs a state"),
        (GraphCell(("x",), ("n1",)), "Node n1 of a graph cell is 'x'. Use one of: LinearNode, "),
    ],
)
def test_mistakes(spec: Any, words: str) -> None:
    with pytest.raises(SpaceError) as caught:
        block(spec, 4)
    assert str(caught.value).startswith(words)


RECORDED = Path(__file__).parents[3] / "shared/data/nas/nas_bench_nlp/wikitext2_logs.jsonl"


@pytest.mark.skipif(not RECORDED.exists(), reason="the table is not here")
def test_every_recorded_recipe_is_a_cell() -> None:
    cells = [
        from_recipe(json.loads(json.loads(line)["recepie"]), hidden=4) for line in RECORDED.read_text().splitlines()
    ]
    assert len(cells) == 345
    for cell in cells[::15]:
        y = drawn_cell(cell, 4)(torch.randn(2, 3, 4))[0]
        assert y.shape == (2, 3, 4)


def test_a_recipe_is_read() -> None:
    recipe = {"h_new_0": {"op": "activation_tanh", "input": ["f"]}, "f": {"op": "linear", "input": ["x", "h_prev_0"]}}
    assert from_recipe(recipe) == rnn_cell()
    with pytest.raises(SpaceError, match="nodes that cannot be made in any order: f"):
        from_recipe({"f": {"op": "linear", "input": ["g"]}})
    with pytest.raises(SpaceError, match='operation "sum" is not known'):
        from_recipe({"f": {"op": "sum", "input": ["x"]}})

"""Networks of mixtures: with one option kept they are that option's network, and gates of one path are one."""

import pytest
import torch
from networks import INTERFACES, drawn

from seqwright.arch.blocks import Conv, Gru, Skip
from seqwright.arch.cells import cells
from seqwright.arch.mixing import derived, mixture
from seqwright.arch.network import Body, Layer, Mean, Mlp, Network, Words
from seqwright.arch.published_spaces import around, stacked
from seqwright.arch.recurrent_cells import recurrent_cells
from seqwright.nn import build
from seqwright.nn.gates import Gate, keep
from seqwright.nn.mixed_recurrent import MixedHighwayCell
from seqwright.nn.mixture import MixtureNetwork
from seqwright.nn.recurrent_cells import HighwayCell
from seqwright.space.narrow import fix
from seqwright.space.nodes import one_of, vary

TEXT = INTERFACES["text"]
PLAIN = vary(Conv, kernel=3, dilation=1, depthwise=False)
LAYER = vary(Layer, mixer=one_of(vary(Gru, hidden=16), PLAIN, Skip), channel=Skip())
BODY = vary(Body, layers=(LAYER,) * 2, width=16, norm="pre", statistics="layer")
LAYERS = vary(Network, stem=Words(), body=BODY, readout=Mean(), head=Mlp(layers=0))
CELLS = fix(fix(stacked(*[cells(("sep3", "max3", "identity"), ("add",), 2)] * 2), "/width", "16"), "/repeats", "2")
RECURRENT = around(recurrent_cells(3, first="tanh", output="mean", hidden=16, bidirectional=True))


def network(space: object, partial: int = 1, sigmoid: bool = False, seed: int = 0) -> MixtureNetwork:
    torch.manual_seed(seed)
    return MixtureNetwork(mixture(space, partial), TEXT, sigmoid=sigmoid)


def test_one_option_kept_is_its_own_network() -> None:
    mixed = network(LAYERS).eval()
    with torch.no_grad():
        mixed.gates["/body/layers/1/mixer"].alpha[1] += 1
        mixed.gates["/body/layers/0/mixer"].alpha[0] += 1
    architecture, kept = derived(LAYERS, mixed.mixed, mixed.strengths())[0]
    assert [type(layer.mixer) for layer in architecture.body.layers] == [Gru, Conv]
    alone = build(architecture, TEXT).eval()
    theirs = {name.removeprefix("network."): value for name, value in mixed.state_dict().items()}
    for name in alone.state_dict():
        for i, place in ((0, "layers.0.mixer.block."), (1, "layers.1.mixer.block.")):
            if place in name:
                theirs[name] = theirs[name.replace(place, f"{place}options.{i}.")]
    alone.load_state_dict({name: theirs[name] for name in alone.state_dict()})
    keep(mixed.gates, kept)
    batch = drawn(TEXT)
    torch.testing.assert_close(mixed(batch), alone(batch))
    keep(mixed.gates, {})
    assert not torch.allclose(mixed(batch), alone(batch))  # all options count again


def test_a_mixed_recurrence_with_one_edge_a_node_is_the_recurrent_cell() -> None:
    spec = mixture(RECURRENT).body.layers[0].mixer
    torch.manual_seed(0)
    mixed = MixedHighwayCell(spec, 16)
    gates = {part.path: part for part in mixed.modules() if isinstance(part, Gate)}
    chosen = ((0, "relu"), (1, "tanh"), (0, "identity"))
    closed = {spec.edge(i, source): None for i in range(3) for source in range(i + 1)}
    keep(gates, closed | {spec.edge(i, source): name for i, (source, name) in enumerate(chosen)})
    steps = tuple((name, source) for source, name in chosen)
    alone = HighwayCell(16, 16, "tanh", steps, (1, 2, 3))
    alone.load_state_dict({n: v for n, v in mixed.state_dict().items() if not n.endswith("alpha")})
    x = torch.randn(3, 5, 16)
    torch.testing.assert_close(mixed(x)[0], alone(x)[0])


def test_a_cell_of_which_two_edges_a_node_are_kept_adds_two_operations() -> None:
    mixed = network(CELLS).eval()
    spec = mixed.mixed.normal
    cell = mixed.network.cells[0]
    _, kept = derived(CELLS, mixed.mixed, mixed.strengths())[0]
    keep(mixed.gates, kept)
    x, mask = torch.randn(2, 6, 16), torch.ones(2, 6, dtype=torch.bool)
    out, _ = cell((x, mask), (x, mask))
    states = [cell.older(x, mask), cell.last(x, mask)]
    for i in range(2):
        parts = [
            cell.nodes[i][str(state)].operations[mixed.gates[spec.edge(i, state)].kept[0]](states[state], mask)
            for state in range(i + 2)
            if kept[spec.edge(i, state)]
        ]
        assert len(parts) == 2
        states.append(sum(parts))
    torch.testing.assert_close(out, torch.cat(states[2:], -1))


@pytest.mark.parametrize("partial", [1, 4])
@pytest.mark.parametrize("space", [LAYERS, CELLS, RECURRENT], ids=["layers", "cells", "recurrent"])
def test_gates_get_gradients_and_padding_changes_nothing(space: object, partial: int) -> None:
    mixed = network(space, partial).eval()
    batch = drawn(TEXT)
    whole = mixed(batch)
    whole.square().sum().backward()
    moved = [gate.path for gate in mixed.gates.values() if len(gate.labels) > 1 and not gate.alpha.grad.any()]
    assert moved == []
    for row, mask in enumerate(batch["words.mask"]):
        one = {"words": batch["words"][row : row + 1, mask], "words.mask": mask[mask][None]}
        torch.testing.assert_close(mixed(one), whole[row : row + 1], atol=1e-5, rtol=1e-5)


def test_gates_of_one_path_are_one_and_partial_channels_take_a_quarter() -> None:
    mixed = network(CELLS)
    normal = [c for c in mixed.network.cells if c.stride == 1]
    assert len(normal) == 6 and len({id(c.nodes[0]["1"].gate) for c in normal}) == 1
    assert len(mixed.alphas()) == 2 * (2 + 3) and len(network(CELLS, 4).alphas()) == 2 * (2 + 3 + 2)
    edge, quarter = (network(CELLS, partial).network.cells[0].nodes[0]["1"] for partial in (1, 4))
    assert edge.operations[0].one.weight.numel() == 4 * quarter.operations[0].one.weight.numel()
    assert not {id(p) for p in mixed.alphas()} & {id(p) for p in mixed.weights()}


def test_what_is_left_when_one_of_two_is_left_out_is_no_stronger() -> None:
    gate = Gate("/x", ("a", "b"))
    whole = gate().tolist()
    gate.leave_out("a")
    assert gate().tolist() == [0.0, whole[1]]
    gate.keep(["b"])
    assert gate().tolist() == [0.0, 1.0]


def test_norms_of_mixed_cells_have_no_scale_that_could_undo_a_gate() -> None:
    mixed = network(CELLS)
    scales = {id(p) for name, p in mixed.network.cells.named_parameters() if ".norm." in name}
    weights = mixed.weights()
    assert scales and not scales & {id(p) for p in weights}
    torch.autograd.grad(mixed(drawn(TEXT)).square().sum(), weights, allow_unused=True)  # as second order does
    alone = build(derived(CELLS, mixed.mixed, mixed.strengths())[0][0], TEXT)
    assert all(p.requires_grad for p in alone.parameters())


def test_sigmoid_gates_do_not_compete_but_edges_do() -> None:
    mixed = network(CELLS, partial=4, sigmoid=True)
    rows = mixed.strengths()
    assert sum(rows["/normal/combinations/1/edge/0"]) == pytest.approx(1.5, abs=0.01)
    assert sum(rows["/normal/combinations/1"]) == pytest.approx(1.0)

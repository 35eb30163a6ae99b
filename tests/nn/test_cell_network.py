"""Networks of normal and reduction cells: masks of the reduced length, published cells, sizes, mistakes."""

from dataclasses import replace
from math import factorial
from random import Random
from typing import Any

import pytest
import torch
from networks import INTERFACES, T, drawn
from torch import Tensor, nn

from seqwright.arch import published_cells as published
from seqwright.arch.cells import OPERATIONS, Cell, CellNetwork, Combination, unread
from seqwright.arch.codec import identity
from seqwright.arch.network import AttentionPool, Cls, Last, Max, Mean, PerStep, Words
from seqwright.arch.portfolio import portfolio
from seqwright.arch.published_spaces import fitted
from seqwright.arch.spaces import named
from seqwright.errors import SpaceError
from seqwright.nn import build
from seqwright.nn.cell_network import CellModule
from seqwright.nn.cell_operations import operation
from seqwright.nn.cost import cost
from seqwright.space.census import contains, size
from seqwright.space.encode import graph
from seqwright.space.moves import sample

LENGTHS = torch.tensor([7, 1, 4])
NETWORK = CellNetwork(Words(), published.NASNET_A_NORMAL, published.NASNET_A_REDUCTION, Mean(), repeats=1, width=16)


def states(width: int = 4, steps: int = 7) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    mask = torch.arange(steps) < LENGTHS[:, None]
    return torch.randn(3, steps, width, dtype=torch.float64, generator=rng), mask


def unlike(module: nn.Module) -> nn.Module:
    """In evaluation, with no parameter and no statistic at its default."""
    torch.manual_seed(0)
    for tensor in module.parameters():
        nn.init.normal_(tensor, std=0.5)
    for name, tensor in module.named_buffers():
        nn.init.uniform_(tensor, 0.5 if "variance" in name else -1.0, 1.5)
    return module.double().eval()


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "noise"])
@pytest.mark.parametrize("stride", [1, 2])
def test_an_operation_does_not_see_padding(name: str, stride: int) -> None:
    module, (x, mask) = unlike(operation(name, 4, stride)), states()
    y, after = module(x, mask), mask[:, ::stride]
    assert y.shape == (3, 7 if stride == 1 else 4, 4)
    real = module(torch.where(mask.unsqueeze(-1), x, 9.0), mask)
    torch.testing.assert_close(real[after], y[after])
    longer = module(torch.cat([x, x], 1), torch.cat([mask, mask & False], 1))
    torch.testing.assert_close(longer[:, : y.shape[1]][after], y[after])
    for i, length in enumerate(LENGTHS):
        alone = module(x[i : i + 1, :length], mask[i : i + 1, :length])
        torch.testing.assert_close(alone[0], y[i, : alone.shape[1]])
        assert alone.shape[1] == int(after[i].sum())


def test_pools_are_those_of_each_sequence() -> None:
    x, mask = states()
    for i, length in enumerate(LENGTHS):
        for t in range(0, int(length), 2):
            near = x[i, max(t - 1, 0) : min(t + 2, int(length))]
            torch.testing.assert_close(operation("avg3", 4, 2)(x, mask)[i, t // 2], near.mean(0))
            torch.testing.assert_close(operation("max3", 4, 2)(x, mask)[i, t // 2], near.amax(0))


def test_operations_use_torchs_convolution() -> None:
    x = states(4)[0][:1]
    mask = torch.ones(1, 7, dtype=torch.bool)
    module = unlike(operation("dilated3", 4, 2))
    plain = torch.nn.functional.conv1d(x.relu().transpose(1, 2), module.weight, stride=2, padding=2, dilation=2)
    torch.testing.assert_close(module(x, mask), module.norm(plain.transpose(1, 2), mask[:, ::2]))


def test_a_cell_by_hand() -> None:
    """Two combinations: s2 = max3(s0) + s1, s3 = s2 | avg3(s0); s1 is read, so only s3 is left."""
    cell = Cell((Combination(0, "max3", 1, "identity"), Combination(2, "identity", 0, "avg3", "concat")))
    assert unread(cell) == (3,) and cell.wires() == ((-1, -1), (0, -1), (1,))
    module = unlike(CellModule(cell, 4, 6, 8, halves=False, behind=False, drop=0.0))
    (older, mask), (last, _) = states(4), states(6)
    y, after = module((older, mask), (last, mask))
    s0, s1 = module.older(older, mask), module.last(last, mask)
    s2 = operation("max3", 8, 1)(s0, mask) + s1
    s3 = module.joins["1"](torch.cat([s2, operation("avg3", 8, 1)(s0, mask)], -1), mask)
    torch.testing.assert_close(y, s3)
    assert torch.equal(after, mask)


def test_reductions_halve_the_steps_and_double_the_width() -> None:
    network = build(NETWORK, INTERFACES["text"]).eval()
    shapes = []
    for cell in network.cells:
        cell.register_forward_hook(lambda m, i, o: shapes.append((o[0].shape[1], o[0].shape[2], o[1].sum(1).tolist())))
    batch = drawn(INTERFACES["text"])
    network(batch)
    lengths = batch["words.mask"].sum(1)
    half = (lengths + 1) // 2
    quarter = (half + 1) // 2
    normal, reduction = len(unread(NETWORK.normal)), len(unread(NETWORK.reduction))
    assert shapes == [
        (T, normal * 16, lengths.tolist()),
        (5, reduction * 32, half.tolist()),
        (5, normal * 32, half.tolist()),
        (3, reduction * 64, quarter.tolist()),
        (3, normal * 64, quarter.tolist()),
    ]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["nasnet", "amoebanet"])
def test_padding_changes_nothing(name: str, seed: int) -> None:
    rng = Random(seed)
    architecture = replace(
        sample(named(name), rng).architecture, readout=rng.choice([Mean(), Max(), Last(), AttentionPool(4)])
    )
    network = unlike(build(replace(architecture, width=16, repeats=1), INTERFACES["text"]))
    batch = drawn(INTERFACES["text"])
    together = network(batch)
    assert bool(together.isfinite().all())
    for i, length in enumerate(batch["words.mask"].sum(1)):
        alone = {key: value[i : i + 1, :length] for key, value in batch.items() if key.startswith("words")}
        torch.testing.assert_close(network(alone)[0], together[i])


@pytest.mark.parametrize("name", ["nasnet", "amoebanet"])
def test_the_published_cells_are_points_that_train(name: str) -> None:
    for _, candidate in portfolio(name):
        assert contains(named(name), candidate)
    network = build(replace(candidate.architecture, width=16), INTERFACES["text"], 0.2)
    network(drawn(INTERFACES["text"])).square().sum().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in network.parameters())
    counted = cost(candidate.architecture, INTERFACES["text"])
    assert counted["parameters"] == sum(
        p.numel() for p in build(candidate.architecture, INTERFACES["text"]).parameters()
    )
    assert counted["flops"] > 0


def test_the_unread_states_are_the_published_ones() -> None:
    assert unread(published.NASNET_A_NORMAL) == (2, 3, 4, 5, 6)
    assert unread(published.NASNET_A_REDUCTION) == unread(published.AMOEBANET_A_NORMAL) == (4, 5, 6)
    assert unread(published.AMOEBANET_A_REDUCTION) == (3, 4, 6)


def test_sizes() -> None:
    def architectures(name: str) -> int:
        return size(dict(named(name).fields)["architecture"])

    wires = factorial(6) ** 2
    assert architectures("nasnet") == 9 * (wires * 13**10 * 2**5) ** 2
    assert architectures("amoebanet") == 9 * (wires * 8**10) ** 2
    assert wires * 13**10 * 2**5 == 2_286_906_949_584_691_200 and wires * 8**10 == 556_627_761_561_600


def test_a_series_and_a_tagging_are_fitted() -> None:
    for name in ("nasnet", "amoebanet", "darts-recurrent", "nas-bench-nlp", "textnas"):
        space = fitted(named(name), dict(INTERFACES["series"].streams), per_step=False)
        assert size(space) == size(named(name))
        assert fitted(named(name), dict(INTERFACES["text"].streams), per_step=False) == named(name)
    series = sample(fitted(named("nasnet"), dict(INTERFACES["series"].streams), per_step=False), Random(0)).architecture
    assert build(series, INTERFACES["series"])(drawn(INTERFACES["series"])).shape == (3, 2)
    tags = fitted(named("darts-recurrent"), dict(INTERFACES["tagging"].streams), per_step=True)
    network = build(sample(tags, Random(0)).architecture, INTERFACES["tagging"])
    assert network(drawn(INTERFACES["tagging"])).shape == (3, T, 5)
    assert fitted(named("series"), dict(INTERFACES["series"].streams), per_step=False) == named("series")


def test_two_texts_are_compared() -> None:
    network = build(replace(NETWORK, pairing="compared"), INTERFACES["pairs"])
    assert network(drawn(INTERFACES["pairs"])).shape == (3, 3)


def test_sums_have_no_order_and_concatenations_have() -> None:
    one, other = Combination(0, "sep3", 1, "avg3"), Combination(1, "avg3", 0, "sep3")
    assert identity(Cell((one,))) == identity(Cell((other,)))
    assert identity(Cell((replace(one, join="concat"),))) != identity(Cell((replace(other, join="concat"),)))


def test_the_graph_has_the_wires() -> None:
    found = graph(published.AMOEBANET_A_NORMAL)
    assert set(found.edges) == {(1, 2), (2, 3)}  # the last two read what comes from outside


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"readout": PerStep()}, "A CellNetwork halves the steps"),
        ({"readout": Cls()}, "A CellNetwork changes the width, and Cls puts a step"),
        ({"pairing": "both"}, 'pairing="both" is not known'),
        ({"pairing": "compared"}, 'pairing="compared" needs two inputs'),
        ({"normal": Cell((Combination(0, "sep3", 2, "sep3"),))}, "Combination 0 of a cell reads state 2. It can read "),
        ({"normal": Cell((Combination(0, "sep4", 1, "sep3"),))}, 'The operation "sep4" is not known. Did you mean '),
        ({"normal": Cell((Combination(0, "sep3", 1, "sep3", "mul"),))}, 'join="mul" is not known.'),
    ],
)
def test_mistakes(change: dict[str, Any], words: str) -> None:
    with pytest.raises(SpaceError) as caught:
        build(replace(NETWORK, **change), INTERFACES["text"])
    assert str(caught.value).startswith(words)

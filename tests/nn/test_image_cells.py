"""Cells in two dimensions: operations against torch's own, published sizes, a task, stand-alone source."""

import sys
from dataclasses import replace
from math import factorial
from random import Random

import pytest
import torch
import torch.nn.functional as F
from networks import INTERFACES, drawn
from torch import Tensor, nn

from seqwright.arch import blocks
from seqwright.arch import published_cells as published
from seqwright.arch.cells import FAILURE_OPERATIONS, OPERATIONS, Cell, CellNetwork, Combination, unread
from seqwright.arch.interface import Interface, Stream
from seqwright.arch.network import AttentionPool, Body, Layer, Max, Mean, Mlp, Network, Pixels, Words
from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import named
from seqwright.errors import SpaceError
from seqwright.nn import build
from seqwright.nn.cost import cost
from seqwright.nn.image_cells import ImageCellModule
from seqwright.nn.image_operations import ImageNorm, image_operation
from seqwright.nn.source import as_torch
from seqwright.space.census import contains, size
from seqwright.space.moves import sample


def images(height: int = 32, width: int = 32, classes: int = 10) -> Interface:
    return Interface((("image", Stream("image", 3, width=width, height=height)),), classes)


NETWORK = CellNetwork(Pixels(), published.NASNET_A_NORMAL, published.NASNET_A_REDUCTION, Mean(), repeats=1, width=16)


def unlike(module: nn.Module) -> nn.Module:
    """In evaluation, with no parameter and no statistic at its default."""
    torch.manual_seed(0)
    for tensor in module.parameters():
        nn.init.normal_(tensor, std=0.5)
    for name, tensor in module.named_buffers():
        nn.init.uniform_(tensor, 0.5 if "variance" in name else -1.0, 1.5)
    return module.double().eval()


def drawn_images(interface: Interface, size: int = 3) -> dict[str, Tensor]:
    stream = interface.stream("image")
    rng = torch.Generator().manual_seed(0)
    return {"image": torch.randn(size, stream.size, stream.height, stream.width, generator=rng)}


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in FAILURE_OPERATIONS])
@pytest.mark.parametrize("stride", [1, 2])
def test_an_operation_keeps_or_halves_the_image(name: str, stride: int) -> None:
    module, x = unlike(image_operation(name, 4, stride)), torch.randn(2, 4, 7, 12, dtype=torch.float64)
    y = module(x)
    assert y.shape == ((2, 4, 7, 12) if stride == 1 else (2, 4, 4, 6))
    far = x.clone()
    far[..., -1] += 1  # the last column moves nothing that lies farther off than any kernel reaches
    assert torch.equal(module(far)[..., 0] != y[..., 0], torch.zeros_like(y[..., 0]).bool())


def by_hand(name: str, stride: int, x: Tensor, module: nn.Module) -> Tensor:
    def conv(part: nn.Module, x: Tensor, **how: object) -> Tensor:
        y = F.conv2d(x.relu(), part.weight, **how)  # type: ignore[arg-type]
        if part.pointwise is not None:
            y = F.conv2d(y, part.pointwise.weight)
        n = part.norm
        return F.batch_norm(y, n.running_mean, n.running_variance, n.weight, n.bias)

    if name == "conv7-1":
        x = conv(module[0], x, stride=(1, stride), padding=(0, 3))
        return conv(module[1], x, stride=(stride, 1), padding=(3, 0))
    if name == "dilated-sep3":
        return conv(module, x, stride=stride, padding=2, dilation=2, groups=4)
    x = conv(module[0], x, stride=stride, padding=2, groups=4)
    return conv(module[1], x, padding=2, groups=4)


@pytest.mark.parametrize("name", ["conv7-1", "dilated-sep3", "sep5"])
@pytest.mark.parametrize("stride", [1, 2])
def test_convolutions_are_torchs(name: str, stride: int) -> None:
    module, x = unlike(image_operation(name, 4, stride)), torch.randn(2, 4, 9, 8, dtype=torch.float64)
    torch.testing.assert_close(module(x), by_hand(name, stride, x, module))


def test_pools_leave_the_edge_out() -> None:
    x = torch.randn(1, 2, 5, 6)
    near = x[..., :2, :2].flatten(2)  # what the corner pixel sees
    torch.testing.assert_close(image_operation("avg3", 2, 1)(x)[..., 0, 0], near.mean(-1))
    torch.testing.assert_close(image_operation("max3", 2, 2)(x)[..., 0, 0], near.amax(-1))
    torch.testing.assert_close(image_operation("max5", 2, 2)(x)[..., 1, 1], x[..., :5, :5].flatten(2).amax(-1))


def test_the_norm_is_torchs() -> None:
    ours, theirs, x = ImageNorm(4), nn.BatchNorm2d(4), torch.randn(3, 4, 5, 6)
    torch.testing.assert_close(ours(x), theirs(x))
    torch.testing.assert_close(ours.running_variance, theirs.running_var)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


def test_a_cell_by_hand() -> None:
    """s2 = max3(s0) + s1, s3 = s2 | avg3(s0); in a reduction s0 and s1 are halved on the way, s2 is so already."""
    cell = Cell((Combination(0, "max3", 1, "identity"), Combination(2, "identity", 0, "avg3", "concat")))
    for halves in (False, True):
        module = unlike(ImageCellModule(cell, 4, 6, 8, halves=halves, behind=False, drop=0.0))
        older, last = torch.randn(2, 4, 6, 7, dtype=torch.float64), torch.randn(2, 6, 6, 7, dtype=torch.float64)
        s0, s1 = module.older(older), module.last(last)
        stride = 2 if halves else 1
        same = module.second[0](s1)  # the identity, or a map of every second pixel
        assert torch.equal(same, s1) is not halves
        s2 = F.max_pool2d(s0, 3, stride, 1) + same
        joined = torch.cat([s2, F.avg_pool2d(s0, 3, stride, 1, count_include_pad=False)], 1)
        torch.testing.assert_close(module(older, last), module.joins["1"](joined))


def test_reductions_halve_both_ways_and_double_the_width() -> None:
    network, shapes = build(NETWORK, images(13, 10)).eval(), []
    for cell in network.cells:
        cell.register_forward_hook(lambda module, given, made: shapes.append(tuple(made.shape[1:])))
    network(drawn_images(images(13, 10)))
    normal, reduction = len(unread(NETWORK.normal)), len(unread(NETWORK.reduction))
    assert shapes == [
        (normal * 16, 13, 10),
        (reduction * 32, 7, 5),
        (normal * 32, 7, 5),
        (reduction * 64, 4, 3),
        (normal * 64, 4, 3),
    ]


@pytest.mark.parametrize(
    ("name", "repeats", "width", "millions", "off"),
    [
        ("amoebanet-2d", 6, 32, 2.6, 0.05),
        ("amoebanet-2d", 6, 36, 3.2, 0.05),
        ("nasnet-2d", 6, 32, 3.3, 0.1),  # the authors' code joins the input too, though the normal cell reads it
    ],
)
def test_published_networks_have_the_published_parameters(
    name: str, repeats: int, width: int, millions: float, off: float
) -> None:
    candidate = portfolio(name)[-1][1]
    assert contains(named(name), candidate)
    architecture = replace(candidate.architecture, repeats=repeats, width=width)
    assert cost(architecture, images())["parameters"] == pytest.approx(millions * 1e6, rel=off)


def test_sizes() -> None:
    def architectures(name: str) -> int:
        return size(dict(named(name).fields)["architecture"])

    wires = factorial(6) ** 2
    assert architectures("nasnet-2d") == 20 * (wires * 13**10 * 2**5) ** 2
    assert architectures("amoebanet-2d") == 20 * (wires * 8**10) ** 2


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["nasnet-2d", "amoebanet-2d"])
def test_random_members_can_be_built_and_written_down(name: str, seed: int) -> None:
    rng, interface = Random(seed), images(9, 6, 5)
    drawn = sample(named(name), rng).architecture
    architecture = replace(drawn, readout=rng.choice([Mean(), Max(), AttentionPool(4)]), repeats=1, width=16)
    stand_alone(replace(architecture, stem=Pixels(kernel=7, stride=2)), interface, drawn_images(interface))


@pytest.mark.parametrize("name", ["nasnet", "amoebanet"])
def test_cells_on_sequences_can_be_written_down(name: str) -> None:
    for pairing, data in (("joined", "text"), ("compared", "pairs")):
        for _, candidate in portfolio(name):
            spec = replace(candidate.architecture, pairing=pairing, repeats=1, width=16, head=Mlp(1, 64))
            text = stand_alone(spec, INTERFACES[data], drawn(INTERFACES[data]))
    assert "seqwright" not in text.lower() and max(map(len, text.split("\n"))) <= 120


def stand_alone(architecture: CellNetwork, interface: Interface, batch: dict[str, Tensor]) -> str:
    """The written network computes what the built one does, with the same weights, in both modes."""
    text = as_torch(architecture, interface)
    module = sys.modules["stand_alone"] = type(sys)("stand_alone")
    exec(compile(text, "stand_alone.py", "exec"), module.__dict__)
    ours, theirs = build(architecture, interface), module.Model()
    assert list(theirs.state_dict()) == list(ours.state_dict())
    theirs.load_state_dict(ours.state_dict())
    torch.testing.assert_close(theirs.train()(batch), ours.train()(batch), rtol=0, atol=0)
    torch.testing.assert_close(theirs.eval()(batch), ours.eval()(batch), rtol=0, atol=0)
    return text


def test_it_learns_to_see() -> None:
    """Bars that stand or lie, anywhere, in noise: a task for two dimensions that no pixel alone tells."""
    rng = torch.Generator().manual_seed(0)

    def batch(n: int) -> tuple[dict[str, Tensor], Tensor]:
        x, y = 0.3 * torch.randn(n, 3, 8, 8, generator=rng), torch.randint(0, 2, (n,), generator=rng)
        for image, lies in zip(x, y, strict=True):
            a, b = torch.randint(0, 8, (2,), generator=rng).tolist()
            where = (a, slice(b % 5, b % 5 + 4)) if lies else (slice(b % 5, b % 5 + 4), a)
            image[:, where[0], where[1]] += 1.5
        return {"image": x}, y

    torch.manual_seed(0)
    network = build(replace(NETWORK, normal=published.AMOEBANET_A_NORMAL, width=8), images(8, 8, 2), 0.1)
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    for _ in range(40):
        x, y = batch(32)
        optimizer.zero_grad()
        F.cross_entropy(network(x), y).backward()
        optimizer.step()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in network.parameters())
    x, y = batch(200)
    assert (network.eval()(x).argmax(-1) == y).float().mean() > 0.9


def test_an_image_is_a_sequence_of_pixels_too() -> None:
    """A stem like any other: a network of layers reads it row by row."""
    layers = (Layer(blocks.Gru(8), blocks.FeedForward(1)),)
    network = build(Network(Pixels(1, 2), Body(layers, 8), Mean(), Mlp(0)), images(7, 4))
    assert network(drawn_images(images(7, 4))).shape == (3, 10)
    x, _ = network.stem(drawn_images(images(7, 4)))
    assert x.shape == (3, 4 * 2, 8)


def test_mistakes() -> None:
    with pytest.raises(SpaceError, match='Pixels reads the stream "image", which the data does not give'):
        build(NETWORK, INTERFACES["text"])
    with pytest.raises(SpaceError, match='Words reads the stream "words", which the data does not give'):
        build(replace(NETWORK, stem=Words()), images())

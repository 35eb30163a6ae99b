"""Networks of cells over shared weights are the stand-alone ones, and share by place, combination, state, operation."""

from functools import cache
from random import Random
from typing import Any

import pytest
import torch
from networks import INTERFACES, drawn

from seqwright.arch.cells import CellNetwork, cells
from seqwright.arch.interface import Interface, Stream
from seqwright.arch.network import AttentionPool, Max, Mean, Mlp, Pixels, Words
from seqwright.arch.spaces import named
from seqwright.errors import SpaceError
from seqwright.nn import build
from seqwright.nn.slices import cut
from seqwright.nn.supernet import Supernet
from seqwright.space.moves import sample
from seqwright.space.nodes import Choice, one_of, vary

CELL = cells(("identity", "conv3-1", "sep3", "avg3", "dilated3"), ("add", "concat"), combinations=3)
IMAGES = Interface((("image", Stream("image", 3, width=9, height=10)),), 3)
SPACES: dict[str, tuple[Any, Interface]] = {
    "sequences": ({"stem": Words(), "readout": one_of(Mean, Max, AttentionPool)}, INTERFACES["text"]),
    "pairs": ({"stem": Words(), "readout": Mean(), "pairing": one_of("joined", "compared")}, INTERFACES["pairs"]),
    "images": ({"stem": vary(Pixels), "readout": Mean()}, IMAGES),
}


def space(name: str) -> Any:
    given, _ = SPACES[name]
    sizes = {"width": Choice((4, 8), ordered=True), "repeats": Choice((1, 2), ordered=True), "head": vary(Mlp)}
    return vary(CellNetwork, normal=CELL, reduction=CELL, **(sizes | given))


@cache
def supernet(name: str) -> Supernet:
    torch.manual_seed(0)
    return build(space(name), SPACES[name][1])


def batch(name: str) -> Any:
    torch.manual_seed(3)
    return {"image": torch.randn(4, 3, 10, 9)} if name == "images" else drawn(SPACES[name][1])


@pytest.mark.parametrize("name", SPACES)
def test_selected_outputs_and_gradients_are_the_stand_alone_networks(name: str) -> None:
    shared, rng, given = supernet(name).train(), Random(0), batch(name)
    for _ in range(8):
        architecture = sample(space(name), rng)
        network = build(architecture, SPACES[name][1]).train()
        network.load_state_dict(shared.weights(architecture), strict=True)
        shared.zero_grad(set_to_none=True)
        ours, theirs = shared.select(architecture)(given), network(given)
        torch.testing.assert_close(ours, theirs)
        for y in (ours, theirs):
            y.square().sum().backward()
        for parameter, (key, *rest) in shared._slices.items():
            if key in shared.parts and (expected := network.get_parameter(parameter).grad) is not None:
                torch.testing.assert_close(cut(shared.parts[key].grad, *rest), expected)
        after = shared.weights(architecture)
        for buffer, value in network.named_buffers():
            torch.testing.assert_close(after[buffer], value)


@pytest.mark.parametrize("name", SPACES)
def test_every_member_has_its_weights(name: str) -> None:
    rng = Random(1)
    for _ in range(40):
        supernet(name).select(sample(space(name), rng))


def test_what_shares_and_what_does_not() -> None:
    shared, rng = supernet("sequences"), Random(2)
    owners: dict[str, set[tuple[str, int, int]]] = {}
    for _ in range(60):
        architecture = sample(space("sequences"), rng)
        shared.select(architecture)
        for name, (key, *_) in shared._slices.items():
            top, number, where, *rest = (*name.split("."), "", "", "")[:6]
            if top == "cells" and where == "first" and number == "0":
                made = architecture.normal.combinations[int(rest[0])]
                owners.setdefault(key, set()).add((made.first, made.one, int(rest[0])))
    assert len(owners) > 20 and all(len(who) == 1 for who in owners.values())


def test_a_bank_that_is_too_large_is_refused_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqwright.nn.supernet.MOST", 1000)
    with pytest.raises(SpaceError, match=r"shared weights of this space are [\d,]+ numbers, more than .* Narrow its"):
        build(named("tiny"), INTERFACES["text"])

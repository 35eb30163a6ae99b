"""Rewritings: what is given comes first, and no step through the options costs more, built and counted."""

from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

import pytest

from seqwright.arch.blocks import Attention, Conv, FeedForward, Gru, Lstm, Parallel, Skip
from seqwright.arch.candidate import Candidate
from seqwright.arch.cells import Cell, CellNetwork, Combination
from seqwright.arch.codec import space_from_data, space_to_data
from seqwright.arch.network import Body, Layer, Mean, Mlp, Network, NgramBag, Words
from seqwright.arch.portfolio import portfolio
from seqwright.arch.published_cells import AMOEBANET_A_NORMAL, AMOEBANET_A_REDUCTION, DARTS_SECOND_ORDER
from seqwright.arch.recurrent_graph import lstm_cell
from seqwright.arch.rewriting import IDENTITY, Site, rewritings
from seqwright.arch.wired import Graph, Pool, Wired
from seqwright.errors import SpaceError
from seqwright.faces.subject import usual
from seqwright.nn.cheaper import measured
from seqwright.nn.cost import cost
from seqwright.space.census import questions
from seqwright.space.fill import answers, fill


def network(*layers: Layer) -> Network:
    return Network(Words(), Body(layers, width=32), Mean(), Mlp(layers=0))


GIVEN: dict[str, Any] = {
    "recurrent": network(Layer(Lstm(32, True), FeedForward(4)), Layer(Gru(32, True), Skip())),
    "filters": network(Layer(Parallel((Conv(3), Conv(7), Conv(5, depthwise=True))), Skip())),
    "attention": network(Layer(Attention(8, window=8), FeedForward(2)), Layer(Conv(15, dilation=2), Skip())),
    "graph": network(
        Layer(
            Graph((Wired(Conv(5), 1, ()), Wired(Pool("max", 3), 1, (True,)), Wired(Attention(4), 2, (True, False)))),
            Skip(),
        )
    ),
    "cells": CellNetwork(Words(), AMOEBANET_A_NORMAL, AMOEBANET_A_REDUCTION, Mean(), 1, 16),
    "recurrent cell": network(Layer(replace(DARTS_SECOND_ORDER, hidden=32), Skip())),
    "recurrent graph": network(Layer(lstm_cell(hidden=32), Skip())),
}


@cache
def space(name: str, table: Any = "cheaper") -> Any:
    return rewritings(GIVEN[name], measured, table)


@pytest.mark.parametrize("name", GIVEN)
def test_no_step_through_the_options_costs_more(name: str) -> None:
    asked, rng = questions(space(name)), Random(0)
    known = dict.fromkeys(asked, 0)
    assert fill(space(name), lambda path, _: known[path]) == GIVEN[name]
    interface = usual(GIVEN[name])
    before = {length: cost(GIVEN[name], interface, length) for length in (5, 64)}
    while open_paths := [path for path, q in asked.items() if known[path] + 1 < len(q.options)]:
        for path in rng.sample(open_paths, min(6, len(open_paths))):
            known[path] = rng.randrange(known[path] + 1, len(asked[path].options))
        rewritten = fill(space(name), lambda path, _: known[path])
        for length, was in before.items():
            now = cost(rewritten, interface, length)
            assert now["flops"] <= was["flops"] and now["parameters"] <= was["parameters"], rewritten
            before[length] = now
    assert now["flops"] < cost(GIVEN[name], interface, 64)["flops"] or name == "recurrent cell"


def test_what_is_cheaper_in_narrow_cells_is_so_in_the_wide_ones_behind_them() -> None:
    cell = Cell((Combination(0, "sep7", 1, "sep5"), Combination(2, "sep3", 1, "identity")))
    given = CellNetwork(Words(), cell, cell, Mean(), 1, 8, Mlp(layers=0))
    opened = rewritings(given, measured)
    asked = {path: question for path, question in questions(opened).items() if "/normal/" in path}
    for path, question in asked.items():
        costs = [
            cost(fill(opened, lambda other, _: place * (other == path)), usual(given))  # noqa: B023
            for place in range(len(question.options))
        ]
        for name in ("flops", "parameters"):
            assert [c[name] for c in costs] == sorted((c[name] for c in costs), reverse=True), (path, question.options)


@pytest.mark.parametrize("name", GIVEN)
def test_a_space_of_rewritings_is_data(name: str) -> None:
    assert space_from_data(space_to_data(space(name))) == space(name)
    assert set(answers(space(name), GIVEN[name]).values()) == {0}


def test_the_published_table_is_itself_a_skip_or_nothing() -> None:
    assert {q.labels() for q in questions(space("recurrent", "published")).values()} == {
        ("lstm 32 bidirectional", "skip"),
        ("feedforward 4", "skip"),
        ("gru 32 bidirectional", "skip"),
    }
    for path, question in questions(space("cells", "published")).items():
        rest = question.options[1:]
        # Where it halves the steps an identity is a map, which a pool must not become.
        assert rest in (("identity", "none"), ("none",)), path
    graph = questions(space("graph", "published"))
    assert all(question.options[-2:] == (IDENTITY, Skip()) for question in graph.values())


def test_what_does_least_becomes_nothing_that_does_more() -> None:
    for question in questions(space("cells")).values():
        if question.options[0] == "identity" and "conv1" not in question.options:
            assert question.options == ("identity", "none")
        if question.options[0] == "avg3":
            assert "max3" not in question.options


def test_measured_as_the_network_is() -> None:
    one, two = (cost(network(Layer(mixer, Skip())), usual(GIVEN["filters"]), 16) for mixer in (Conv(7), Conv(3)))
    (_, flops, parameters), (_, fewer, less) = (measured(Conv(kernel), Site(32)) for kernel in (7, 3))
    assert one["flops"] - two["flops"] == flops - fewer and one["parameters"] - two["parameters"] == parameters - less


def test_a_candidate_keeps_its_recipe() -> None:
    candidate = dict(portfolio("text"))["text CNN"]
    opened = rewritings(candidate, measured)
    assert dict(opened.fields)["recipe"] == candidate.recipe
    assert isinstance(fill(opened, lambda path, question: len(question.options) - 1), Candidate)


@pytest.mark.parametrize("given", [Network(NgramBag(), Body(()), Mean()), network(Layer(Skip(), Skip()))])
def test_nothing_to_rewrite(given: Network) -> None:
    with pytest.raises(SpaceError, match="nothing to rewrite"):
        rewritings(given, measured)


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(SpaceError, match="has no operations to rewrite"):
        rewritings(dict(portfolio("bert-head"))["linear on [CLS]"], measured)


def test_cells_on_images_are_refused() -> None:
    with pytest.raises(SpaceError, match="not rewritten"):
        rewritings(dict(portfolio("nasnet-2d"))["NASNet-A, 2 at 32"], measured)

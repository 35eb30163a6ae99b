"""JSON of values and spaces: round trips, ids that twins share, and every mistake named."""

import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqwright.arch.blocks import Attention, Conv, FeedForward, Lstm, Parallel, Skip
from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.codec import (
    canonical,
    dumps,
    from_data,
    identity,
    loads,
    space_from_data,
    space_loads,
    space_to_data,
    to_data,
)
from seqwright.arch.network import Body, Layer, Max, Mean, Mlp, Network, NgramBag, Words
from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import describe, named
from seqwright.errors import SpaceError
from seqwright.space.moves import sample
from seqwright.space.nodes import Choice, Stack, one_of, same, vary

NAMES = sorted(describe())


@given(st.sampled_from(NAMES), st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_round_trips_keep_the_value_and_the_id(name: str, seed: int) -> None:
    value = sample(named(name), Random(seed))
    again = loads(dumps(value))
    assert same(again, value) and hash(again) == hash(value)
    assert identity(again) == identity(value)
    assert dumps(again) == dumps(value)
    assert same(from_data(json.loads(json.dumps(to_data(value)))), value)
    assert identity(canonical(value)) == identity(value)
    assert same(canonical(canonical(value)), canonical(value))


@pytest.mark.parametrize("name", NAMES)
def test_spaces_survive_as_json(name: str) -> None:
    space = named(name)
    assert space_from_data(space_to_data(space)) == space
    assert space_loads(json.dumps(space_to_data(space))) == space


def test_the_id_is_golden() -> None:
    candidate = Candidate(Network(Words(), Body((Layer(Lstm(), Skip()),)), Mean()), Recipe())
    assert dumps(candidate.architecture) == (
        '{"body":{"kind":"body","layers":[{"channel":{"kind":"skip"},"kind":"layer",'
        '"mixer":{"bidirectional":false,"hidden":128,"kind":"lstm"}}],"norm":"pre","statistics":"layer","width":128},'
        '"head":{"kind":"mlp","layers":0,"width":128},"kind":"network","pairing":"joined",'
        '"readout":{"kind":"mean"},"stem":{"kind":"words"}}'
    )
    assert identity(candidate.architecture) == "549aa52f11b9"


def network(*layers: Layer, **more: Any) -> Network:
    return replace(Network(Words(), Body(layers), Mean(), Mlp()), **more)


LAYER = Layer(Lstm(), Skip())
NOTHING = Layer(Skip(), Skip())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (network(LAYER, NOTHING), network(LAYER)),
        (network(NOTHING, NOTHING), network()),
        (network(body=Body((), norm="post", statistics="batch")), network()),
        (network(body=Body((LAYER,), norm="none", statistics="batch")), network(body=Body((LAYER,), norm="none"))),
        (network(head=Mlp(layers=0, width=64)), network()),
        (network(Layer(Parallel((Conv(5), Conv(3))), Skip())), network(Layer(Parallel((Conv(3), Conv(5))), Skip()))),
        (network(Layer(Parallel((Conv(5),)), Skip())), network(Layer(Conv(5), Skip()))),
        (network(Layer(Parallel((Skip(), Conv(5))), Skip())), network(Layer(Conv(5), Skip()))),
        (network(stem=NgramBag(), readout=Max()), network(stem=NgramBag())),
    ],
)
def test_twins_share_an_id(one: Network, other: Network) -> None:
    assert one != other
    assert identity(one) == identity(other)
    assert not same(loads(dumps(one)), loads(dumps(other)))  # what is stored is what was proposed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (network(LAYER), network(LAYER, LAYER)),
        (network(head=Mlp(layers=1, width=64)), network(head=Mlp(layers=1, width=128))),
        (network(body=Body((LAYER,), norm="post")), network(body=Body((LAYER,)))),
        (network(Layer(Conv(3), Skip()), LAYER), network(LAYER, Layer(Conv(3), Skip()))),
        (network(readout=Max()), network()),
        (network(body=Body((), width=64)), network()),
    ],
)
def test_different_networks_differ(one: Network, other: Network) -> None:
    assert identity(one) != identity(other)


def test_a_person_may_leave_out_what_has_a_default() -> None:
    assert from_data({"kind": "lstm", "hidden": 64}) == Lstm(64)
    assert same(from_data({"kind": "recipe", "learning_rate": 1}), Recipe(learning_rate=1.0))
    assert space_from_data({"vary": "conv", "kernel": 3}) == vary(Conv, kernel=3)
    data = {"choice": [{"vary": "feedforward"}, {"kind": "skip"}], "names": ["some", "none"]}
    assert space_from_data(data) == Choice((vary(FeedForward), Skip()), names=("some", "none"))
    stack = {"stack": {"choice": [{"vary": "lstm"}, {"vary": "skip"}]}, "least": 0, "most": 2}
    assert space_from_data(stack) == Stack(one_of(Lstm, Skip), 0, 2)
    body = {"vary": "body", "layers": stack, "width": {"choice": [48, 96], "ordered": True}}
    assert space_from_data(body) == vary(Body, layers=Stack(one_of(Lstm, Skip), 0, 2), width=Choice((48, 96), True))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"kind": "lsmt"}, 'At /: no kind is named "lsmt". Did you mean "lstm"? There are: '),
        ({"kind": "lstm", "hiden": 64}, 'At /: lstm has no field "hiden". Did you mean "hidden"? Its fields: hidden, bidirectional.'),  # noqa: E501
        ({"kind": "lstm", "hidden": "64"}, 'At /hidden: "64" is not a whole number.'),
        ({"kind": "lstm", "hidden": 64.5}, "At /hidden: 64.5 is not a whole number."),
        ({"kind": "lstm", "hidden": True}, "At /hidden: true is not a whole number."),
        ({"kind": "lstm", "hidden": None}, "At /hidden: null is not allowed; expected a whole number."),
        ({"kind": "lstm", "hidden": 0}, "At /hidden: 0 is too small; usual are 32, 64, 128, 256."),
        ({"kind": "lstm", "bidirectional": 1}, "At /bidirectional: 1 is not true or false."),
        ({"kind": "attention", "window": "all"}, 'At /window: "all" is not a whole number or null.'),
        ({"kind": "attention", "positions": "rotery"}, 'At /positions: "rotery" is not one of rotary, sinusoidal, learned. Did you mean "rotary"?'),  # noqa: E501
        ({"kind": "body"}, 'At /: body needs the field "layers".'),
        ({"kind": "body", "layers": 3}, "At /layers: 3 is not a list."),
        ({"kind": "candidate", "architecture": 1, "recipe": {"kind": "lstm"}}, 'At /recipe: "lstm" is not a recipe.'),
        ({"hidden": 3}, 'At /: an object needs "kind"; this one has hidden.'),
        ({}, 'At /: an object needs "kind"; this one has nothing.'),
        ({"vary": "lstm"}, 'At /: an object needs "kind"; this one has vary.'),
    ],
)  # fmt: skip
def test_mistakes_in_values(data: Any, words: str) -> None:
    with pytest.raises(SpaceError) as caught:
        from_data(data)
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"hidden": 3}, 'At /: an object needs "kind", "vary", "choice" or "stack"; this one has hidden.'),
        ({"choice": []}, "At /: A choice needs at least one option."),
        ({"choice": [1, 2], "order": True}, 'At /: "choice" has no field "order". Did you mean "ordered"?'),
        ({"choice": 3}, 'At /: "choice" and "names" are lists, "ordered" is true or false.'),
        ({"stack": {"vary": "lstm"}, "least": 1}, 'At /: a stack needs whole numbers "least" and "most".'),
        ({"stack": {"vary": "lstm"}, "least": 3, "most": 1}, "At /: A stack of 3 to 1 elements is empty. Give 0 <= least <= most."),  # noqa: E501
        ({"vary": "layer", "mixer": 1}, "At /: layer needs the field \"channel\"."),
        ({"vary": "lstm", "hidden": {"choice": [64, "big"]}}, 'At /hidden: "big" is not a whole number.'),
        ({"choice": [{"vary": "conv"}, {"kind": "conv"}]}, "At /: Two options share a label in: conv, conv. Give the choice `names`."),  # noqa: E501
    ],
)  # fmt: skip
def test_mistakes_in_spaces(data: Any, words: str) -> None:
    with pytest.raises(SpaceError) as caught:
        space_from_data(data)
    assert str(caught.value) == words


def test_all_mistakes_are_told_at_once() -> None:
    data = to_data(portfolio("text")[1][1])
    data["recipe"]["dropout"] = "much"
    data["architecture"]["body"]["layers"][0]["mixer"]["branches"][1]["kernel"] = None
    data["architecture"]["stem"]["kind"] = "word"
    with pytest.raises(SpaceError) as caught:
        from_data(data)
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "At /architecture/stem",
        "At /architecture/body/layers/0/mixer/branches/1/kernel",
        "At /recipe/dropout",
    ]


def test_what_is_not_json() -> None:
    with pytest.raises(SpaceError, match=r"^This is not JSON: .*line 1 column 2.* Check the text at that place\.$"):
        loads("{nonsense")
    with pytest.raises(SpaceError, match=r"At /branches/0: .*cannot be written as JSON"):
        to_data(Parallel(({1, 2},)))
    with pytest.raises(SpaceError, match="not JSON"):
        loads("NaN")
    assert to_data(Attention(window=None))["window"] is None


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(SpaceError):
        loads("[" * 100_000)

"""Reasons and refusals of fill and read, word for word."""

from random import Random

import pytest

from seqwright.arch.blocks import Attention, FeedForward, Lstm, Skip
from seqwright.arch.network import Body, Layer, Max, Mean, Mlp, Network, NgramBag, Words
from seqwright.arch.spaces import named
from seqwright.errors import SpaceError
from seqwright.space.fill import answers, fill, why_not
from seqwright.space.moves import sample
from seqwright.space.nodes import Choice, Stack, vary

ARCHITECTURE = dict(named("text").fields)["architecture"]


def network(*layers: Layer, width: int = 64) -> Network:
    return Network(Words(), Body(layers, width=width), Mean(), Mlp())


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (network(Layer(Lstm(hidden=48), Skip())), "At /sequence/body/layers/0/mixer/lstm/hidden: 48 is not one of 32, 64, 128, 256."),  # noqa: E501
        (network(Layer(Skip(), Attention())), "At /sequence/body/layers/0/channel: Attention(heads=4, window=None, positions='rotary') is not one of feedforward, gatedfeedforward, skip."),  # noqa: E501
        (network(*[Layer(Skip(), FeedForward())] * 5), "At /sequence/body/layers: 5 elements, expected 0 to 4."),
        (network(width=65), "At /sequence/body/width: 65 is not one of 32, 64, 128, 256."),
        (Network(NgramBag(), Body(()), Max(), Mlp()), "At /bag/readout: Max() is not Mean()."),
        (Network(NgramBag(), Body(()), Mean(), Mlp(layers=3)), "At /bag/head/layers: 3 is not one of 0, 1, 2."),
        (7, "At /: 7 is not one of sequence, bag."),
        (Network(Words(), Body([], width=64), Mean(), Mlp()), "At /sequence/body/layers: expected a tuple, got []."),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_why_not_explains_the_option_that_was_followed_furthest(value: object, words: str) -> None:
    assert why_not(ARCHITECTURE, value) == words
    with pytest.raises(SpaceError) as caught:
        answers(ARCHITECTURE, value)
    assert str(caught.value) == f"The value lies outside the space. {words}"


@pytest.mark.parametrize("index", [-1, 2])
def test_an_answer_must_be_an_index(index: int) -> None:
    with pytest.raises(SpaceError) as caught:
        fill(Choice((5, 7)), lambda *_: index)
    assert str(caught.value) == f"The answer {index} at / is not the index of an option. It has 2: 5, 7."


def test_paths_are_as_documented() -> None:
    space = vary(Body, layers=Stack(vary(Lstm), 1, 2), width=64, norm="pre", statistics="layer")
    asked: list[str] = []
    fill(space, lambda path, _: asked.append(path) or 0)
    assert asked == ["/layers#", "/layers/0/hidden", "/layers/0/bidirectional"]


def test_a_long_value_is_cut_in_messages() -> None:
    value = sample(named("text"), Random(0))
    reason = why_not(Choice((1, 2)), (value,) * 5)
    assert reason is not None and len(reason) < 200

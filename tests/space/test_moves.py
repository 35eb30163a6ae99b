"""Moves in particular: what carries over, what priors do, how fast."""

import math
import time
from collections import Counter
from random import Random

import pytest

from seqwright.arch.blocks import FeedForward, Gru, Lstm
from seqwright.arch.network import Layer
from seqwright.arch.spaces import named
from seqwright.errors import SpaceError
from seqwright.space.fill import read
from seqwright.space.moves import Move, duplicate, insert, mutate, remove, sample, swap, words
from seqwright.space.nodes import Choice, Stack, one_of, vary
from seqwright.space.prior import Prior, by_size


def test_answers_carry_over_to_a_sibling_that_asks_the_same() -> None:
    space = one_of(Lstm, Gru)
    for seed in range(200):
        child, move = mutate(space, Lstm(hidden=256, bidirectional=True), Random(seed))
        if move.path == "":
            assert child == Gru(hidden=256, bidirectional=True)
            assert move == Move("replace", "", "lstm", "gru")
            return
    pytest.fail("no mutation replaced the block")


def test_half_the_changes_on_a_scale_go_one_step() -> None:
    space = Choice(tuple(range(11)), ordered=True)
    steps = Counter(abs(mutate(space, 5, Random(seed))[0] - 5) for seed in range(2000))
    assert 0.5 < steps[1] / 2000 < 0.7  # half, and a tenth of the other half
    assert set(steps) == {1, 2, 3, 4, 5}
    assert {mutate(space, 0, Random(seed))[1].name for seed in range(50)} == {"raise"}


def test_every_question_is_reached() -> None:
    space = named("tiny")
    value = sample(space, Random(1))
    reached = {mutate(space, value, Random(seed))[1].path for seed in range(500)}
    known = read(space, value)
    assert known is not None and reached == set(known)


def test_nothing_to_mutate() -> None:
    with pytest.raises(SpaceError, match=r"^The space holds a single value, so there is nothing to mutate\.$"):
        mutate(vary(Lstm, hidden=64, bidirectional=False), Lstm(64), Random(0))


def test_edits_of_a_stack() -> None:
    space = Stack(Choice(("a", "b", "c")), 1, 3)
    rng = Random(3)
    assert insert(space, ("a", "b", "c"), rng) is None
    assert duplicate(space, ("a", "b", "c"), rng) is None
    assert remove(space, ("a",), rng) is None
    assert swap(space, ("a", "a"), rng) is None
    assert duplicate(space, ("a",), rng) == (("a", "a"), Move("duplicate", "/0", "", "a"))
    assert remove(space, ("a", "a"), rng) is not None
    swapped = swap(space, ("a", "b"), rng)
    assert swapped == (("b", "a"), Move("swap", "/0", "a", "b"))
    inserted = [insert(space, ("a", "b"), Random(seed)) for seed in range(200)]
    assert {len(edit[0]) for edit in inserted if edit} == {3}
    assert {edit[1].path for edit in inserted if edit} == {"/0", "/1", "/2"}


def test_a_move_says_itself() -> None:
    move = Move("insert", "/layers/1", "", "layer(lstm(64, False), skip)")
    assert str(move) == "insert at /layers/1: - -> layer(lstm(64, False), skip)"
    assert move.as_data() == {
        "name": "insert",
        "path": "/layers/1",
        "before": "",
        "after": "layer(lstm(64, False), skip)",
    }
    assert words((Layer(Lstm(64), FeedForward(2)),)) == "(layer(lstm(64, False), feedforward(2)))"


def test_a_prior_steers_samples_and_mutations() -> None:
    space = named("text")
    prior = Prior(
        {"/architecture": [1, 0], "/architecture/*/layers/*/mixer": {"lstm": 1e9}, "/recipe/*rate": [0, 0, 0, 0, 1]}
    )
    for seed in range(30):
        candidate = sample(space, Random(seed), prior)
        assert candidate.recipe.learning_rate == 3e-2
        assert all(isinstance(layer.mixer, Lstm) for layer in candidate.architecture.body.layers)
        child, _ = mutate(space, candidate, Random(seed), prior)
        assert type(child.architecture.stem).__name__ != "NgramBag" or child.architecture != candidate.architecture


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1.0], "The prior at /x has the weights [1.0]. It takes one for each of a, b, none negative and not all zero."),  # noqa: E501
        ([0, 0], "The prior at /x has the weights [0.0, 0.0]. It takes one for each of a, b, none negative and not all zero."),  # noqa: E501
        ({"c": 1}, "The prior at /x weighs c; the options: a, b."),
    ],
)  # fmt: skip
def test_weights_must_fit(weights: object, words: str) -> None:
    with pytest.raises(SpaceError) as caught:
        Prior({"/x": weights}).weights("/x", Choice(("a", "b")))  # type: ignore[dict-item]
    assert str(caught.value) == words


def test_a_prior_survives_as_data_and_falls_silent_elsewhere() -> None:
    prior = Prior.from_data(Prior({"/a/*": (1, 3), "/b": {"x": 2}}).as_data())
    assert prior.weights("/a/1", Choice((0, 1))) == [1.0, 3.0]
    assert prior.weights("/b", Choice(("x", "y"))) == [2.0, 1.0]
    assert prior.weights("/c", Choice((0, 1))) is None


def test_large_options_are_drawn_more_often_by_size() -> None:
    space = one_of(Lstm, FeedForward, names=("many", "few"))  # 8 variants and 3
    prior = by_size(space)
    assert prior.weights("", space) == pytest.approx([4.0, 1 + math.log2(3)])
    text = named("text")
    drawn = [sample(text, Random(seed), by_size(text)).architecture for seed in range(200)]
    bags = sum(type(each.stem).__name__ == "NgramBag" for each in drawn)
    assert 5 < bags < 60


def test_moves_are_fast() -> None:
    space, rng = named("text"), Random(0)
    values = [sample(space, rng) for _ in range(200)]

    def best_ms(work: object) -> float:
        times: list[float] = []
        for _ in range(5):
            start = time.perf_counter()
            work()  # type: ignore[operator]
            times.append((time.perf_counter() - start) * 1000 / 200)
        return min(times)

    assert best_ms(lambda: [sample(space, rng) for _ in values]) < 0.5
    assert best_ms(lambda: [mutate(space, value, rng) for value in values]) < 1.0

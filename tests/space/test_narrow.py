"""Fixing, banning and requiring, on the spaces that users narrow."""

from random import Random
from typing import Any

import pytest

from seqwright.arch.blocks import Conv, Lstm, Parallel
from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.network import Network, NgramBag, Words
from seqwright.arch.spaces import named
from seqwright.errors import SpaceError
from seqwright.space.census import every, questions, size
from seqwright.space.moves import sample
from seqwright.space.narrow import ban, fix, require
from seqwright.space.nodes import Stack, one_of, vary
from seqwright.space.pattern import labels

TEXT = named("text")


def samples(space: Any) -> list[Candidate]:
    rng = Random(0)
    return [sample(space, rng) for _ in range(100)]


@pytest.mark.parametrize("value", [64, "64"])
def test_a_fixed_question_has_one_answer_everywhere(value: object) -> None:
    space = fix(TEXT, "/architecture/body/width", value)
    assert {c.architecture.body.width for c in samples(space)} == {64}
    assert {type(c.architecture.stem) for c in samples(space)} > {NgramBag, Words}
    assert set(questions(space)) == set(questions(TEXT))  # the paths stay


def test_values_as_typed() -> None:
    assert {c.recipe.learning_rate for c in samples(fix(TEXT, "/recipe/learning_rate", "1e-3"))} == {1e-3}
    assert {c.recipe.class_balance for c in samples(fix(TEXT, "/recipe/class_balance", "0.5"))} == {0.5}
    assert {c.recipe.warmup_steps for c in samples(fix(TEXT, "/recipe/warmup_steps", 10))} == {10}
    for text, flag in (("true", True), ("False", False)):
        space = fix(one_of(vary(Lstm)), "/lstm/bidirectional", text)
        assert {block.bidirectional for block in every(space)} == {flag}
    attention = fix(TEXT, "/architecture/body/layers/*/mixer/attention/window", "none")
    windows = {getattr(x.mixer, "window", None) for c in samples(attention) for x in c.architecture.body.layers}
    assert windows == {None}


def test_what_cannot_have_the_answer_goes() -> None:
    space = fix(TEXT, "/architecture/stem", "words")
    assert {type(c.architecture.stem) for c in samples(space)} == {Words}
    assert {type(c.architecture.stem) for c in samples(fix(TEXT, "/architecture", "bag"))} == {NgramBag}


def test_a_stack_takes_its_length() -> None:
    space = fix(TEXT, "/architecture/body/layers#", "2")
    assert {len(c.architecture.body.layers) for c in samples(space) if c.architecture.stem != NgramBag()} == {2}


def test_banned_options_are_gone() -> None:
    everywhere = ban(TEXT, "lstm")
    assert "lstm" not in set(labels(everywhere)) and "gru" in set(labels(everywhere))
    assert ban(TEXT, "/architecture/body/layers/*/mixer/lstm") == everywhere
    assert ban(TEXT, "/architecture/**/lstm") == everywhere
    assert ban(TEXT, "/architecture/sequence/body/layers/*/*/lstm") == everywhere


def test_a_ban_takes_what_needs_the_banned_with_it() -> None:
    without = set(labels(ban(TEXT, "conv")))
    assert "conv" not in without and "parallel" not in without
    assert {type(c.architecture.stem) for c in samples(ban(TEXT, "ngrambag"))}.isdisjoint({NgramBag})
    assert ban(Stack(one_of(Lstm), 0, 2), "lstm") == ()


def test_counts_add_up() -> None:
    tiny = named("tiny")
    assert size(fix(tiny, "/architecture/readout", "mean")) * 2 == size(tiny)
    conv, kept = set(every(tiny)) - set(every(ban(tiny, "conv"))), set(every(ban(tiny, "conv")))
    assert all(any(isinstance(x.mixer, Conv) for x in c.architecture.body.layers) for c in conv)
    assert not any(isinstance(x.mixer, Conv) for c in kept for x in c.architecture.body.layers)


def test_what_does_not_change_is_shared() -> None:
    space = fix(TEXT, "/recipe/dropout", 0.1)
    assert dict(space.fields)["architecture"] is dict(TEXT.fields)["architecture"]


@pytest.mark.parametrize(
    ("narrow", "words"),
    [
        (lambda: ban(TEXT, "lsmt"), 'Nothing in the space is labelled "lsmt". Did you mean "lstm"?'),
        (
            lambda: ban(TEXT, "/architecture/body/width"),
            "/architecture/body/width is a question, not an option. Ban one of its options instead: 32, 64, 128, 256.",
        ),
        (
            lambda: fix(TEXT, "/architecture/body/widht", 64),
            'Nothing in the space matches "/architecture/body/widht". Did you mean "/architecture/body/width"?',
        ),
        (
            lambda: fix(TEXT, "/architecture/body/width", "65"),
            "/architecture/body/width cannot be 65. It may be: 32, 64, 128, 256.",
        ),
        (
            lambda: fix(TEXT, "/architecture/body/layers", "9"),
            "/architecture/body/layers cannot be 9. It may be: 0, 1, 2, 3, 4.",
        ),
        (
            lambda: fix(TEXT, "/architecture/pairing", "compared"),
            "/architecture/pairing cannot be compared. It may be: joined.",
        ),
        (
            lambda: fix(TEXT, "/architecture/body/layers/0/mixer", "lstm"),
            'The elements of a stack share one space, so number 0 has none. Write "*".',
        ),
        (lambda: fix(TEXT, "width", 64), '"width" is not a path. A path begins with a slash, as in /architecture/body/width.'),  # noqa: E501
        (
            lambda: ban(TEXT, "network"),
            'Without "network" nothing is left of the space. Ban less, or name a narrower path.',
        ),
        (lambda: require("atention", TEXT), 'Nothing in the space is labelled "atention". Did you mean "attention"?'),
    ],
)  # fmt: skip
def test_mistakes(narrow: Any, words: str) -> None:
    with pytest.raises(SpaceError) as caught:
        narrow()
    assert str(caught.value) == words


def test_require_says_what_is_missing() -> None:
    admissible = require("parallel", TEXT)
    with_it = Candidate(Parallel((Conv(),)), Recipe())
    assert admissible(with_it) is None
    assert admissible(Candidate(Lstm(), Recipe())) == 'it has no "parallel", which is required'
    found = [admissible(c) is None for c in samples(TEXT)]
    assert any(found) and not all(found)
    assert all(isinstance(c.architecture, Network) for c in samples(TEXT))

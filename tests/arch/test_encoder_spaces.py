"""The spaces of heads on pretrained encoders: their sizes, who lives in them, twins, and which encoder they name."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from seqwright.arch.binding import bound, encoders, with_tuning
from seqwright.arch.blocks import Skip
from seqwright.arch.codec import canonical, from_data, identity, loads, space_from_data, to_data
from seqwright.arch.draw import mermaid, svg
from seqwright.arch.encoders import (
    AttentionStage,
    ClsToken,
    ConvStage,
    Dense,
    Frozen,
    HeadedEncoder,
    Lora,
    Pretrained,
    RecurrentStage,
    Tuned,
)
from seqwright.arch.network import AttentionPool, Mean, Network
from seqwright.arch.portfolio import portfolio
from seqwright.arch.published import ALL_TASKS, LINEAR, PUBLISHED, SMALL_SETS
from seqwright.arch.show import line, tree
from seqwright.arch.spaces import load, named, remarks, suited
from seqwright.errors import SpaceError
from seqwright.space.census import contains, every, questions, size
from seqwright.space.moves import sample
from seqwright.space.nodes import one_of, same, vary

SPACES = ["bert-head", "bert-head-plus", "text-encoder", "pairs-encoder"]


def architectures(name: str) -> Any:
    return dict(named(name).fields)["architecture"]


def test_the_published_space_has_its_published_size_and_the_abstract_its_explanation() -> None:
    parts = {name: size(part) for name, part in architectures("bert-head").fields}
    assert size(architectures("bert-head")) == 749_188_440
    assert (parts["attention"], parts["convolution"], parts["readout"], parts["dense"]) == (26, 9_801, 3, 980)
    assert parts["attention"] * (196 * 5 + 1) * parts["readout"] * parts["dense"] == 74_987_640
    assert all(number in remarks()["bert-head"] for number in ("749,188,440", "74,987,640", "9,801", "26", "980"))


def test_the_published_heads_lie_in_the_space_with_their_own_rates() -> None:
    assert all(contains(named("bert-head"), candidate) for _, candidate in PUBLISHED)
    assert [candidate.recipe.learning_rate for _, candidate in PUBLISHED[1:]] == [1.69e-5, 3.6e-5]
    assert ALL_TASKS.architecture.attention == AttentionStage(heads=1, layers=4)
    assert ALL_TASKS.architecture.convolution == ConvStage(width=40, layers=1, kernel=11, skip=True)
    assert SMALL_SETS.architecture.dense == Dense(layers=2, width=39)
    assert LINEAR.architecture.readout == ClsToken() and LINEAR.architecture.pooled
    assert not ALL_TASKS.architecture.pooled and not SMALL_SETS.architecture.pooled


def test_the_richer_space_holds_the_published_stages_and_every_addition() -> None:
    plus = named("bert-head-plus")
    asked = " ".join(questions(plus))
    for question in ("recurrence", "stem/layers", "tuned/learning_rate", "activation", "norm", "pairing", "/dropout"):
        assert question in asked, question
    drawn = [sample(plus, Random(seed)).architecture for seed in range(300)]
    assert any(isinstance(a.readout, AttentionPool) for a in drawn)
    assert {a.recurrence.cell for a in drawn if a.recurrence != Skip()} == {"lstm", "gru"}
    assert {type(a.stem.tuning) for a in drawn} == {Frozen, Tuned, Lora}
    theirs, ours = (dict(architectures(name).fields) for name in ("bert-head", "bert-head-plus"))
    for part in ("attention", "convolution", "readout", "dense"):
        assert all(contains(ours[part], value) for value in every(theirs[part])), part


@pytest.mark.parametrize("name", ["text-encoder", "pairs-encoder"])
def test_a_third_of_the_architectures_options_are_heads_and_the_old_ones_stay(name: str) -> None:
    assert architectures(name).labels() == ("sequence", "bag", "pretrained")
    old = named(name.removesuffix("-encoder"))
    assert all(contains(architectures(name), c.architecture) for _, c in portfolio(name.removesuffix("-encoder")))
    assert architectures(name).options[0] == dict(old.fields)["architecture"].options[0]
    first, second, _, fourth = (candidate for _, candidate in portfolio(name)[:4])
    assert first.architecture.stem.tuning == Tuned(1.0, 1e-4) and first.recipe.learning_rate == 2e-3
    assert second.architecture.stem.tuning == Frozen() and second.architecture.pooled
    assert isinstance(fourth.architecture.stem.tuning, Tuned) and fourth.architecture != first.architecture
    assert second.architecture.pairing == ("compared" if name == "pairs-encoder" else "joined")
    heads = [a for a in (sample(named(name), Random(s)).architecture for s in range(200)) if not isinstance(a, Network)]
    assert all((a.convolution == Skip()) or (a.recurrence == Skip()) for a in heads)
    assert 10 < sum(a.pooled for a in heads) < len(heads)
    assert not any(a.pairing == "compared" for a in heads) or name == "pairs-encoder"


@pytest.mark.parametrize("name", SPACES)
def test_binding_names_the_encoder_everywhere_and_nothing_else(name: str) -> None:
    space = named(name)
    ours = bound(space, "0123456789ab")
    assert encoders(space) == {""} and encoders(ours) == {"0123456789ab"}
    assert size(ours) == size(space)
    assert list(questions(ours)) == list(questions(space))
    assert bound(ours, "") == space
    for title, candidate in portfolio(name):
        assert contains(ours, bound(candidate, "0123456789ab")), title
        if encoders(candidate):
            assert identity(bound(candidate, "0123456789ab")) != identity(candidate)
        else:
            assert bound(candidate, "0123456789ab") is candidate
    assert space_from_data(_json(ours)) == ours


def _json(space: Any) -> Any:
    from seqwright.arch.codec import space_to_data

    return space_to_data(space)


def test_what_has_no_encoder_is_bound_to_none_and_not_copied() -> None:
    assert bound(named("text"), "0123456789ab") is named("text")
    assert encoders(named("text")) == frozenset()


def test_tuning_can_be_settled_or_asked() -> None:
    frozen = with_tuning(named("bert-head"), Frozen())
    assert sample(frozen, Random(0)).architecture.stem == Pretrained(tuning=Frozen())
    assert size(frozen) == size(named("bert-head"))
    asked = with_tuning(named("bert-head"), one_of(Frozen(), vary(Lora, learning_rate=1e-3)))
    assert size(asked) == 4 * size(named("bert-head"))
    assert with_tuning(LINEAR, Frozen()).architecture.stem.tuning == Frozen()


def test_one_text_is_compared_with_nothing() -> None:
    assert size(suited(named("bert-head-plus"), 1)) * 2 == size(named("bert-head-plus"))
    assert suited(named("bert-head-plus"), 2) is named("bert-head-plus")
    assert suited(named("text-encoder"), 1) is named("text-encoder")
    one = suited(named("pairs-encoder"), 1)
    assert all(sample(one, Random(s)).architecture.pairing == "joined" for s in range(50))


BASE = HeadedEncoder(readout=Mean())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (replace(BASE, dense=Dense(1, 39)), BASE),
        (replace(BASE, activation="tanh"), BASE),
        (
            replace(BASE, convolution=ConvStage(40, 1, 3, True)),
            replace(BASE, convolution=ConvStage(40, 1, 3, False)),
        ),
    ],
)
def test_twins_share_an_id(one: HeadedEncoder, other: HeadedEncoder) -> None:
    assert one != other and identity(one) == identity(other)
    assert same(canonical(canonical(one)), canonical(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (replace(BASE, dense=Dense(2, 39)), replace(BASE, dense=Dense(2, 40))),
        (replace(BASE, dense=Dense(2), activation="tanh"), replace(BASE, dense=Dense(2))),
        (replace(BASE, attention=AttentionStage(), activation="tanh"), replace(BASE, attention=AttentionStage())),
        (replace(BASE, convolution=ConvStage(40, 2, 3, True)), replace(BASE, convolution=ConvStage(40, 2, 3, False))),
        (replace(BASE, norm=True), BASE),
        (replace(BASE, stem=Pretrained(tuning=Tuned())), BASE),
        (replace(BASE, stem=Pretrained("0123456789ab")), BASE),
    ],
)
def test_different_heads_differ(one: HeadedEncoder, other: HeadedEncoder) -> None:
    assert identity(one) != identity(other)


def test_the_line_the_tree_and_the_drawings() -> None:
    assert line(ALL_TASKS) == (
        "pretrained (tuned 1.0) > 4 x [attention 1] > [conv 40 kernel 11] + skip > mean > linear, relu"
    )
    assert line(SMALL_SETS) == "pretrained (tuned 1.0) > [attention 4] > mean > dense 2 x 39, relu"
    recurrent = replace(BASE, stem=Pretrained(layers=4), recurrence=RecurrentStage("gru", 64, 2, True), norm=True)
    assert line(recurrent) == "pretrained (frozen, last 4 layers) > 2 x [gru 64 bidirectional] > mean > linear, norm"
    assert "├── attention: attentionstage  heads=4 layers=1" in tree(SMALL_SETS.architecture)
    assert svg(SMALL_SETS).count(">skip<") == 0 and ">attentionstage<" in svg(SMALL_SETS)
    assert 'n3["attentionstage<br/>heads 4, layers 1"]' in mermaid(SMALL_SETS)


def test_json_of_heads_and_its_mistakes(tmp_path: Any) -> None:
    assert same(loads('{"kind": "tuned", "learning_rate": null, "share": 1}'), Tuned(1.0, None))
    assert same(loads('{"kind": "tuned", "learning_rate": 1}'), Tuned(learning_rate=1.0))
    data = to_data(SMALL_SETS)
    data["architecture"]["attention"]["heads"] = "four"
    data["architecture"]["activation"] = "rely"
    with pytest.raises(SpaceError) as caught:
        from_data(data)
    assert str(caught.value).splitlines() == [
        'At /architecture/attention/heads: "four" is not a whole number.',
        'At /architecture/activation: "rely" is not one of relu, gelu, tanh. Did you mean "relu"?',
    ]
    file = tmp_path / "heads.json"
    attention = '{"choice": [{"kind": "skip"}, {"vary": "attentionstage"}]}'
    file.write_text(f'{{"vary": "headedencoder", "attention": {attention}, "dense": {{"vary": "dense"}}}}')
    assert size(dict(load(file).fields)["architecture"]) == 26 * 980 * 3 * 2

"""The named spaces and portfolios: all inside, all distinct, all reachable."""

import json
from pathlib import Path

import pytest

from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.codec import identity, space_to_data, to_data
from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import candidates, describe, load, named
from seqwright.errors import SpaceError
from seqwright.space.census import contains, every, questions, size
from seqwright.space.fill import why_not

PORTFOLIOS = ["text", "pairs", "tagging", "series", "text-encoder", "pairs-encoder", "bert-head"]


@pytest.mark.parametrize("name", PORTFOLIOS)
def test_every_member_lies_in_its_space(name: str) -> None:
    members = portfolio(name)
    assert len(members) >= 3
    assert [why_not(named(name), candidate) for _, candidate in members] == [None] * len(members)
    assert len({identity(candidate) for _, candidate in members}) == len(members)
    assert len({title for title, _ in members}) == len(members)


@pytest.mark.parametrize("name", sorted(describe()))
def test_a_named_space_is_over_candidates(name: str) -> None:
    space = named(name)
    assert space.cls is Candidate
    assert all(path.startswith(("/architecture", "/recipe")) for path in questions(space))
    assert named(name) is space
    assert describe()[name]


def test_the_small_space_can_be_listed() -> None:
    values = list(every(named("tiny")))
    assert len(set(values)) == size(named("tiny")) == 576
    assert contains(named("tiny"), values[17])


def test_the_default_recipe_is_a_recipe_of_the_space() -> None:
    assert contains(dict(candidates(0).fields)["recipe"], Recipe())


@pytest.mark.parametrize("of", [named, portfolio])
def test_unknown_names(of: object) -> None:
    with pytest.raises(SpaceError, match=r'"txt"\. Did you mean "text"\? There are: text, pairs, tagging, series'):
        of("txt")  # type: ignore[operator]


def test_a_space_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "space.json"
    for name in describe():
        assert load(name) is named(name)
        file.write_text(json.dumps(space_to_data(named(name))), "utf-8")
        assert load(file) == named(name)
    architecture = dict(named("text").fields)["architecture"]
    file.write_text(json.dumps(space_to_data(architecture)), "utf-8")
    assert load(str(file)) == named("text")  # with every recipe
    one = portfolio("text")[0][1].architecture
    file.write_text(json.dumps(to_data(one)), "utf-8")
    assert load(file) == candidates(one)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, '"{}" is neither a file nor a named space. The named ones are: text, pairs, tagging, series, text-'),
        (b'{"vary": "lstm"}', '{}: this is no space of networks. Begin with {{"vary": "network", ...}} or '),
        (b'{"vary": "lsmt"}', '{}:\nAt /: no kind is named "lsmt". Did you mean "lstm"? There are: '),
        (b"\xff\xfe", "{}: cannot be read as text: "),
        (b"[1,", "{}:\nThis is not JSON: "),
    ],
)
def test_files_that_hold_no_space(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "mine.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SpaceError) as caught:
        load(file)
    assert str(caught.value).startswith(words.format(file))

"""What may be written down as a space, and what is refused with which words."""

from dataclasses import dataclass
from typing import Any

import pytest

from seqwright.errors import SpaceError
from seqwright.space.nodes import Choice, Record, Stack, among, label, one_of, same, vary


@dataclass(frozen=True)
class Conv:
    kernel: int = among(3, 5)
    name: str = "conv"


@dataclass(frozen=True)
class Holder:
    block: Any
    width: int = among(8, 16, 32, default=16)


@dataclass(frozen=True)
class Skip:
    pass


def test_vary_opens_declared_fields_and_keeps_the_others() -> None:
    assert vary(Conv).fields == (("kernel", Choice((3, 5), ordered=True)), ("name", "conv"))
    assert vary(Conv, kernel=7).fields[0] == ("kernel", 7)
    assert Holder(Skip()).width == 16
    assert one_of(Conv, Skip).labels() == ("conv", "skip")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Choice(()), "A choice needs at least one option."),
        (lambda: Choice((1, 2), names=("a",)), "1 names for 2 options: a."),
        (lambda: Choice((1, "1")), "Two options share a label in: 1, 1. Give the choice `names`."),
        (
            lambda: Choice((1, True)),
            'Options "1" and "True" hold a common value, so reading it would be ambiguous. '
            "Give them different kinds, or disjoint domains.",
        ),
        (
            lambda: one_of(Conv, vary(Conv, kernel=5), names=("a", "b")),
            'Options "a" and "b" hold a common value, so reading it would be ambiguous. '
            "Give them different kinds, or disjoint domains.",
        ),
        (lambda: Stack(1, 2, 1), "A stack of 2 to 1 elements is empty. Give 0 <= least <= most."),
        (
            lambda: vary(Conv, kernl=3),
            'Conv has no field kernl. Did you mean "kernel"? Its fields are: kernel, name.',
        ),
        (lambda: vary(Holder), "Holder.block has neither a domain nor a default. Declare it with among(...)."),
        (lambda: Record(Conv, (("kernel", 3),)), "Conv has the fields kernel, name, not kernel."),
        (
            lambda: Choice((Holder(Choice((1, 2))),)),
            "Holder(...) holds an open question. Write vary(Holder, field=...) instead.",
        ),
        (
            lambda: Choice(([1],)),
            "[1] can change, so it cannot stand in a space. Use a tuple or a frozen dataclass.",
        ),
        (lambda: Choice((float("nan"),)), "NaN does not equal itself, so it cannot stand in a space."),
    ],
)
def test_mistakes_are_refused(make: Any, words: str) -> None:
    with pytest.raises(SpaceError) as caught:
        make()
    assert str(caught.value) == words


def test_disjoint_domains_of_one_kind_are_allowed() -> None:
    choice = one_of(vary(Conv, kernel=3), vary(Conv, kernel=5), names=("small", "large"))
    assert choice.labels() == ("small", "large")


def test_labels_are_escaped() -> None:
    assert label("a/b~c#") == "a~1b~0c~2"
    assert Choice((1, 2), names=("x/y", "z")).labels() == ("x~1y", "z")


def test_same_tells_types_apart() -> None:
    assert same((1, Conv(3)), (1, Conv(3)))
    assert not same(1, 1.0) and not same(1, True) and not same((1,), (True,))
    assert not same(Conv(3), Conv(3.0)) and Conv(3) == Conv(3.0)  # pyright: ignore[reportArgumentType]

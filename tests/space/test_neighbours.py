"""Every neighbour lies inside, differs, is there once for each edit, and all single answers are among them."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from spaces_to_try import ANY

from seqwright.arch.spaces import named
from seqwright.space.census import every, questions
from seqwright.space.fill import answers, read
from seqwright.space.moves import sample
from seqwright.space.neighbours import neighbours
from seqwright.space.nodes import Choice
from seqwright.space.prior import Prior


@settings(max_examples=40, deadline=None)
@given(ANY, st.integers(0, 10_000))
def test_neighbours_lie_inside_and_are_not_the_value_itself(space, seed: int) -> None:
    value = sample(space, Random(seed))
    changed = set()
    for near, move in neighbours(space, value, Random(seed)):
        assert read(space, near) is not None
        if move.name in ("replace", "raise", "lower"):
            assert near != value
            changed.add((move.path, move.after))
    asked = questions(space)
    expected = {(p, name) for p in answers(space, value) for name in asked[p].labels()}
    kept = {(p, asked[p].labels()[i]) for p, i in answers(space, value).items()}
    assert changed == expected - kept


def test_the_order_is_a_function_of_the_generator() -> None:
    space = named("text")
    value = sample(space, Random(0))
    first = list(neighbours(space, value, Random(1)))
    assert first == list(neighbours(space, value, Random(1)))
    other = list(neighbours(space, value, Random(2)))
    assert len(first) == len(other) and first != other


def test_on_a_scale_near_steps_tend_to_come_first_and_the_forbidden_never() -> None:
    scale = Choice(tuple(range(9)), ordered=True)
    orders = [[near for near, _ in neighbours(scale, 4, Random(seed))] for seed in range(200)]
    assert sum(abs(order[0] - 4) == 1 for order in orders) > 80
    assert all(sorted(order) == [n for n in every(scale) if n != 4] for order in orders)
    prior = Prior({"": [1, 0, 1, 1, 1, 1, 1, 1, 1]})
    assert 1 not in [near for near, _ in neighbours(scale, 4, Random(0), prior)]

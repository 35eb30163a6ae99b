"""The laws of the algebra, on random nested spaces and on every named one."""

from itertools import islice
from random import Random
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from spaces_to_try import ANY, SPACES

from seqwright.space.census import contains, every, questions, size
from seqwright.space.encode import encode, names
from seqwright.space.fill import fill, read, why_not
from seqwright.space.moves import cross, duplicate, insert, mutate, remove, sample, swap
from seqwright.space.nodes import overlap, same

RNGS = st.integers(0, 2**32).map(Random)


@given(ANY, RNGS)
@settings(max_examples=300, deadline=None)
def test_read_is_the_inverse_of_fill(space: Any, rng: Random) -> None:
    value = sample(space, rng)
    answers = read(space, value)
    assert answers is not None
    assert why_not(space, value) is None
    asked: list[str] = []
    rebuilt = fill(space, lambda path, _: asked.append(path) or answers[path])
    assert same(rebuilt, value)
    assert asked == list(answers)  # all of them, in the order of asking
    assert set(answers) <= set(questions(space))


@given(ANY, RNGS)
@settings(max_examples=300, deadline=None)
def test_moves_stay_inside_and_move(space: Any, rng: Random) -> None:
    a, b = sample(space, rng), sample(space, rng)
    if size(space) > 1:
        child, move = mutate(space, a, rng)
        assert contains(space, child) and not same(child, a)
        assert move.path in questions(space) and move.before != move.after
    assert contains(space, cross(space, a, b, rng))
    assert same(cross(space, a, a, rng), a)
    for edit in (insert, remove, duplicate, swap):
        if (edited := edit(space, a, rng)) is not None:
            assert contains(space, edited[0])
            assert edited[1].name == edit.__name__
            assert not same(edited[0], a)


@given(ANY, RNGS)
@settings(max_examples=300, deadline=None)
def test_the_vector_is_injective_and_of_fixed_length(space: Any, rng: Random) -> None:
    a, b = sample(space, rng), sample(space, rng)
    assert len(encode(space, a)) == len(encode(space, b)) == len(names(space))
    assert len(set(names(space))) == len(names(space))
    assert (encode(space, a) == encode(space, b)) == same(a, b) == (a == b)
    if size(space) > 1:
        assert encode(space, mutate(space, a, rng)[0]) != encode(space, a)


@given(SPACES)
@settings(max_examples=300, deadline=None)
def test_size_is_the_number_of_values(space: Any) -> None:
    assume(size(space) <= 500)
    values = list(every(space))
    assert len(values) == len(set(values)) == size(space)
    assert all(contains(space, value) for value in values)
    assert len({tuple(encode(space, value)) for value in values}) == size(space)


@given(SPACES, SPACES)
@settings(max_examples=300, deadline=None)
def test_overlap_is_a_common_value(a: Any, b: Any) -> None:
    assume(size(a) <= 200 and size(b) <= 200)
    assert overlap(a, b) == overlap(b, a) == bool(set(every(a)) & set(every(b)))
    assert overlap(a, a)


@given(ANY)
@settings(max_examples=100, deadline=None)
def test_enumeration_is_lazy_and_distinct(space: Any) -> None:
    first = list(islice(every(space), 20))
    assert len(set(first)) == len(first) == min(20, size(space))


@given(SPACES, SPACES, RNGS)
@settings(max_examples=300, deadline=None)
def test_why_not_speaks_exactly_when_a_value_is_outside(a: Any, b: Any, rng: Random) -> None:
    value = sample(b, rng)
    reason = why_not(a, value)
    assert (reason is None) == contains(a, value)
    assert reason is None or reason.startswith("At /")


@given(ANY, st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_moves_are_deterministic_in_the_seed(space: Any, seed: int) -> None:
    def walk(rng: Random) -> list[Any]:
        a, b = sample(space, rng), sample(space, rng)
        moved = mutate(space, a, rng) if size(space) > 1 else None
        return [a, b, moved, cross(space, a, b, rng), insert(space, a, rng), remove(space, a, rng)]

    assert walk(Random(seed)) == walk(Random(seed))

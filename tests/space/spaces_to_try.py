"""Random nested spaces for the laws, and the named ones."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from seqwright.arch.spaces import describe, named
from seqwright.errors import SpaceError
from seqwright.space.nodes import Choice, Record, Stack


@dataclass(frozen=True)
class Leaf:
    a: Any = 0


@dataclass(frozen=True)
class Pair:
    left: Any
    right: Any


@dataclass(frozen=True)
class Bag:
    items: Any
    flag: Any = None


SCALARS = st.one_of(
    st.integers(-3, 3),
    st.booleans(),
    st.none(),
    st.sampled_from([0.5, 1e-3, -2.0, 1e300]),
    st.sampled_from(["", "x", "a/b", "a~b", "a#", "#", "1"]),
)


@st.composite
def choices(draw: Any, inner: Any) -> Any:
    """A choice of up to four options; those that clash are left out, one after the other."""
    options: list[Any] = []
    ordered = draw(st.booleans())
    for option in draw(st.lists(inner, min_size=1, max_size=4)):
        try:
            Choice((*options, option), names=tuple(map(str, range(len(options) + 1))))
            options.append(option)
        except SpaceError:
            continue
    return Choice(tuple(options), ordered, tuple(f"n{i}" for i in range(len(options))))


def _nest(inner: Any) -> Any:
    return st.one_of(
        choices(inner),
        inner.map(lambda a: Record(Leaf, (("a", a),))),
        st.tuples(inner, inner).map(lambda p: Record(Pair, (("left", p[0]), ("right", p[1])))),
        st.tuples(inner, inner).map(lambda p: Record(Bag, (("items", p[0]), ("flag", p[1])))),
        st.tuples(inner, st.integers(0, 2), st.integers(0, 2)).map(lambda t: Stack(t[0], t[1], t[1] + t[2])),
        st.lists(inner, max_size=3).map(tuple),
    )


SPACES = st.recursive(SCALARS, _nest, max_leaves=8)
NAMED = st.sampled_from(sorted(describe())).map(named)
ANY = st.one_of(SPACES, NAMED)

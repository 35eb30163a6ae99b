"""A value for those who cannot read it: a vector of fixed length for a surrogate, a graph for one or for a drawing."""

from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from seqwright.space.census import questions
from seqwright.space.fill import answers
from seqwright.space.nodes import Answers, Choice, Path, Record, Space, Stack, is_tuple, label

# The vector --------------------------------------------------------------------------------------


def encode(space: Space, value: Any) -> list[float]:
    """The value's answers side by side, zero where a question was not asked.

    An ordered question takes two places (whether it was asked, and the rank from 0 to 1), another takes one for
    each option. All values of a space get the same length, and different values different vectors.

    Raises:
        SpaceError: `value` lies outside.
    """
    return laid_out(space, answers(space, value))


def laid_out(space: Space, given: Answers) -> list[float]:
    """The vector of a value whose answers are `given`; see `encode`."""
    places, length = _layout(space)
    vector = [0.0] * length
    for path, index in given.items():
        if (place := places.get(path)) is None:
            continue
        start, steps = place
        if steps:
            vector[start], vector[start + 1] = 1.0, index / steps
        else:
            vector[start + index] = 1.0
    return vector


def names(space: Space) -> list[str]:
    """What each place of the vector means: ``/depth#?`` (asked), ``/depth#`` (rank), ``/mixer=lstm``."""
    found: list[str] = []
    for path, question in questions(space).items():
        if len(question.options) == 1:
            continue
        found += [f"{path}?", path] if question.ordered else [f"{path}={each}" for each in question.labels()]
    return found


def _layout(space: Space) -> tuple[dict[Path, tuple[int, int]], int]:
    """By path: where it starts, and its highest rank (0 for one place an option); and the length. Kept on the node."""
    kept: dict[str, Any] = space.__dict__ if isinstance(space, Choice | Record | Stack) else {}
    if "_layout" not in kept:
        places: dict[Path, tuple[int, int]] = {}
        start = 0
        for path, question in questions(space).items():
            n = len(question.options)
            if n > 1:  # a settled question says nothing
                places[path] = (start, n - 1 if question.ordered else 0)
                start += 2 if question.ordered else n
        kept["_layout"] = (places, start)
    return kept["_layout"]


# The graph ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Node:
    """A record of the value.

    Args:
        path: where it stands: field names and indices, without the labels of choices.
        kind: its label.
        attributes: its plain fields, by name.
        parent: the number of the record that holds it, or None.
    """

    path: Path
    kind: str
    attributes: tuple[tuple[str, Any], ...]
    parent: int | None


@dataclass(frozen=True)
class Graph:
    """Nodes in depth-first order, and the data flow between those that hold no other: (from, to) numbers.

    Data flows through a record's fields and a tuple's elements one after the other; a field declared with
    ``metadata={"flow": "parallel"}`` hands all its elements the same input and joins their outputs. With "wired" the
    record's `wires()` say which elements each one reads (-1: what the record reads), and, last, which are its output.
    """

    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]


def graph(value: Any) -> Graph:
    """The data flow of an architecture."""
    nodes: list[Node | None] = []
    edges: list[tuple[int, int]] = []

    def wired(value: Any, part: Any, path: Path, parent: int, sources: list[int]) -> list[int]:
        """Append the nodes of a tuple whose elements read one another; return those that the output comes from."""
        *rows, output = value.wires()
        made: list[list[int]] = []

        def read(row: tuple[int, ...]) -> list[int]:
            return list(dict.fromkeys(end for i in row for end in (sources if i < 0 else made[i])))

        for i, (element, row) in enumerate(zip(part, rows, strict=True)):
            made.append(walk(element, f"{path}/{i}", parent, read(row), False))
        return read(output)

    def walk(value: Any, path: Path, parent: int | None, sources: list[int], parallel: bool) -> list[int]:
        """Append the nodes of `value`, fed by `sources`; return those that its output comes from."""
        if is_tuple(value):
            if not parallel:
                for i, element in enumerate(value):
                    sources = walk(element, f"{path}/{i}", parent, sources, False)
                return sources
            ends = [walk(element, f"{path}/{i}", parent, sources, False) for i, element in enumerate(value)]
            return list(dict.fromkeys(end for each in ends for end in each)) or sources
        if not is_dataclass(value):
            return sources
        number = len(nodes)
        nodes.append(None)
        plain: list[tuple[str, Any]] = []
        ends, holds = sources, False
        for f in fields(value):
            part, before = getattr(value, f.name), len(nodes)
            flow = f.metadata.get("flow")
            if flow == "wired":
                ends = wired(value, part, f"{path}/{f.name}", number, ends)
            else:
                ends = walk(part, f"{path}/{f.name}", number, ends, flow == "parallel")
            if len(nodes) > before:
                holds = True
            elif not (is_tuple(part) and not part):
                plain.append((f.name, part))
        nodes[number] = Node(path, label(value), tuple(plain), parent)
        if holds:
            return ends
        edges.extend((source, number) for source in sources)
        return [number]

    walk(value, "", None, [], False)
    return Graph(tuple(node for node in nodes if node is not None), tuple(edges))

"""Blocks wired as a graph: each reads one earlier one, and others are added to what it gives (TextNAS).

The blocks are any of this package, so a graph is a block too and may stand where a layer's mixer stands.
"""

from dataclasses import dataclass, field
from typing import Any

from seqwright.arch.blocks import Attention, Conv, Gru
from seqwright.arch.kinds import kind
from seqwright.errors import SpaceError
from seqwright.space.nodes import Choice, Record, among, one_of, vary

REACH = 5  # how far back TextNAS lets a layer look for its input


@kind
@dataclass(frozen=True)
class Pool:
    """The mean or the maximum of `kernel` neighbouring steps: smooths, or finds."""

    what: str = among("mean", "max", ordered=False)
    kernel: int = among(3, 5, 7)


@kind
@dataclass(frozen=True)
class Wired:
    """A block, how many blocks back it finds its input (1 is the one before), and which earlier ones are added."""

    block: Any
    back: int
    added: tuple[bool, ...]


@kind
@dataclass(frozen=True)
class Graph:
    """Blocks in order, the first reading the graph's input, and a learned mean of all (arXiv:1912.10729)."""

    blocks: tuple[Any, ...] = field(metadata={"flow": "wired"})

    def wires(self) -> tuple[tuple[int, ...], ...]:
        """The blocks that each reads, -1 for the input; last, all, which make the output."""
        rows: list[tuple[int, ...]] = []
        for i, wired in enumerate(self.blocks):
            extra = tuple(j for j, added in enumerate(wired.added) if added)
            rows.append((i - wired.back, *(j for j in extra if j != i - wired.back)))
        return (*rows, tuple(range(len(self.blocks))) or (-1,))


def check(graph: Graph) -> None:
    """Refuse a graph whose wires lead nowhere.

    Raises:
        SpaceError: a block looks back too far, or has not one answer for each earlier block.
    """
    for i, wired in enumerate(graph.blocks):
        if not 1 <= wired.back <= max(i, 1):
            raise SpaceError(f"Block {i} of a graph reads {wired.back} blocks back. It can look 1 to {max(i, 1)} back.")
        if len(wired.added) != i:
            raise SpaceError(
                f"Block {i} of a graph has {len(wired.added)} answers to which earlier blocks are added. It needs {i}."
            )


def graphs(layers: int, hidden: int) -> Record:
    """The space of TextNAS with so many layers; a recurrence has `hidden` units a direction."""
    plain = {"dilation": 1, "depthwise": False}
    operation = one_of(
        vary(Conv, kernel=Choice((1, 3, 5, 7), ordered=True), **plain),
        vary(Pool, kernel=3),
        Gru(hidden=hidden, bidirectional=True),
        Attention(heads=4, window=None, positions="sinusoidal"),
    )
    rows = tuple(
        vary(
            Wired,
            block=operation,
            back=Choice(tuple(range(1, min(i, REACH) + 1)), ordered=True) if i > 1 else 1,
            added=(Choice((False, True)),) * i,
        )
        for i in range(layers)
    )
    return vary(Graph, blocks=rows)

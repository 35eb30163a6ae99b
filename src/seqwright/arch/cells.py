"""Cells of the NASNet kind, and the networks that stack them: a normal cell repeated, a reduction cell between.

A cell reads the outputs of the two cells before it. Each combination takes two states, an operation on each, and joins
them into a new state; the states that nothing reads are the cell's output.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from seqwright.arch.kinds import kind
from seqwright.arch.network import Mlp
from seqwright.errors import SpaceError, did_you_mean
from seqwright.space.nodes import Choice, Record, among, vary

NASNET_OPERATIONS = (
    "identity", "conv1", "conv3", "conv3-1", "conv7-1", "dilated3", "sep3", "sep5", "sep7", "avg3", "max3", "max5",
    "max7",
)  # fmt: skip
AMOEBANET_OPERATIONS = ("identity", "sep3", "sep5", "sep7", "avg3", "max3", "dilated-sep3", "conv7-1")
FAILURE_OPERATIONS = ("none", "noise")  # with which Zela et al. 2020 (arXiv:1909.09656) make gradient search fail
OPERATIONS = (*NASNET_OPERATIONS, "dilated-sep3", *FAILURE_OPERATIONS)


@kind
@dataclass(frozen=True)
class Combination:
    """A new state: `first` of the state `one`, joined with `second` of the state `two`.

    States 0 and 1 are the outputs of the cell before the last and of the last; 2 is that of the first combination.
    """

    one: int
    first: str
    two: int
    second: str
    join: str = among("add", "concat", ordered=False)


@kind
@dataclass(frozen=True)
class Cell:
    """Combinations in order, each of which may read those before it."""

    combinations: tuple[Any, ...] = field(metadata={"flow": "wired"})

    def wires(self) -> tuple[tuple[int, ...], ...]:
        """The combinations that each reads, -1 for what comes from outside; last, those that are the output."""
        reads = [(max(c.one - 2, -1), max(c.two - 2, -1)) for c in self.combinations]
        return (*reads, tuple(max(state - 2, -1) for state in unread(self)))


@kind
@dataclass(frozen=True)
class CellNetwork:
    """stem -> N normal -> reduction -> N normal -> reduction -> N normal -> readout -> head (arXiv:1707.07012).

    A reduction halves the steps and doubles the width, which begins at `width` (the papers' F). `pairing` as in
    `Network`.
    """

    stem: Any
    normal: Cell
    reduction: Cell
    readout: Any
    repeats: int = among(1, 2, 3, default=2)
    width: int = among(16, 32, 64, default=32)
    head: Mlp = Mlp()  # noqa: RUF009 (frozen)
    pairing: Literal["joined", "compared"] = "joined"

    reductions: ClassVar[int] = 2

    @property
    def streams(self) -> tuple[str, ...]:
        """The input streams that this network reads."""
        sides = (".a", ".b") if self.pairing == "compared" else ("",)
        return tuple(name + side for name in self.stem.reads for side in sides)


def cells(operations: tuple[str, ...], joins: tuple[str, ...], combinations: int = 5) -> Record:
    """The space of cells of so many combinations."""
    operation = Choice(operations)
    places = tuple(
        vary(
            Combination,
            one=Choice(tuple(range(i + 2))),
            first=operation,
            two=Choice(tuple(range(i + 2))),
            second=operation,
            join=joins[0] if len(joins) == 1 else Choice(joins),
        )
        for i in range(combinations)
    )
    return vary(Cell, combinations=places)


def unread(cell: Cell) -> tuple[int, ...]:
    """The states that no combination reads; there is always one, the last.

    Raises:
        SpaceError: a combination reads itself or a later one, or an operation or a join is not known.
    """
    for i, made in enumerate(cell.combinations):
        for state in (made.one, made.two):
            if not 0 <= state < i + 2:
                raise SpaceError(f"Combination {i} of a cell reads state {state}. It can read states 0 to {i + 1}.")
        for operation in (made.first, made.second):
            if operation not in OPERATIONS:
                raise SpaceError(
                    f'The operation "{operation}" is not known.{did_you_mean(operation, OPERATIONS)} '
                    f"Use one of: {', '.join(OPERATIONS)}."
                )
        if made.join not in ("add", "concat"):
            raise SpaceError(f'join="{made.join}" is not known. Use "add" or "concat".')
    read = {state for made in cell.combinations for state in (made.one, made.two)}
    return tuple(state for state in range(len(cell.combinations) + 2) if state not in read)

"""The recurrent cell of ENAS and DARTS: a chain of highway steps, each reading one earlier one.

A first node mixes the input with the last state; every further node takes one earlier node and an activation. The
space of such cells is as large as it is regular: N nodes have N! · 4^N forms.
"""

from dataclasses import dataclass, field
from typing import Any

from seqwright.arch.kinds import kind
from seqwright.errors import SpaceError, did_you_mean
from seqwright.space.nodes import Choice, Record, among, vary

FUNCTIONS = ("tanh", "relu", "sigmoid", "identity")


@kind
@dataclass(frozen=True)
class CellNode:
    """One highway step: which earlier node it reads (0 is the first, which reads the input) and its activation."""

    source: int
    function: str = among(*FUNCTIONS, ordered=False)


@kind
@dataclass(frozen=True)
class RecurrentCell:
    """A searched recurrence (Pham et al. 2018, arXiv:1802.03268; Liu et al. 2019, arXiv:1806.09055): language, texts.

    Its new state is the mean of all `nodes` (DARTS), or of the ends, which no other node reads (ENAS).
    """

    nodes: tuple[Any, ...] = field(metadata={"flow": "wired"})
    first: str = among(*FUNCTIONS, ordered=False)
    output: str = among("mean", "ends", ordered=False)
    hidden: int = among(32, 64, 128, 256, default=128)
    bidirectional: bool = among(False, True, ordered=False)

    def wires(self) -> tuple[tuple[int, ...], ...]:
        """The node of `nodes` that each reads, -1 for the first; last, those that are averaged."""
        return (*((node.source - 1,) for node in self.nodes), tuple(i - 1 for i in averaged(self)))


def recurrent_cells(nodes: int, **fixed: Any) -> Record:
    """The space of recurrent cells with so many nodes behind the first, other fields open unless `fixed`."""
    steps = tuple(vary(CellNode, source=Choice(tuple(range(i + 1)))) for i in range(nodes))
    return vary(RecurrentCell, nodes=steps, **fixed)


def averaged(cell: RecurrentCell) -> tuple[int, ...]:
    """The nodes whose mean is the new state; 0 is the first node, i the i-th of `nodes`.

    Raises:
        SpaceError: a node reads itself or a later one, or a function or an output is not known.
    """
    for i, node in enumerate(cell.nodes):
        if not 0 <= node.source <= i:
            raise SpaceError(
                f"Node {i + 1} of a recurrent cell reads node {node.source}. It can read nodes 0 to {i}, "
                "of which 0 is the first, that reads the input."
            )
    for function in (cell.first, *(node.function for node in cell.nodes)):
        if function not in FUNCTIONS:
            raise SpaceError(
                f'The activation "{function}" is not known.{did_you_mean(function, FUNCTIONS)} '
                f"Use one of: {', '.join(FUNCTIONS)}."
            )
    if cell.output not in ("mean", "ends"):
        raise SpaceError(f'output="{cell.output}" is not known. Use "mean" or "ends".')
    every = range(1, len(cell.nodes) + 1)
    if not cell.nodes:
        return (0,)
    if cell.output == "mean":
        return tuple(every)
    read = {node.source for node in cell.nodes}
    return tuple(i for i in every if i not in read)

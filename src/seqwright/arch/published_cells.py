"""Cells that others found and published, by name."""

from typing import Any

from seqwright.arch.blocks import Attention, Conv, Gru
from seqwright.arch.cells import Cell, Combination
from seqwright.arch.recurrent_cells import CellNode, RecurrentCell
from seqwright.arch.wired import Graph, Pool, Wired


def _nodes(*steps: tuple[str, int]) -> tuple[CellNode, ...]:
    return tuple(CellNode(source, function) for function, source in steps)


DARTS_FIRST_ORDER = RecurrentCell(
    _nodes(
        ("relu", 0),
        ("relu", 1),
        ("tanh", 2),
        ("relu", 3),
        ("relu", 4),
        ("identity", 1),
        ("relu", 5),
        ("relu", 1),
    )
)
"""The recurrent cell of first-order DARTS (Liu et al. 2019, arXiv:1806.09055)."""

DARTS_SECOND_ORDER = RecurrentCell(
    _nodes(
        ("sigmoid", 0),
        ("relu", 1),
        ("relu", 1),
        ("identity", 1),
        ("tanh", 2),
        ("sigmoid", 5),
        ("tanh", 3),
        ("relu", 5),
    )
)
"""The recurrent cell of second-order DARTS, 55.7 perplexity on Penn Treebank (Liu et al. 2019, arXiv:1806.09055)."""

ENAS = RecurrentCell(
    _nodes(
        ("tanh", 0),
        ("tanh", 1),
        ("relu", 1),
        ("tanh", 3),
        ("tanh", 3),
        ("relu", 3),
        ("relu", 4),
        ("relu", 7),
        ("relu", 8),
        ("relu", 8),
        ("relu", 8),
    ),
    output="ends",
)
"""The recurrent cell that ENAS found (Pham et al. 2018, arXiv:1802.03268): twelve nodes with the first."""


def _cell(*combinations: tuple[str, int, str, int]) -> Cell:
    return Cell(tuple(Combination(one, first, two, second) for first, one, second, two in combinations))


NASNET_A_NORMAL = _cell(
    ("sep5", 1, "sep3", 0),
    ("sep5", 0, "sep3", 0),
    ("avg3", 1, "identity", 0),
    ("avg3", 0, "avg3", 0),
    ("sep3", 1, "identity", 1),
)
NASNET_A_REDUCTION = _cell(
    ("sep5", 1, "sep7", 0),
    ("max3", 1, "sep7", 0),
    ("avg3", 1, "sep5", 0),
    ("identity", 3, "avg3", 2),
    ("sep3", 2, "max3", 1),
)
"""The cells of NASNet-A, found by reinforcement learning (Zoph et al. 2018, arXiv:1707.07012)."""

AMOEBANET_A_NORMAL = _cell(
    ("avg3", 0, "max3", 1),
    ("sep3", 0, "sep5", 2),
    ("sep3", 0, "avg3", 3),
    ("sep3", 1, "identity", 1),
    ("identity", 0, "avg3", 1),
)
AMOEBANET_A_REDUCTION = _cell(
    ("avg3", 0, "sep3", 1),
    ("max3", 0, "sep7", 2),
    ("sep7", 0, "avg3", 1),
    ("max3", 0, "max3", 1),
    ("conv7-1", 0, "sep3", 5),
)
"""The cells of AmoebaNet-A, found by regularized evolution (Real et al. 2019, arXiv:1802.01548)."""


def _textnas() -> Graph:
    """Every block adds all those before it; the pairs are an operation and how far back it reads."""
    blocks: dict[str, Any] = {f"conv{kernel}": Conv(kernel=kernel) for kernel in (1, 3, 5, 7)}
    blocks |= {"mean": Pool("mean"), "max": Pool("max"), "gru": Gru(hidden=64, bidirectional=True)}
    blocks |= {"attention": Attention(heads=4, positions="sinusoidal")}
    wires = (
        ("max", 1), ("attention", 1), ("conv7", 2), ("gru", 1), ("conv3", 2), ("conv3", 1), ("conv1", 1), ("gru", 5),
        ("max", 4), ("max", 3), ("attention", 5), ("mean", 5), ("conv3", 2), ("conv5", 2), ("conv1", 2), ("conv7", 1),
        ("conv5", 2), ("mean", 1), ("conv7", 3), ("conv7", 3), ("max", 4), ("attention", 5), ("attention", 1),
        ("conv7", 2),
    )  # fmt: skip
    return Graph(tuple(Wired(blocks[name], back, (True,) * i) for i, (name, back) in enumerate(wires)))


TEXTNAS = _textnas()
"""The graph that TextNAS found on SST (Wang et al. 2019, arXiv:1912.10729), of this package's blocks."""

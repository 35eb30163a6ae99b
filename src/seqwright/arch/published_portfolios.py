"""What the authors of published spaces found in them, as candidates of the spaces here."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from seqwright.arch import published_cells as cells
from seqwright.arch.blocks import Skip
from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.cells import Cell, CellNetwork
from seqwright.arch.network import Body, Layer, Mean, Mlp, Network, Pixels, Words
from seqwright.arch.published_spaces import GRAPH_NODES, HIDDEN
from seqwright.arch.recurrent_graph import gru_cell, lstm_cell, padded, rnn_cell
from seqwright.arch.transformer_space import WINNERS

Portfolio = tuple[tuple[str, Candidate], ...]

_GENTLE = Recipe(learning_rate=1e-3, weight_decay=1e-2, dropout=0.1, input_dropout=0.1)
_RECIPE = Recipe(learning_rate=3e-3, weight_decay=1e-2, dropout=0.3, input_dropout=0.1)


def _around(block: Any) -> Candidate:
    """A member of the spaces of one block, see `published_spaces.around`."""
    body = Body((Layer(block, Skip()),), width=HIDDEN)
    return Candidate(Network(Words(), body, Mean(), Mlp(layers=0)), _RECIPE)


def _darts_recurrent() -> Portfolio:
    return (
        ("DARTS, second order", _around(replace(cells.DARTS_SECOND_ORDER, hidden=HIDDEN))),
        ("DARTS, first order", _around(replace(cells.DARTS_FIRST_ORDER, hidden=HIDDEN))),
    )


def _enas_recurrent() -> Portfolio:
    return (("ENAS", _around(replace(cells.ENAS, hidden=HIDDEN))),)


def _nas_bench_nlp() -> Portfolio:
    known = (("GRU", gru_cell), ("LSTM", lstm_cell), ("RNN", rnn_cell))
    return tuple((name, _around(padded(cell(hidden=HIDDEN), GRAPH_NODES))) for name, cell in known)


def _cell_networks(name: str, normal: Cell, reduction: Cell) -> Portfolio:
    """The published cells stacked two sizes."""
    networks = (
        (repeats, CellNetwork(Words(), normal, reduction, Mean(), repeats=repeats, head=Mlp(layers=0)))
        for repeats in (2, 1)
    )
    return tuple((f"{name}, {repeats} at {n.width}", Candidate(n, _RECIPE)) for repeats, n in networks)


def _nasnet() -> Portfolio:
    return _cell_networks("NASNet-A", cells.NASNET_A_NORMAL, cells.NASNET_A_REDUCTION)


def _amoebanet() -> Portfolio:
    return _cell_networks("AmoebaNet-A", cells.AMOEBANET_A_NORMAL, cells.AMOEBANET_A_REDUCTION)


def _on_images(name: str, normal: Cell, reduction: Cell, *sizes: tuple[int, int]) -> Portfolio:
    """The published cells as the authors stacked them, N of F filters."""
    networks = (CellNetwork(Pixels(), normal, reduction, Mean(), n, f, Mlp(layers=0)) for n, f in sizes)
    return tuple((f"{name}, {n.repeats} at {n.width}", Candidate(n, _RECIPE)) for n in networks)


def _nasnet_2d() -> Portfolio:
    return _on_images("NASNet-A", cells.NASNET_A_NORMAL, cells.NASNET_A_REDUCTION, (2, 32), (6, 32))


def _amoebanet_2d() -> Portfolio:
    return _on_images("AmoebaNet-A", cells.AMOEBANET_A_NORMAL, cells.AMOEBANET_A_REDUCTION, (3, 24), (6, 36))


def _textnas() -> Portfolio:
    return (("TextNAS", _around(cells.TEXTNAS)),)


def _transformers() -> Portfolio:
    return tuple((name, Candidate(network, _GENTLE)) for name, network in WINNERS.items())


MAKERS: dict[str, Callable[[], Portfolio]] = {
    "darts-recurrent": _darts_recurrent,
    "enas-recurrent": _enas_recurrent,
    "nas-bench-nlp": _nas_bench_nlp,
    "nasnet": _nasnet,
    "amoebanet": _amoebanet,
    "nasnet-2d": _nasnet_2d,
    "amoebanet-2d": _amoebanet_2d,
    "textnas": _textnas,
    "transformers": _transformers,
}
"""The portfolio of each published space, by the space's name."""

"""Search spaces of the field, each with its size: what is compared in papers, on the tasks of this package.

Only what the authors searched is open; stem, readout and head are fixed, and recipes are ours.
"""

from collections.abc import Collection
from typing import Any

from seqwright.arch.blocks import Skip
from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.cells import AMOEBANET_OPERATIONS, NASNET_OPERATIONS, CellNetwork, cells
from seqwright.arch.network import Body, Channels, Layer, Mean, Mlp, Network, PerStep, Pixels, Words
from seqwright.arch.recurrent_cells import recurrent_cells
from seqwright.arch.recurrent_graph import graph_cells
from seqwright.arch.wired import graphs
from seqwright.space.nodes import Choice, Record, Space, vary

HIDDEN = 128
GRAPH_NODES = 16  # an LSTM takes 13, and no cell recorded by NAS-Bench-NLP more than 15

DARTS_RECURRENT_SIZE = """\
8! x 4^8 = 2,642,411,520 cells: each of 8 nodes reads one of the nodes before it, through one of 4 activations."""

ENAS_RECURRENT_SIZE = """\
11! x 4^12 = 669,692,775,628,800 cells: 12 nodes, each with one of 4 activations; all but the first choose which
earlier one they read. (Pham et al. say 4^N x N! of N nodes, of which the first has nothing to choose, and "about
10^15" of their 12.)"""

NAS_BENCH_NLP_SIZE = """\
16 nodes in order, 3 states. Node i reads m = i + 2 things besides the input (three states, i - 1 nodes):
  linear, of one or two, the input among them   (m + 1) (m + 2)
  blend, product, sum                           m^3 + 2 m^2
  tanh, sigmoid, leaky relu                     3 m
and the states become one of 16, 19 and 19 things. Most of it is dead: the id of a cell leaves that out."""

NASNET_SIZE = """\
(2 x 3 x 4 x 5 x 6)^2 x 13^10 x 2^5 = 2,286,906,949,584,691,200 cells, squared for the two: 5 combinations, each of two
of the states before it, one of 13 operations on either, added or concatenated. Times 9: N is 1, 2 or 3, F 16, 32 or 64
(on images times 20: N is 1, 2, 3 or 6, F 16, 24, 32, 36 or 64).
Cells that differ only in the order of what is added count apart, as in the paper; they share an id."""

AMOEBANET_SIZE = """\
(2 x 3 x 4 x 5 x 6)^2 x 8^10 = 556,627,761,561,600 cells, squared for the two: 5 combinations, each of two of the states
before it, one of 8 operations on either, added. Times 9: N is 1, 2 or 3, F 16, 32 or 64 (on images times 20: N is 1, 2,
3 or 6, F 16, 24, 32, 36 or 64)."""

TEXTNAS_SIZE = """\
8^24 operations x 4! x 5^19 inputs x 2^276 sets of blocks that are added: 24 blocks, each a convolution of 1, 3, 5 or 7
steps, a mean or a maximum of 3, a recurrence both ways or attention, that reads one of the 5 blocks before it."""

TEXTNAS_LAYERS = 24


def around(block: Space) -> Any:
    """Words, then a single block on the residual stream, then the mean of all steps and a linear map."""
    layer = vary(Layer, mixer=block, channel=Skip())
    body = vary(Body, layers=(layer,), width=HIDDEN, norm="pre", statistics="layer")
    return vary(Network, stem=Words(), body=body, readout=Mean(), head=Mlp(layers=0))


def stacked(normal: Space, reduction: Space, stem: Any = Words(), **sizes: Space) -> Record:  # noqa: B008 (frozen)
    """A stem, then normal and reduction cells, then the mean of all steps and a linear map; N and F are open."""
    parts = {"stem": stem, "normal": normal, "reduction": reduction, "readout": Mean(), "head": Mlp(layers=0)}
    return vary(CellNetwork, **parts, **sizes)


_ON_IMAGES: dict[str, Any] = {
    "stem": Pixels(),
    "repeats": Choice((1, 2, 3, 6), ordered=True),
    "width": Choice((16, 24, 32, 36, 64), ordered=True),
}


def _candidates(architecture: Space) -> Record:
    return vary(Candidate, architecture=architecture, recipe=vary(Recipe))


def darts_recurrent() -> Record:
    """The recurrent cells of DARTS (Liu et al. 2019, arXiv:1806.09055): 8 nodes whose mean is the state."""
    cells = recurrent_cells(8, first="tanh", output="mean", hidden=HIDDEN, bidirectional=False)
    return _candidates(around(cells))


def enas_recurrent() -> Record:
    """The recurrent cells of ENAS (Pham et al. 2018, arXiv:1802.03268): 12 nodes, the mean of the ends is the state."""
    return _candidates(around(recurrent_cells(11, output="ends", hidden=HIDDEN, bidirectional=False)))


def nas_bench_nlp() -> Record:
    """Recurrent cells as graphs, after NAS-Bench-NLP (Klyuchnikov et al. 2020, arXiv:2006.07116).

    Ours has 16 nodes of which as many count as the output depends on, where theirs draws a number of up to 24.
    """
    return _candidates(around(graph_cells(GRAPH_NODES, hidden=HIDDEN, bidirectional=False)))


def nasnet() -> Record:
    """NASNet's normal and reduction cells of 13 operations, in one dimension (Zoph et al. 2018, arXiv:1707.07012)."""
    cell = cells(NASNET_OPERATIONS, ("add", "concat"))
    return _candidates(stacked(cell, cell))


def amoebanet() -> Record:
    """The same cells with AmoebaNet's 8 operations and sums alone (Real et al. 2019, arXiv:1802.01548)."""
    cell = cells(AMOEBANET_OPERATIONS, ("add",))
    return _candidates(stacked(cell, cell))


def nasnet_2d() -> Record:
    """NASNet's cells on images, as published, but for the whole network's dropout; see `nasnet`."""
    cell = cells(NASNET_OPERATIONS, ("add", "concat"))
    return _candidates(stacked(cell, cell, **_ON_IMAGES))


def amoebanet_2d() -> Record:
    """AmoebaNet's cells on images; see `amoebanet`."""
    cell = cells(AMOEBANET_OPERATIONS, ("add",))
    return _candidates(stacked(cell, cell, **_ON_IMAGES))


def textnas() -> Record:
    """TextNAS (Wang et al. 2019, arXiv:1912.10729): 24 blocks wired as a graph. Ours adds the graph to its input."""
    return _candidates(around(graphs(TEXTNAS_LAYERS, HIDDEN // 2)))


def fitted(space: Space, streams: Collection[str], per_step: bool) -> Space:
    """A space with one stem and readout, for other data: a series' channels for words, an output at every step.

    Only what is fixed is changed: a space that asks for its stem, or whose data has words, stays as it is.
    """
    if not isinstance(space, Record):
        return space
    parts = dict(space.fields)
    if space.cls is Candidate:
        return Record(
            Candidate, (("architecture", fitted(parts["architecture"], streams, per_step)), *space.fields[1:])
        )
    if space.cls not in (Network, CellNetwork):
        return space
    if parts["stem"] == Words() and "words" not in streams and "channels" in streams:
        parts["stem"] = Channels(kernel=1, stride=1)
    if per_step and parts["readout"] == Mean() and space.cls is Network:
        parts["readout"] = PerStep()
    return Record(space.cls, tuple(parts.items()))

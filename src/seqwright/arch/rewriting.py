"""Rewritings of an architecture: each of its operations stays, or becomes something cheaper, or nothing.

Guo et al. 2019 (arXiv:1910.14488, NAT) let an operation become itself, a skip connection or none; NAT++ (Guo et al.
2021) a cheaper relative too. What is given and all that it may become make a space like any other, whose wires are
fixed. Ours differs: what is cheaper is measured at its own place (`nn.cheaper`), so the table suits any operation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import singledispatch
from typing import Any, Literal

from seqwright.arch.blocks import (
    Attention,
    Conv,
    FeedForward,
    GatedFeedForward,
    Gru,
    Lstm,
    MinGru,
    Parallel,
    Rnn,
    Skip,
    Ssm,
)
from seqwright.arch.candidate import Candidate
from seqwright.arch.cells import CellNetwork, Combination
from seqwright.arch.network import Layer, Network, Pixels
from seqwright.arch.recurrent_cells import CellNode, RecurrentCell
from seqwright.arch.recurrent_graph import GraphCell
from seqwright.arch.show import line
from seqwright.arch.wired import Graph, Pool, Wired
from seqwright.errors import SpaceError
from seqwright.space.nodes import Choice, Record, Space, is_tuple, same

Table = Literal["cheaper", "published"]
TABLES: tuple[Table, ...] = ("cheaper", "published")
IDENTITY = Pool("mean", 1)  # the mean of a single step: a block of a graph that passes on what it reads
CELL_RELATIVES = ("conv3", "conv1", "sep3", "dilated-sep3", "max3", "avg3")  # as in the table of NAT++
LOCAL = (Conv(kernel=3, depthwise=True), Pool("mean", 3))  # what costs next to nothing and still sees neighbours

_OPERATIONS: dict[type, tuple[str, ...]] = {  # whose fields are operations
    Layer: ("mixer", "channel"),
    Wired: ("block",),
    Combination: ("first", "second"),
    CellNode: ("function",),
}
_INSIDE = (Parallel, Graph, RecurrentCell)  # rewritten inside, not as a whole


@dataclass(frozen=True)
class Site:
    """Where an operation stands, as far as its cost depends on it: the units it reads, its stride, what holds it."""

    width: int
    stride: int = 1
    holder: type[Any] = Layer


Measure = Callable[[Any, Site], Sequence[int]]  # what an operation costs at a site; none of the numbers may rise


def rewritings(given: Any, measure: Measure, table: Table = "cheaper") -> Record:
    """The space of all rewritings of an architecture, or of a candidate's, whose recipe then stays.

    At each question the first option is the operation that was given, and every later one costs no more than those
    before it, in no respect. So a network whose answers only ever move on never costs more than it did.

    Args:
        measure: what an operation costs; see `nn.cheaper.measured`.
        table: "cheaper", or "published": itself, a skip connection or none alone.

    Raises:
        SpaceError: this is no network whose operations are known, its cells are on images, or none of them can become
            anything else.
    """
    if isinstance(given, Candidate):
        architecture = rewritings(given.architecture, measure, table)
        return Record(Candidate, (("architecture", architecture), ("recipe", given.recipe)))
    if not isinstance(given, Network | CellNetwork):
        raise SpaceError(
            f"A {type(given).__name__} has no operations to rewrite. Give a network of layers or of cells that is "
            "trained from scratch; a head on a pretrained encoder is small beside it, whatever it does."
        )
    widths = (1,)
    if isinstance(given, CellNetwork):
        if isinstance(given.stem, Pixels):
            raise SpaceError("Cells on images are not rewritten, only those on sequences.")
        widths = (1, 2**given.reductions)  # costs are quadratic in it, so what is cheaper at both is so between them

    def priced(operation: Any, site: Site) -> tuple[int, ...]:
        return tuple(n for by in widths for n in measure(operation, replace(site, width=by * site.width)))

    def choice(operation: Any, site: Site) -> Space:
        options = _falling(operation, relatives(operation, site, table), site, priced)
        return Choice(options, names=tuple(map(line, options))) if len(options) > 1 else operation

    def opened(value: Any, site: Site) -> Space:
        if is_tuple(value):
            return tuple(opened(part, site) for part in value)
        if not is_dataclass(value) or isinstance(value, type):
            return value
        parts = {f.name: getattr(value, f.name) for f in fields(value)}
        for name, part in parts.items():
            if isinstance(value, Parallel):
                parts[name] = tuple(choice(branch, replace(site, holder=Parallel)) for branch in part)
            elif name in _OPERATIONS.get(type(value), ()) and not isinstance(part, _INSIDE):
                parts[name] = choice(part, _site(value, name, site))
            else:
                parts[name] = opened(part, replace(site, stride=2) if name == "reduction" else site)
        if all(same(parts[f.name], getattr(value, f.name)) for f in fields(value)):
            return value
        return Record(type(value), tuple(parts.items()))

    space = opened(given, Site(given.width if isinstance(given, CellNetwork) else given.body.width))
    if not isinstance(space, Record):
        raise SpaceError("No operation of this network can become anything cheaper, so there is nothing to rewrite.")
    return space


def _site(holder: Any, name: str, site: Site) -> Site:
    """The site of an operation; in a reduction cell what reads the cell's inputs has a stride of 2."""
    held: Any = holder.__class__
    inner = held is Combination and (holder.one if name == "first" else holder.two) >= 2
    return Site(site.width, 1 if inner else site.stride, held)


def _falling(operation: Any, others: Sequence[Any], site: Site, measure: Measure) -> tuple[Any, ...]:
    """The operation and those of `others` that can follow it so that no cost ever rises.

    What is counted alike (a pool, a skip, nothing) has the order of `others`, in which each does less than the last.
    """
    own = next((i for i, other in enumerate(others) if same(other, operation)), -1)
    kept, last = [operation], tuple(measure(operation, site))
    later = [(tuple(measure(other, site)), i, other) for i, other in enumerate(others) if i != own]
    for cost, i, other in sorted(later, key=lambda row: (*(-n for n in row[0]), row[1])):
        if all(a <= b for a, b in zip(cost, last, strict=True)) and (cost != last or len(kept) > 1 or i > own):
            kept.append(other)
            last = cost
    return tuple(kept)


def relatives(operation: Any, site: Site, table: Table = "cheaper") -> tuple[Any, ...]:
    """What may stand in an operation's place, whatever it costs: its relatives, and at last a skip and nothing."""
    if site.holder is CellNode:
        return ("identity",)
    if site.holder is Combination:
        return (*(CELL_RELATIVES if table == "cheaper" else ()), "identity", "none")
    own = dict.fromkeys(related(operation) if table == "cheaper" else ())
    # On a residual stream a skip is nothing added; within a graph the two differ.
    return (*own, IDENTITY, Skip()) if site.holder is Wired else (*own, Skip())


@singledispatch
def related(block: Any) -> tuple[Any, ...]:
    """Blocks that do what `block` does, for less. Register a case for a new kind here."""
    return ()


@related.register
def _(block: Lstm | Gru | Rnn | MinGru) -> tuple[Any, ...]:
    kinds = (Lstm, Gru, MinGru, Rnn) if isinstance(block, Lstm) else (Gru, MinGru, Rnn)
    ways = (True, False) if block.bidirectional else (False,)
    return (*(kind(block.hidden, both) for kind in kinds for both in ways), *LOCAL)


@related.register
def _(block: Ssm) -> tuple[Any, ...]:
    return (Ssm(block.state, False), *LOCAL)


@related.register
def _(block: RecurrentCell | GraphCell) -> tuple[Any, ...]:
    return related(Gru(block.hidden, block.bidirectional))


@related.register
def _(block: Conv) -> tuple[Any, ...]:
    smaller = sorted({kernel for kernel in (1, 3, 5) if kernel < block.kernel}, reverse=True)
    full = tuple(replace(block, kernel=kernel, dilation=1 if kernel == 1 else block.dilation) for kernel in smaller)
    return (*full, replace(block, depthwise=True), *LOCAL)


@related.register
def _(block: Attention) -> tuple[Any, ...]:
    fewer = tuple(replace(block, heads=heads) for heads in (4, 2, 1) if heads < block.heads)
    return (*fewer, MinGru(64, True), MinGru(64), *LOCAL)


@related.register
def _(block: FeedForward | GatedFeedForward) -> tuple[Any, ...]:
    return tuple(FeedForward(expand) for expand in (4, 2, 1) if expand <= block.expand)


@related.register
def _(block: Pool) -> tuple[Any, ...]:
    return (Pool("mean", 3),)

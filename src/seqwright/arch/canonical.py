"""The canonical form of a value: one spelling for networks that compute the same, so that twins share an id.

It serves the id alone; what is stored and built is what was proposed.
"""

from dataclasses import fields, is_dataclass, replace
from functools import singledispatch
from typing import Any

from seqwright.arch.blocks import Parallel, Skip
from seqwright.arch.cells import Combination
from seqwright.arch.encoders import ConvStage, Dense, HeadedEncoder, Tuned
from seqwright.arch.network import Body, KernelFeatures, Last, Layer, Max, Mean, Mlp, Network, NgramBag
from seqwright.arch.recurrent_graph import GraphCell, LinearNode, ProductNode, SumNode, alive, sources
from seqwright.errors import SpaceError
from seqwright.space.nodes import Choice, Record, Stack, is_tuple


def canonical(value: Any) -> Any:
    """`value` without no-op layers, with unread fields at their defaults and parallel branches in order."""
    if is_tuple(value):
        return tuple(map(canonical, value))
    if not is_dataclass(value) or isinstance(value, type | Choice | Record | Stack):  # a space has twins nowhere
        return value
    parts = {f.name: getattr(value, f.name) for f in fields(value)}
    simpler = {name: canonical(part) for name, part in parts.items()}
    if any(simpler[name] is not parts[name] for name in parts):
        value = replace(value, **simpler)
    return simplify(value)


@singledispatch
def simplify(value: Any) -> Any:
    """A record whose fields are canonical already, made canonical itself. Register a case for a new kind here."""
    return value


@simplify.register
def _parallel(value: Parallel) -> Any:
    branches = tuple(sorted((b for b in value.branches if b != Skip()), key=repr))  # a sum has no order
    if not branches:
        return Skip()
    return branches[0] if len(branches) == 1 else replace(value, branches=branches)


@simplify.register
def _body(value: Body) -> Body:
    value = replace(value, layers=tuple(layer for layer in value.layers if layer != Layer(Skip(), Skip())))
    if not value.layers:  # nothing to normalise
        value = replace(value, norm=Body.norm, statistics=Body.statistics)
    elif value.norm == "none":
        value = replace(value, statistics=Body.statistics)
    return value


@simplify.register
def _mlp(value: Mlp) -> Mlp:
    return value if value.layers else replace(value, width=Mlp.width)


@simplify.register
def _network(value: Network) -> Network:
    one_step = isinstance(value.stem, NgramBag | KernelFeatures)  # of which every plain readout is the same
    return replace(value, readout=Mean()) if one_step and isinstance(value.readout, Max | Last) else value


@simplify.register
def _tuned(value: Tuned) -> Tuned:
    return replace(value, decay=Tuned.decay) if value.learning_rate is None else value


@simplify.register
def _conv_stage(value: ConvStage) -> ConvStage:  # with one layer, the first one's output is the last's
    return replace(value, skip=ConvStage.skip) if value.layers == 1 else value


@simplify.register
def _dense(value: Dense) -> Dense:
    return replace(value, width=Dense.width) if value.layers == 1 else value


@simplify.register
def _headed(value: HeadedEncoder) -> HeadedEncoder:
    acts = value.dense.layers > 1 or value.attention != Skip() or value.convolution != Skip()
    return value if acts else replace(value, activation=HeadedEncoder.activation)


@simplify.register
def _graph_cell(value: GraphCell) -> GraphCell:
    try:
        value = alive(value)
    except SpaceError:  # what is no graph has no simpler form
        return value
    return replace(value, nodes=tuple(map(_in_order, value.nodes)))


def _in_order(node: Any) -> Any:
    """A node whose sources have no order, with them in one."""
    if isinstance(node, ProductNode | SumNode):
        return replace(node, one=min(node.one, node.two), two=max(node.one, node.two))
    return LinearNode(*sorted(sources(node))) if isinstance(node, LinearNode) else node


@simplify.register
def _combination(value: Combination) -> Combination:
    if value.join != "add" or (value.one, value.first) <= (value.two, value.second):
        return value
    return Combination(value.two, value.second, value.one, value.first)

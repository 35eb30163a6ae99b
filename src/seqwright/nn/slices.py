"""Which part of a larger network's parameter is a smaller network's: the rule by which widths share weights.

A dimension is sliced from its beginning, unless its units come in groups (an LSTM's four gates, two directions), in
which case each group is sliced from its own beginning, or unless it is a kernel, which is sliced from its middle. Of
some dimensions a network has certain groups only, such as the states that its cells leave.
`layout` says so for each kind; to share the weights of a new block otherwise, register it: ``@layout.register``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass
from functools import singledispatch
from typing import Any

import torch
from torch import Tensor

from seqwright.arch.blocks import Conv, Gru, Lstm, MinGru, Rnn, Ssm
from seqwright.arch.network import Channels, Mlp, Network, Pixels
from seqwright.arch.recurrent_cells import CellNode, RecurrentCell
from seqwright.arch.recurrent_graph import GraphCell
from seqwright.arch.transformer_blocks import BranchedConv, DconvAttention, LightConv

CENTRED = 0  # in a layout: this dimension is a kernel


@dataclass(frozen=True)
class Groups:
    """In a layout: the dimension holds these groups of the so many that the bank has."""

    chosen: tuple[int, ...]
    of: int


Layout = tuple[
    int | Groups, ...
]  # for each dimension its number of groups, or CENTRED; what it leaves out is one group


@singledispatch
def layout(spec: Any, name: str, whole: Network) -> Layout:
    """The layout of the parameter `name` (as in a state dict, from the module of `spec` down) of a network."""
    return ()


@layout.register
def _(spec: Rnn | Lstm | Gru, name: str, whole: Network) -> Layout:
    if "output.weight" in name:
        return (1, 1 + spec.bidirectional)
    if "_hh" in name or "_ih" in name:
        return ({Rnn: 1, Lstm: 4, Gru: 3}[type(spec)],)
    return ()


@layout.register
def _(spec: RecurrentCell | GraphCell, name: str, whole: Network) -> Layout:
    if "output.weight" in name:
        return (1, 1 + spec.bidirectional)
    return (2,) if name.endswith((".enter", ".repeat")) else ()


@layout.register
def _(spec: CellNode, name: str, whole: Network) -> Layout:
    return (2,)  # gate and value


@layout.register
def _(spec: MinGru, name: str, whole: Network) -> Layout:
    directions = 1 + spec.bidirectional
    return (2 * directions,) if "enter." in name else (1, directions) if "leave.weight" in name else ()


@layout.register
def _(spec: Ssm, name: str, whole: Network) -> Layout:
    pairs = 2 * (1 + spec.bidirectional)  # real and imaginary parts
    return (pairs,) if "enter." in name else (2, pairs) if "leave." in name else ()


@layout.register
def _(spec: Conv | Channels, name: str, whole: Network) -> Layout:
    return (1, 1, CENTRED)


@layout.register
def _(spec: DconvAttention, name: str, whole: Network) -> Layout:
    return (3, 1, CENTRED) if name.endswith("taps") else (3,) if "project." in name else ()  # queries, keys, values


@layout.register
def _(spec: LightConv, name: str, whole: Network) -> Layout:
    return (1, CENTRED) if name.endswith("taps") else (2,) if "enter." in name else ()


@layout.register
def _(spec: BranchedConv, name: str, whole: Network) -> Layout:
    return (1, 1, CENTRED) if name.endswith(("near.weight", "taps")) else ()


@layout.register
def _(spec: Pixels, name: str, whole: Network) -> Layout:
    return (1, 1, CENTRED, CENTRED)


@layout.register
def _(spec: Mlp, name: str, whole: Network) -> Layout:
    inputs = inputs_of_head(whole)
    return (1, inputs) if inputs != 1 and name == ("hidden.0.weight" if spec.layers else "output.weight") else ()


@singledispatch
def inputs_of_head(whole: Any) -> int | Groups:
    """The groups of units that a head reads: four features of a pair, or one. Register a network to say more."""
    return 4 if whole.pairing == "compared" else 1


def site(whole: Network, name: str) -> tuple[Any, str, str]:
    """Whose parameter a name of the state dict is: the spec, the name within its module, and a key for sharing.

    The key names every kind on the way, so that layer 2's LSTM shares with layer 2's LSTM of another architecture
    and with nothing else: ``body/layers/2/mixer/lstm/block/output/weight``.
    """
    owner, leaf, key = whole, [], []
    for part in name.split("."):
        below = _below(owner, part)
        key.append(part)
        if below is None:
            leaf.append(part)
            continue
        owner, leaf = below, []
        if is_dataclass(below):
            key.append(_label(below))
    return owner, ".".join(leaf), key_of(whole, name) or "/".join(key)


@singledispatch
def key_of(whole: Any, name: str) -> str:
    """The key where names and kinds do not say it all; "" where they do. Register a kind of network to say more."""
    return ""


def spread(shape: Sequence[int], layout: Layout) -> list[int]:
    """A shape with each dimension n written as (groups, n / groups)."""
    groups = [len(g.chosen) if isinstance(g, Groups) else g or 1 for g in layout] + [1] * (len(shape) - len(layout))
    return [n for g, size in zip(groups, shape, strict=False) for n in (g, size // g)]


def room(shape: Sequence[int], layout: Layout) -> list[int]:
    """What the bank must have for a parameter of `shape`, spread out."""
    spans = spread(shape, layout)
    for i, g in enumerate(layout[: len(shape)]):
        if isinstance(g, Groups):
            spans[2 * i] = g.of
    return spans


def laid_out(tensor: Tensor, layout: Layout) -> Tensor:
    """A parameter's initial values as the bank holds them. Groups that it lacks get values of its own, in disorder."""
    bank = tensor.reshape(spread(tensor.shape, layout))
    for i, g in enumerate(layout[: tensor.dim()]):
        if isinstance(g, Groups) and len(g.chosen) < g.of:
            parts = list(bank.unbind(2 * i))
            every = [
                parts[g.chosen.index(k)] if k in g.chosen else _shuffled(parts[k % len(parts)]) for k in range(g.of)
            ]
            bank = torch.stack(every, 2 * i)
    return bank


def _shuffled(part: Tensor) -> Tensor:
    return part.flatten()[torch.randperm(part.numel())].view(part.shape)


def cut(bank: Tensor, shape: Sequence[int], layout: Layout) -> Tensor:
    """The parameter of `shape` within the spread-out `bank`: a view of it, or a copy that gradients flow through."""
    return window(bank, shape, layout).reshape(tuple(shape))


def window(bank: Tensor, shape: Sequence[int], layout: Layout) -> Tensor:
    """The same, spread out: a view of the bank, unless it is of certain groups only."""
    for dim, (length, room) in enumerate(zip(spread(shape, layout), bank.shape, strict=True)):
        how = layout[dim // 2] if dim // 2 < len(layout) else 1
        if isinstance(how, Groups) and dim % 2 == 0:
            bank = bank.index_select(dim, torch.tensor(how.chosen, device=bank.device))
        else:
            bank = bank.narrow(dim, (room - length) // 2 if how == CENTRED else 0, length)
    return bank


def _below(owner: Any, part: str) -> Any:
    if isinstance(owner, tuple):
        return owner[int(part)] if part.isdigit() else None
    below = getattr(owner, part, None)
    return below if is_dataclass(below) or isinstance(below, tuple) else None


def _label(spec: Any) -> str:
    # A depthwise kernel is no part of a full one: its single input channel is the unit itself.
    return type(spec).__name__.lower() + ("-depthwise" if getattr(spec, "depthwise", False) else "")

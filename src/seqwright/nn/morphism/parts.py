"""One part's weights from its parent's: a stem, a block with its branches, a readout.

A mixer is a sum of branches: `Skip` has none, a plain block is one. So a block that comes to stand beside another, or
where nothing stood, is one case: a branch without a counterpart, which begins silent, adding zero.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from seqwright.arch.blocks import Conv, Parallel, Skip
from seqwright.arch.network import Network
from seqwright.nn.morphism.align import matched
from seqwright.nn.morphism.axes import fits, grown
from seqwright.nn.morphism.rules import kin, rule
from seqwright.nn.slices import CENTRED, Layout, layout, spread

Tensors = dict[str, Tensor]


def below(tensors: Mapping[str, Tensor], prefix: str) -> Tensors:
    """Those whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def under(tensors: Mapping[str, Tensor], prefix: str) -> Tensors:
    """The inverse of `below`."""
    return {prefix + name: t for name, t in tensors.items()}


def part(was: Any, now: Any, old: Tensors, fresh: Tensors, wholes: tuple[Network, Network]) -> tuple[Tensors, bool]:
    """The weights of a part, and whether it does what it did."""
    if not kin(was, now):
        return fresh, False
    if isinstance(was, Conv) and was.depthwise and not now.depthwise:
        was, old = Conv(was.kernel, was.dilation), full(old)
    before, after = rule(was), rule(now)
    if before is None or after is None:
        return _sliced(was, now, old, fresh, wholes)
    known = [name for name in fresh if name in old]
    kept = all(getattr(was, name) == getattr(now, name) for name in after.fixed) and all(name in fresh for name in old)
    kept = kept and all(fits(old[n].shape, fresh[n].shape, before.axes[n], after.axes[n]) for n in known)
    return fresh | {n: grown(old[n], fresh[n], before.axes[n], after.axes[n]) for n in known}, kept


def mixer(was: Any, now: Any, old: Tensors, fresh: Tensors, wholes: tuple[Network, Network]) -> tuple[Tensors, bool]:
    """The weights of a block, which may gain and lose branches, and whether it does what it did."""
    before, after = branches(was), branches(now)
    pairs = matched([spec for _, spec in before], [spec for _, spec in after])
    pairs = {j: i for i, j in pairs if kin(before[i][1], after[j][1])}
    found, kept = dict(fresh), len(pairs) == len(before)
    for j, (here, spec) in enumerate(after):
        own = below(fresh, here)
        if j in pairs:
            there, one = before[pairs[j]]
            made, same = part(one, spec, below(old, there), own, wholes)
        else:
            made, same = silent(spec, own), rule(spec) is not None
        found, kept = found | under(made, here), kept and same
    return found, kept


def branches(spec: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """The blocks whose outputs a mixer adds up, each with the beginning of its parameters' names."""
    if isinstance(spec, Parallel):
        inner = ((f"{prefix}branches.{i}.", b) for i, b in enumerate(spec.branches))
        return [pair for name, branch in inner for pair in branches(branch, name)]
    return [] if isinstance(spec, Skip) else [(prefix, spec)]


def silent(spec: Any, fresh: Tensors) -> Tensors:
    """A new block that adds zero at first; one without a rule begins as it was born."""
    found = rule(spec)
    return fresh | {name: torch.zeros_like(fresh[name]) for name in (found.output if found else ())}


def full(depthwise: Tensors) -> Tensors:
    """A depthwise convolution and the map that follows it, as one full convolution: W_k = P diag(w_k)."""
    taps, map_, bias = depthwise["weight"], depthwise["pointwise.weight"], depthwise["pointwise.bias"]
    return {
        "weight": map_.unsqueeze(-1) * taps.squeeze(1).unsqueeze(0),
        "bias": map_ @ depthwise["bias"] + bias,
    }


def _sliced(was: Any, now: Any, old: Tensors, fresh: Tensors, wholes: tuple[Network, Network]) -> tuple[Tensors, bool]:
    """What overlaps, by the rules of a supernet (`nn/slices.py`)."""
    found = dict(fresh)
    for name in old.keys() & fresh.keys():
        if old[name].ndim == fresh[name].ndim:
            groups = layout(was, name, wholes[0]), layout(now, name, wholes[1])
            found[name] = _overlapping(old[name], fresh[name], *groups)
    shapes, others = ({name: t.shape for name, t in tensors.items()} for tensors in (old, fresh))
    return found, was == now and shapes == others


def _overlapping(old: Tensor, fresh: Tensor, was: Layout, now: Layout) -> Tensor:
    source, target = old.reshape(spread(old.shape, was)), fresh.clone().reshape(spread(fresh.shape, now))
    taken: tuple[list[slice], list[slice]] = ([], [])
    for dim, lengths in enumerate(zip(source.shape, target.shape, strict=True)):
        centred = dim % 2 == 1 and (*now, *[1] * dim)[dim // 2] == CENTRED
        for slices, length in zip(taken, lengths, strict=True):
            begin = (length - min(lengths)) // 2 if centred else 0
            slices.append(slice(begin, begin + min(lengths)))
    target[tuple(taken[1])] = source[tuple(taken[0])].to(target.dtype)
    return target.reshape(fresh.shape)

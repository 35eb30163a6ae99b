"""How each dimension of a parameter grows, so that what is computed stays the same.

Five kinds of dimension are enough. The residual stream of width D is written in copies and read at the first of them;
units inside a block join with weights of their own and are fed to others by zeros; a kernel's taps keep their offsets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Writes:
    """Units of the residual stream: unit i' of D' is a copy of unit floor(i' D / D').

    Copies stand side by side, so that heads, the halves of a gate, and the frequencies of sinusoidal positions keep
    their places when D' is a multiple of D; and a layer norm sees the same mean and variance.
    """


@dataclass(frozen=True)
class Reads:
    """What reads the stream reads the first copy of each unit as before; the other copies it does not read yet."""


@dataclass(frozen=True)
class Units:
    """Units inside a block, in so many groups (gates, directions): new ones keep the weights they were born with."""

    groups: int = 1


@dataclass(frozen=True)
class Fed:
    """What is fed by `Units`: new ones by zeros, which gradients soon change."""

    groups: int = 1


@dataclass(frozen=True)
class Taps:
    """A kernel: each tap stays at its offset in time, new ones are zero."""

    offsets: tuple[int, ...]


@dataclass(frozen=True)
class Same:
    """What the data decide (classes, vocabulary, channels): it never changes."""


Axis = Writes | Reads | Units | Fed | Taps | Same
Axes = tuple[Axis, ...]


def grown(old: Tensor, fresh: Tensor, was: Axes, now: Axes) -> Tensor:
    """`old` in the shape of `fresh`: what is new is as the axes say, what no longer fits is left out."""
    kept: list[Tensor] = []  # where in `fresh` the rows of `value` go, by dimension
    value = old.to(fresh.dtype)
    for dim, (before, after, size) in enumerate(zip(was, now, fresh.shape, strict=True)):
        match before, after:
            case (Writes(), Writes()):
                value = value.index_select(dim, _sources(old.shape[dim], size))
            case (Reads(), Reads()):
                sources = _sources(old.shape[dim], size)
                first = torch.ones(size, dtype=value.dtype)
                first[1:] = (sources[1:] != sources[:-1]).to(value.dtype)
                value = value.index_select(dim, sources) * first.view(-1, *[1] * (value.ndim - dim - 1))
            case (Fed(), Fed()):
                a, b = _units(old.shape[dim], size, before.groups, after.groups)
                value = _placed(value, dim, a, b, size)
            case (Taps(), Taps()):
                a = [i for i, offset in enumerate(before.offsets) if offset in after.offsets]
                b = [after.offsets.index(before.offsets[i]) for i in a]
                value = _placed(value, dim, torch.tensor(a), torch.tensor(b), size)
            case (Units(), Units()):
                a, b = _units(old.shape[dim], size, before.groups, after.groups)
                value = value.index_select(dim, a)
                kept.append(b)
                continue
            case _:
                value = value.narrow(dim, 0, min(size, old.shape[dim]))
        kept.append(torch.arange(value.shape[dim]))
    result = fresh.clone()
    result[torch.meshgrid(*kept, indexing="ij")] = value
    return result


def fits(old: Sequence[int], new: Sequence[int], was: Axes, now: Axes) -> bool:
    """Whether a parameter that grows so can still do all that it did."""
    if len(was) != len(now):
        return False
    for before, after, a, b in zip(was, now, old, new, strict=True):
        match before, after:
            case (Writes(), Writes()) | (Reads(), Reads()):
                good = b % a == 0
            case (Units(), Units()) | (Fed(), Fed()):
                good = before.groups <= after.groups and a // before.groups <= b // after.groups
            case (Taps(), Taps()):
                good = set(before.offsets) <= set(after.offsets)
            case _:
                good = a == b
        if not good:
            return False
    return True


def _sources(old: int, new: int) -> Tensor:
    return torch.arange(new) * old // new


def _units(old: int, new: int, groups: int, more: int) -> tuple[Tensor, Tensor]:
    """Where the units that both have stand in the old one and in the new: each group from its own beginning."""
    inside, outside = old // groups, new // more
    both = torch.arange(min(inside, outside))
    group = torch.arange(min(groups, more)).unsqueeze(1)
    return (group * inside + both).flatten(), (group * outside + both).flatten()


def _placed(value: Tensor, dim: int, a: Tensor, b: Tensor, size: int) -> Tensor:
    """Rows `a` of a dimension at `b` of one of `size` rows, the others zero."""
    shape = list(value.shape)
    shape[dim] = size
    if not len(a):
        return value.new_zeros(shape)
    return value.new_zeros(shape).index_copy(dim, b, value.index_select(dim, a))

"""Readouts: from all steps (B, T, D) to one vector (B, D), or to every step as it stands.

A readout is asked twice: `enter` before the body, where [CLS] puts its step in front, and `forward` after it.
A sequence without a single real step reads as zero.
"""

from functools import singledispatch
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.network import AttentionPool, Cls, Last, Max, Mean, PerStep
from seqwright.errors import SpaceError
from seqwright.nn.build import unregistered


class Readout(nn.Module):
    """``enter(x, mask) -> (x, mask)`` before the body; ``forward(x, mask)`` after it."""

    def enter(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        return x, mask


class MeanReadout(Readout):
    """sum_t mask_t x_t / sum_t mask_t."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        real = mask.to(x.dtype)
        return torch.bmm((real / real.sum(1, keepdim=True).clamp(min=1)).unsqueeze(1), x).squeeze(1)


class MaxReadout(Readout):
    """max_t x_t over the real steps."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        lowest = torch.finfo(x.dtype).min
        largest = x.masked_fill(~mask.unsqueeze(-1), lowest).amax(1)
        return largest.masked_fill(~mask.any(1, keepdim=True), 0.0)


class LastReadout(Readout):
    """x_t at the last real t."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        last = (mask.sum(1) - 1).clamp(min=0)
        picked = x.gather(1, last.view(-1, 1, 1).expand(-1, 1, x.shape[2])).squeeze(1)
        return picked * mask.any(1, keepdim=True).to(x.dtype)


class ClsReadout(Readout):
    """A learned step, put in front and read at the end (Devlin et al. 2019, arXiv:1810.04805)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.step = nn.Parameter(torch.randn(width) * 0.02)

    def enter(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        x = torch.cat([self.step.to(x.dtype).expand(x.shape[0], 1, -1), x], 1)
        return x, F.pad(mask, (1, 0), value=True)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return x[:, 0]


class AttentionPoolReadout(Readout):
    """sum_t softmax_t(tanh(W x_t) . q_h) V_h x_t for H learned queries (after Lin et al. 2017, arXiv:1703.03130).

    Ours differs: each head sums its own D / H units, so the width stays D, and nothing pushes the heads apart.
    Starts as the mean, since the queries start at zero.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.key = nn.Linear(width, width)
        self.query = nn.Parameter(torch.zeros(width, heads))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        score = torch.tanh(self.key(x)) @ self.query  # (B, T, H)
        score = score.masked_fill(~mask.unsqueeze(-1), torch.finfo(score.dtype).min)
        weight = score.softmax(1) * mask.unsqueeze(-1).to(score.dtype)
        parts = x.unflatten(2, (self.heads, -1))  # (B, T, H, D / H)
        return torch.einsum("bth,bthd->bhd", weight.to(x.dtype), parts).flatten(1)


class PerStepReadout(Readout):
    """Every step as it stands, (B, T, D)."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return x


@singledispatch
def readout(spec: Any, width: int) -> Readout:
    """The module of a readout.

    Raises:
        SpaceError: no module is registered for this type of spec.
    """
    raise unregistered("readout", readout.registry, spec)


@readout.register
def _(spec: Mean, width: int) -> Readout:
    return MeanReadout()


@readout.register
def _(spec: Max, width: int) -> Readout:
    return MaxReadout()


@readout.register
def _(spec: Last, width: int) -> Readout:
    return LastReadout()


@readout.register
def _(spec: Cls, width: int) -> Readout:
    return ClsReadout(width)


@readout.register
def _(spec: AttentionPool, width: int) -> Readout:
    if width % spec.heads:
        raise SpaceError(
            f"AttentionPool(heads={spec.heads}) cannot divide a width of {width}. Use a width that its heads divide."
        )
    return AttentionPoolReadout(width, spec.heads)


@readout.register
def _(spec: PerStep, width: int) -> Readout:
    return PerStepReadout()

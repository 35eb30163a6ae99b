"""Dropout that is cheap on a CPU: one random byte a unit, where torch draws a double (Srivastava et al. 2014).

Torch's own takes 4 ns a unit on processors for which it has no vector library, a fifth of a small network's training;
this takes 1. Where a share is dropped it is a multiple of 1/256, and what is kept is scaled by the exact inverse. On
other devices it is torch's.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEVELS = 256


class Dropout(nn.Dropout):
    """x with each unit zero with probability `p`, or divided by the share kept; in evaluation x. Any shape."""

    def forward(self, input: Tensor) -> Tensor:
        return dropout(input, self.p) if self.training else input


def dropout(x: Tensor, p: float) -> Tensor:
    """x with a share `p` of its units set to zero, the others scaled; what is drawn depends on its shape alone."""
    if x.device.type != "cpu" or not 0 < p < 1:
        return F.dropout(x, p)
    return x * factors(bytes_of(x.numel()), p).to(x.dtype).view(x.shape)


def bytes_of(count: int) -> Tensor:
    """(count,) uint8 from the CPU's generator, which is asked for whole words."""
    return torch.empty(words_of(count), dtype=torch.int64).random_(-(2**63), None).view(torch.uint8)[:count]


def words_of(count: int) -> int:
    """How many words of 8 bytes so many bytes take."""
    return -(-count // 8)


def dropped(p: float) -> int:
    """Of 256 values of a byte, how many drop a unit."""
    return min(max(round(p * LEVELS), 1), LEVELS - 1)


def factors(drawn: Tensor, p: float) -> Tensor:
    """float32, of every byte zero or the inverse of the share kept."""
    least = dropped(p)
    return (drawn >= least).float().mul_(LEVELS / (LEVELS - least))

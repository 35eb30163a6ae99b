"""What a block is built for (its role) and what it is told when it runs (its context)."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Role:
    """What a block is built for.

    Args:
        causal: step t may see steps up to t only. A causal block also has `initial(batch)` and
            `step(x_t, state)`, and running `step` over a sequence gives what `forward` gives.
        dropout: for blocks that drop inside themselves; the residual branch around a block drops anyway.
    """

    causal: bool = False
    dropout: float = 0.0


@dataclass(frozen=True)
class Context:
    """What a block knows of the batch: `mask` (B, T) bool, true at real steps, which come before all padding."""

    mask: Tensor

    @property
    def lengths(self) -> Tensor:
        """The number of real steps of each sequence, (B,)."""
        return self.mask.sum(1)

    def zero(self, x: Tensor) -> Tensor:
        """`x` (B, T, D) with its padding set to zero."""
        return x * self.mask.unsqueeze(-1).to(x.dtype)

    def flip(self, x: Tensor) -> Tensor:
        """`x` (B, T, D) with each sequence's real steps in reverse order and its padding where it was."""
        t = torch.arange(x.shape[1], device=x.device)
        source = torch.where(self.mask, self.lengths.unsqueeze(1) - 1 - t, t)
        return x.gather(1, source.unsqueeze(-1).expand_as(x))

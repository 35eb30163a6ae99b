"""Channel mixers: maps applied at every step alone."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.blocks import FeedForward, GatedFeedForward, Skip
from seqwright.arch.transformer_blocks import GatedLinear, SquaredFeedForward
from seqwright.nn.build import block
from seqwright.nn.role import Context, Role


class _Stepwise(nn.Module):
    """A block without memory: its `step` is its `forward` on a single step, its state is nothing."""

    def initial(self, batch: int) -> None:
        return None

    def step(self, x: Tensor, state: None) -> tuple[Tensor, None]:
        return self(x, None), None


class FeedForwardModule(_Stepwise):
    """W2 gelu(W1 x + b1) + b2, with `expand` * D hidden units (Vaswani et al. 2017, arXiv:1706.03762, with GELU).

    (B, T, D) -> (B, T, D); 4 * expand * D^2 FLOPs a step.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.inner = nn.Linear(width, hidden)
        self.outer = nn.Linear(hidden, width)

    def forward(self, x: Tensor, context: Context | None) -> Tensor:
        return self.outer(F.gelu(self.inner(x)))


class GatedFeedForwardModule(_Stepwise):
    """W3 (silu(W1 x) * W2 x), with `expand` * D hidden units (SwiGLU: Shazeer 2020, arXiv:2002.05202).

    (B, T, D) -> (B, T, D); 6 * expand * D^2 FLOPs a step. Ours keeps the biases and does not shrink the hidden
    units to two thirds: `expand` means the same in both feed-forwards.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, hidden)
        self.inner = nn.Linear(width, hidden)
        self.outer = nn.Linear(hidden, width)

    def forward(self, x: Tensor, context: Context | None) -> Tensor:
        return self.outer(F.silu(self.gate(x)) * self.inner(x))


class SquaredFeedForwardModule(FeedForwardModule):
    """W2 max(W1 x + b1, 0)^2 + b2, with `expand` * D hidden units (Primer: So et al. 2021, arXiv:2109.08668).

    (B, T, D) -> (B, T, D); 4 * expand * D^2 FLOPs a step.
    """

    def forward(self, x: Tensor, context: Context | None) -> Tensor:
        return self.outer(F.relu(self.inner(x)).square())


class GatedLinearModule(_Stepwise):
    """(W1 x + b1) * sigmoid(W2 x + b2) (GLU: Dauphin et al. 2017, arXiv:1612.08083).

    (B, T, D) -> (B, T, D); 4 * D^2 FLOPs a step. The first block of the Evolved Transformer (arXiv:1901.11117).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Linear(width, width)
        self.gate = nn.Linear(width, width)

    def forward(self, x: Tensor, context: Context | None) -> Tensor:
        return self.inner(x) * torch.sigmoid(self.gate(x))


class SkipModule(_Stepwise):
    """Zero: what is added to the residual stream is nothing. (B, T, D) -> (B, T, D)."""

    def forward(self, x: Tensor, context: Context | None) -> Tensor:
        return x.new_zeros(x.shape)


@block.register
def _(spec: FeedForward, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    return FeedForwardModule(width, spec.expand * width)


@block.register
def _(spec: GatedFeedForward, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    return GatedFeedForwardModule(width, spec.expand * width)


@block.register
def _(spec: SquaredFeedForward, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    return SquaredFeedForwardModule(width, spec.expand * width)


@block.register
def _(spec: GatedLinear, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    return GatedLinearModule(width)


@block.register
def _(spec: Skip, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    return SkipModule()

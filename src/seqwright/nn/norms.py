"""Normalisation: over the units of each step, or over all real steps of a batch."""

import torch
from torch import Tensor, nn

from seqwright.errors import SpaceError


class LayerNorm(nn.LayerNorm):
    """Each step over its own units (Ba et al. 2016, arXiv:1607.06450); the mask plays no part. (B, T, D) -> same."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return super().forward(x)


class MaskedBatchNorm(nn.Module):
    """Each unit over the batch's real steps (Ioffe & Szegedy 2015, arXiv:1502.03167). (B, T, D) -> same.

    Ours differs from `nn.BatchNorm1d` in that padding counts for nothing, so a batch's padding never moves
    its statistics. In evaluation the running statistics are used, as ever.
    """

    running_mean: Tensor
    running_variance: Tensor

    def __init__(self, width: int, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.momentum, self.epsilon = momentum, epsilon
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_variance", torch.ones(width))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x.to(torch.promote_types(x.dtype, torch.float32))  # bfloat16 sums would lose the statistics
        mean, variance = self._batch(x, mask) if self.training else (self.running_mean, self.running_variance)
        scale = self.weight * torch.rsqrt(variance + self.epsilon)
        return x * scale + (self.bias - mean * scale)

    def _batch(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        real = mask.unsqueeze(-1).to(x.dtype)
        count = real.sum().clamp(min=1)
        mean = (x * real).sum((0, 1)) / count
        variance = ((x - mean).square() * real).sum((0, 1)) / count
        with torch.no_grad():  # the running variance is the unbiased one, as in nn.BatchNorm1d
            unbiased = variance * count / (count - 1).clamp(min=1)
            # No lerp_, which vmap does not know.
            self.running_mean.add_(mean - self.running_mean, alpha=self.momentum)
            self.running_variance.add_(unbiased - self.running_variance, alpha=self.momentum)
        return mean, variance


def norm(statistics: str, width: int) -> nn.Module:
    """The normalisation of a `Body` by the name of its statistics; ``forward(x, mask)``.

    Raises:
        SpaceError: the name is neither "layer" nor "batch".
    """
    if statistics == "layer":
        return LayerNorm(width)
    if statistics == "batch":
        return MaskedBatchNorm(width)
    raise SpaceError(f'statistics="{statistics}" is not known. Use "layer" or "batch".')

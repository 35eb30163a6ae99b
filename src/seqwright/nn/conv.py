"""Convolution over time, full or depthwise, centred or causal."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.blocks import Conv
from seqwright.nn.build import block
from seqwright.nn.role import Context, Role


class ConvModule(nn.Module):
    """y_t = gelu(b + sum_k W_k x_{t + d (k - c)}), with c = (K - 1) / 2, or K - 1 where causal.

    (B, T, D) -> (B, T, D). Padding is set to zero first, as if the sequence ended there. Full: 2 K D^2 FLOPs a step.
    Depthwise: W_k is diagonal and a full D x D map follows (Chollet 2017, arXiv:1610.02357), 2 K D + 2 D^2 FLOPs.
    """

    def __init__(self, spec: Conv, width: int, causal: bool) -> None:
        super().__init__()
        self.groups = width if spec.depthwise else 1
        self.dilation, self.reach = spec.dilation, (spec.kernel - 1) * spec.dilation
        self.left = self.reach if causal else self.reach // 2
        self.weight = nn.Parameter(torch.empty(width, width // self.groups, spec.kernel))
        self.bias = nn.Parameter(torch.zeros(width))
        bound = math.sqrt(3.0 / (spec.kernel * (width // self.groups)))  # keeps the variance of the input
        nn.init.uniform_(self.weight, -bound, bound)
        self.pointwise = nn.Linear(width, width) if spec.depthwise else None

    def forward(self, x: Tensor, context: Context) -> Tensor:
        return self._convolve(F.pad(context.zero(x), (0, 0, self.left, self.reach - self.left)))

    def initial(self, batch: int) -> Tensor:
        """The last `reach` inputs, (B, (K - 1) d, D), before the first step zero."""
        return self.weight.new_zeros(batch, self.reach, self.weight.shape[0])

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        seen = torch.cat([state, x.unsqueeze(1)], 1)
        return self._convolve(seen).squeeze(1), seen[:, 1:]

    def _convolve(self, x: Tensor) -> Tensor:
        # (B, T, D) is the memory of a channels-last image of height 1: the 2-d convolution reads it without a copy.
        image, kernel = x.transpose(1, 2).unsqueeze(2), self.weight.unsqueeze(2)
        y = F.conv2d(image, kernel, self.bias, dilation=(1, self.dilation), groups=self.groups)
        y = y.squeeze(2).transpose(1, 2)
        return F.gelu(y if self.pointwise is None else self.pointwise(y))


@block.register
def _(spec: Conv, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    return ConvModule(spec, width, role.causal)

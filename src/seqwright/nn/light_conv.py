"""Lightweight convolution: a few kernels of positive weights that sum to one, each shared by many units."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.transformer_blocks import LightConv
from seqwright.nn.build import block
from seqwright.nn.role import Context, Role


class LightConvModule(nn.Module):
    """y = W_o conv_K(u), u = glu(W x), unit d by the kernel softmax(w_h) of its head h = floor(d H / D).

    (B, T, D) -> (B, T, D); 6 D^2 + 2 K D FLOPs a step. Wu et al. 2019 (arXiv:1901.10430). Ours drops no taps.
    """

    def __init__(self, width: int, kernel: int, heads: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.reach = heads, kernel - 1
        self.left = self.reach if causal else self.reach // 2
        self.enter = nn.Linear(width, 2 * width)
        self.taps = nn.Parameter(torch.randn(heads, kernel) * 0.5)
        self.leave = nn.Linear(width, width)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        u = F.pad(context.zero(F.glu(self.enter(x), -1)), (0, 0, self.left, self.reach - self.left))
        y = F.conv1d(u.transpose(1, 2), self._kernels().unsqueeze(1), groups=x.shape[2])
        return self.leave(y.transpose(1, 2))

    def initial(self, batch: int) -> Tensor:
        """The last K - 1 u, (B, K - 1, D), before the first step zero."""
        return self.leave.weight.new_zeros(batch, self.reach, self.leave.in_features)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        seen = torch.cat([state, F.glu(self.enter(x), -1).unsqueeze(1)], 1)
        return self.leave((seen.transpose(1, 2) * self._kernels()).sum(2)), seen[:, 1:]

    def _kernels(self) -> Tensor:
        """(D, K)."""
        units = self.leave.in_features
        return self.taps.softmax(1)[torch.arange(units, device=self.taps.device) * self.heads // units]


@block.register
def _(spec: LightConv, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    return LightConvModule(width, spec.kernel, spec.heads, role.causal)

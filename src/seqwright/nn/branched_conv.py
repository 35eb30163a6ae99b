"""The Evolved Transformer's convolutional block: a wide map and a convolution side by side, then a separable one."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.transformer_blocks import BranchedConv
from seqwright.nn.build import block
from seqwright.nn.role import Context, Role


class BranchedConvModule(nn.Module):
    """y = W_o dconv_K(norm(relu(W x) + [relu(conv_3 x), 0])) + b; `expand` * D units inside, D / 2 of the convolution.

    (B, T, D) -> (B, T, D); 4 * expand * D^2 + 3 D^2 + 2 * expand * K D FLOPs a step. The second block of the Evolved
    Transformer's encoder (So et al. 2019, arXiv:1901.11117). Ours differs: W_o writes all D units, theirs D / 2.
    """

    def __init__(self, width: int, expand: int, kernel: int, causal: bool) -> None:
        super().__init__()
        hidden, self.causal, self.reach = expand * width, causal, kernel - 1
        self.wide = nn.Linear(width, hidden)
        self.near = nn.Conv1d(width, max(1, width // 2), 3)
        self.norm = nn.LayerNorm(hidden)
        self.taps = nn.Parameter(torch.empty(hidden, 1, kernel))
        nn.init.uniform_(self.taps, -(bound := math.sqrt(3.0 / kernel)), bound)  # keeps the variance
        self.outer = nn.Linear(hidden, width)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        near = self.near(self._padded(context.zero(x), 2)).transpose(1, 2)
        h = context.zero(self._joined(x, near))
        y = F.conv1d(self._padded(h, self.reach), self.taps, groups=len(self.taps))
        return self.outer(y.transpose(1, 2))

    def initial(self, batch: int) -> tuple[Tensor, Tensor]:
        """The last two x and the last K - 1 of what is joined, before the first step zero."""
        zeros = self.outer.weight.new_zeros
        return zeros(batch, 2, self.wide.in_features), zeros(batch, self.reach, len(self.taps))

    def step(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        seen = torch.cat([state[0], x.unsqueeze(1)], 1)
        h = self._joined(x, self.near(seen.transpose(1, 2)).squeeze(2))
        joined = torch.cat([state[1], h.unsqueeze(1)], 1)
        y = self.outer((joined.transpose(1, 2) * self.taps.squeeze(1)).sum(2))
        return y, (seen[:, 1:], joined[:, 1:])

    def _joined(self, x: Tensor, near: Tensor) -> Tensor:
        wide = F.relu(self.wide(x))
        return self.norm(wide + F.pad(F.relu(near), (0, wide.shape[-1] - near.shape[-1])))

    def _padded(self, x: Tensor, reach: int) -> Tensor:
        """(B, T, D) -> (B, D, T + reach), zeros before it, and behind it too unless causal."""
        left = reach if self.causal else reach // 2
        return F.pad(x, (0, 0, left, reach - left)).transpose(1, 2)


@block.register
def _(spec: BranchedConv, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    return BranchedConvModule(width, spec.expand, spec.kernel, role.causal)

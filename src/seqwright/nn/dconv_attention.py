"""Attention whose queries, keys and values are convolved over time first, as Primer's."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.transformer_blocks import DconvAttention
from seqwright.nn.attention import HEAD_SIZE, position_module
from seqwright.nn.build import block
from seqwright.nn.positions import angles, rotate
from seqwright.nn.role import Context, Role


class Heard(NamedTuple):
    """What a causal one keeps: the last maps (B, K - 1, 3 * 32 H), keys and values (B, H, T, 32), steps so far."""

    maps: Tensor
    keys: Tensor
    values: Tensor
    steps: int


class DconvAttentionModule(nn.Module):
    """Multi-dconv-head attention: y = W_o [softmax(q_h k_h' / sqrt(32)) v_h]_h with q, k, v = conv_K(W x + b).

    (B, T, D) -> (B, T, D); 8 * 32 H D + 6 * 32 H K FLOPs a step for maps and convolutions, 4 * 32 H T for the sums.
    So et al. 2021 (Primer, arXiv:2109.08668) with K = 3. Ours differs: it begins as plain attention (the tap of the
    step itself is 1, the others 0), is centred where it need not be causal, and turns q and k after the convolution.
    """

    def __init__(self, spec: DconvAttention, width: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal, self.reach = spec.heads, causal, spec.kernel - 1
        self.left = self.reach if causal else self.reach // 2
        self.rotary = spec.positions == "rotary"
        self.positions = None if self.rotary else position_module(spec.positions, width)
        inner = spec.heads * HEAD_SIZE
        self.project = nn.Linear(width, 3 * inner)
        self.taps = nn.Parameter(torch.zeros(3 * inner, 1, spec.kernel))
        nn.init.ones_(self.taps[:, :, self.left])
        self.output = nn.Linear(inner, width)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        position = torch.arange(x.shape[1], device=x.device)
        maps = F.pad(context.zero(self._mapped(x, position)), (0, 0, self.left, self.reach - self.left))
        q, k, v = self._parted(F.conv1d(maps.transpose(1, 2), self.taps, groups=len(self.taps)), position)
        distance = position.unsqueeze(1) - position
        allowed = context.mask[:, None, None, :] & ((distance >= 0) | (not self.causal))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed | (distance == 0))  # a step always sees itself
        return self.output(y.transpose(1, 2).flatten(2))

    def initial(self, batch: int) -> Heard:
        weight = self.output.weight
        none = weight.new_zeros(batch, self.heads, 0, HEAD_SIZE)
        return Heard(weight.new_zeros(batch, self.reach, len(self.taps)), none, none, 0)

    def step(self, x: Tensor, state: Heard) -> tuple[Tensor, Heard]:
        position = torch.tensor([state.steps], device=x.device)
        maps = torch.cat([state.maps, self._mapped(x.unsqueeze(1), position)], 1)
        q, k, v = self._parted((maps.transpose(1, 2) * self.taps.squeeze(1)).sum(2, keepdim=True), position)
        keys, values = torch.cat([state.keys, k], 2), torch.cat([state.values, v], 2)
        y = F.scaled_dot_product_attention(q, keys, values)
        return self.output(y.transpose(1, 2).flatten(2)).squeeze(1), Heard(maps[:, 1:], keys, values, state.steps + 1)

    def _mapped(self, x: Tensor, position: Tensor) -> Tensor:
        return self.project(x if self.positions is None else self.positions(x, position))

    def _parted(self, convolved: Tensor, position: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 3 * 32 H, T) -> q, k and v, each (B, H, T, 32)."""
        q, k, v = convolved.unflatten(1, (3, self.heads, HEAD_SIZE)).transpose(3, 4).unbind(1)
        if self.rotary:
            angle = angles(position, HEAD_SIZE)
            q, k = rotate(q, angle), rotate(k, angle)
        return q, k, v


@block.register
def _(spec: DconvAttention, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    return DconvAttentionModule(spec, width, role.causal)

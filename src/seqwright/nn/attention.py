"""Softmax attention of every step to the real steps around it."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.blocks import Attention
from seqwright.errors import SpaceError
from seqwright.nn.build import block
from seqwright.nn.positions import Learned, Sinusoidal, angles, rotate
from seqwright.nn.role import Context, Role

HEAD_SIZE = 32


class Seen(NamedTuple):
    """What a causal attention has seen: keys and values (B, H, T, 32), and the number of steps so far."""

    keys: Tensor
    values: Tensor
    steps: int


class AttentionModule(nn.Module):
    """y = W_o [softmax(q_h k_h' / sqrt(32)) v_h]_h over H heads (Vaswani et al. 2017, arXiv:1706.03762).

    (B, T, D) -> (B, T, D); 8 * 32 H D FLOPs a step for the maps and 4 * 32 H T for the sums. The inner width is
    32 H, whatever D is. `window` w keeps the keys at most w steps away; the sums are still over T, masked.
    Positions are the block's own: rotary turns q and k, sinusoidal and learned are added to its input.
    """

    def __init__(self, spec: Attention, width: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.window, self.causal = spec.heads, spec.window, causal
        self.rotary = spec.positions == "rotary"
        self.positions = None if self.rotary else position_module(spec.positions, width)
        inner = spec.heads * HEAD_SIZE
        self.query, self.key, self.value = (nn.Linear(width, inner) for _ in range(3))
        self.output = nn.Linear(inner, width)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        position = torch.arange(x.shape[1], device=x.device)
        q, k, v = self._project(x, position)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=self._allowed(context.mask, position))
        return self.output(y.transpose(1, 2).flatten(2))

    def initial(self, batch: int) -> Seen:
        none = self.output.weight.new_zeros(batch, self.heads, 0, HEAD_SIZE)
        return Seen(none, none, 0)

    def step(self, x: Tensor, state: Seen) -> tuple[Tensor, Seen]:
        q, k, v = self._project(x.unsqueeze(1), torch.tensor([state.steps], device=x.device))
        keys, values = torch.cat([state.keys, k], 2), torch.cat([state.values, v], 2)
        if self.window is not None:
            keys, values = keys[:, :, -self.window - 1 :], values[:, :, -self.window - 1 :]
        y = F.scaled_dot_product_attention(q, keys, values)
        return self.output(y.transpose(1, 2).flatten(2)).squeeze(1), Seen(keys, values, state.steps + 1)

    def _project(self, x: Tensor, position: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if self.positions is not None:
            x = self.positions(x, position)
        q, k, v = (
            part(x).unflatten(2, (self.heads, HEAD_SIZE)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        if self.rotary:
            angle = angles(position, HEAD_SIZE)
            q, k = rotate(q, angle), rotate(k, angle)
        return q, k, v

    def _allowed(self, mask: Tensor, position: Tensor) -> Tensor:
        """(B, 1, T, T): which keys each query may see. It always sees itself, so that none sees none."""
        distance = position.unsqueeze(1) - position
        near = distance.abs() <= (len(position) if self.window is None else self.window)
        if self.causal:
            near = near & (distance >= 0)
        return (mask[:, None, None, :] & near) | (distance == 0)


def position_module(name: str, width: int) -> nn.Module:
    """What adds positions of that name to an attention's input."""
    if name == "sinusoidal":
        return Sinusoidal()
    if name == "learned":
        return Learned(width)
    raise SpaceError(f'positions="{name}" is not known. Use "rotary", "sinusoidal" or "learned".')


@block.register
def _(spec: Attention, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    return AttentionModule(spec, width, role.causal)

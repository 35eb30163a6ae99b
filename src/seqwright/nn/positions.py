"""Where a step stands: rotations of queries and keys, or vectors added to an attention's input."""

import math

import torch
from torch import Tensor, nn


def angles(position: Tensor, units: int) -> Tensor:
    """(T,) positions -> (T, units / 2) angles position / 10000^(2i / units) (Vaswani et al. 2017, arXiv:1706.03762)."""
    rate = torch.exp(torch.arange(0, units, 2, device=position.device) * (-math.log(10_000.0) / units))
    return position.to(rate.dtype).unsqueeze(1) * rate


def rotate(x: Tensor, angle: Tensor) -> Tensor:
    """Turn each pair of units (i, i + half) of `x` (..., T, units) by `angle` (T, units / 2).

    Rotary positions (Su et al. 2021, arXiv:2104.09864): a query and a key then differ by their distance alone.
    """
    cosine, sine = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    first, second = x.chunk(2, -1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], -1)


def sinusoids(position: Tensor, width: int) -> Tensor:
    """(T,) positions -> (T, D): the sines of the angles, then their cosines."""
    angle = angles(position, width + width % 2)
    return torch.cat([angle.sin(), angle.cos()], -1)[:, :width]


class Sinusoidal(nn.Module):
    """x_t + s_t with fixed sines and cosines; (B, T, D) -> (B, T, D)."""

    def forward(self, x: Tensor, position: Tensor) -> Tensor:
        return x + sinusoids(position, x.shape[-1]).to(x.dtype)


class Learned(nn.Module):
    """x_t + P_t with a learned table of `steps` rows; (B, T, D) -> (B, T, D).

    A sequence longer than the table reads it from the beginning again, so length is never an error.
    """

    def __init__(self, width: int, steps: int = 512) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(steps, width) * 0.02)

    def forward(self, x: Tensor, position: Tensor) -> Tensor:
        return x + self.table[position % self.table.shape[0]].to(x.dtype)

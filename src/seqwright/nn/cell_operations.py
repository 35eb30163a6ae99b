"""The operations of NASNet's and AmoebaNet's cells in one dimension, with or without a stride, and with masks.

``forward(x, mask)`` maps (B, T, D) to (B, ceil(T / stride), D). Step j of the result is real where step j * stride was.
In one dimension a kernel of k x k is one of k steps, and the pair 1 x k, k x 1 is one of k steps, then one of a step.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.nn.norms import MaskedBatchNorm


class ReluConvNorm(nn.Module):
    """norm(W * relu(x)), padding as zeros; (B, T, F) -> (B, ceil(T / s), G). 2 K F G FLOPs a step.

    Separable: a kernel for each unit, then a full map (Chollet 2017, arXiv:1610.02357), 2 K F + 2 F G. The norm is over
    the batch's real steps (Zoph et al. 2018, arXiv:1707.07012, had one over all).
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, dilation: int = 1, separable: bool = False
    ) -> None:
        super().__init__()
        self.stride, self.dilation, self.padding = stride, dilation, (kernel - 1) * dilation // 2
        self.groups, made = (inputs, inputs) if separable else (1, outputs)
        self.weight = nn.Parameter(torch.empty(made, inputs // self.groups, kernel))
        nn.init.uniform_(self.weight, -(bound := math.sqrt(6.0 / (kernel * inputs // self.groups))), bound)
        self.pointwise = nn.Linear(inputs, outputs, bias=False) if separable else None
        self.norm = MaskedBatchNorm(outputs)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        real = torch.relu(x) * mask.unsqueeze(-1).to(x.dtype)
        image = real.transpose(1, 2).unsqueeze(2)  # a channels-last image of height 1
        y = F.conv2d(
            image,
            self.weight.unsqueeze(2),
            stride=(1, self.stride),
            padding=(0, self.padding),
            dilation=(1, self.dilation),
            groups=self.groups,
        )
        y = y.squeeze(2).transpose(1, 2)
        return self.norm(y if self.pointwise is None else self.pointwise(y), mask[:, :: self.stride])


class Twice(nn.Module):
    """Two operations, one after the other; a stride is the first one's."""

    def __init__(self, one: ReluConvNorm, two: ReluConvNorm) -> None:
        super().__init__()
        self.one, self.two = one, two

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return self.two(self.one(x, mask), mask[:, :: self.one.stride])


class AveragePool(nn.Module):
    """The mean of the real steps within `kernel` of every step, or of every `stride`-th. (B, T, D) -> (B, T / s, D)."""

    def __init__(self, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        real = mask.unsqueeze(-1).to(x.dtype)
        both = torch.cat([x * real, real], -1).transpose(1, 2)
        pooled = F.avg_pool1d(both, self.kernel, self.stride, self.kernel // 2).transpose(1, 2)
        return pooled[..., :-1] / pooled[..., -1:].clamp(min=1 / self.kernel)


class MaximumPool(nn.Module):
    """The largest value of every unit among the real steps within `kernel`. (B, T, D) -> (B, ceil(T / s), D)."""

    def __init__(self, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        lowest = x.masked_fill(~mask.unsqueeze(-1), torch.finfo(x.dtype).min).transpose(1, 2)
        y = F.max_pool1d(lowest, self.kernel, self.stride, self.kernel // 2).transpose(1, 2)
        return y.masked_fill(~mask[:, :: self.stride].unsqueeze(-1), 0.0)


class Reduced(nn.Module):
    """Every second step, and every other, mapped to half the units each: no step is lost. (B, T, F) -> (B, T / 2, G).

    The factorized reduction of Zoph et al. 2018 (arXiv:1707.07012), which they do not describe, in one dimension.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.even = nn.Linear(inputs, outputs // 2, bias=False)
        self.odd = nn.Linear(inputs, outputs - outputs // 2, bias=False)
        self.norm = MaskedBatchNorm(outputs)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        real = torch.relu(x) * mask.unsqueeze(-1).to(x.dtype)
        later = F.pad(real, (0, 0, 0, 1))[:, 1::2]  # after the last step comes a zero
        return self.norm(torch.cat([self.even(real[:, ::2]), self.odd(later)], -1), mask[:, ::2])


class Identity(nn.Module):
    """The state as it is."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return x


class Nothing(nn.Module):
    """Zero, or with `noise` a standard normal draw that has nothing to do with the state (Zela et al. 2020, S4)."""

    def __init__(self, stride: int, noise: bool = False) -> None:
        super().__init__()
        self.stride, self.noise = stride, noise

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x[:, :: self.stride]
        return torch.randn_like(x) if self.noise else torch.zeros_like(x)


def operation(name: str, width: int, stride: int) -> nn.Module:
    """The module of an operation by its name (`OPERATIONS` of `arch.cells`), for states of `width` units."""
    plain, _, rest = name.partition("-")
    if name in ("none", "noise"):
        return Nothing(stride, name == "noise")
    if name == "identity":
        return Identity() if stride == 1 else Reduced(width, width)
    if name in ("conv3-1", "conv7-1"):
        return Twice(ReluConvNorm(width, width, int(plain[-1]), stride), ReluConvNorm(width, width))
    if name.startswith("dilated"):
        return ReluConvNorm(width, width, 3, stride, dilation=2, separable=rest == "sep3")
    kernel = int(name[-1])
    if name.startswith("sep"):
        first = ReluConvNorm(width, width, kernel, stride, separable=True)
        return Twice(first, ReluConvNorm(width, width, kernel, separable=True))
    if name.startswith("conv"):
        return ReluConvNorm(width, width, kernel, stride)
    return AveragePool(kernel, stride) if name.startswith("avg") else MaximumPool(kernel, stride)

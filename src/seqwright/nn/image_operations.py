"""The operations of NASNet's and AmoebaNet's cells in two dimensions, with or without a stride.

``forward(x)`` maps (B, D, H, W) to (B, D, ceil(H / stride), ceil(W / stride)). All pixels are real: there is no mask.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.cells import FAILURE_OPERATIONS
from seqwright.errors import SpaceError


class ImageNorm(nn.Module):
    """Each unit over all pixels of a batch (Ioffe & Szegedy 2015, arXiv:1502.03167). (B, D, H, W) -> same."""

    running_mean: Tensor
    running_variance: Tensor

    def __init__(self, width: int, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.momentum, self.epsilon = momentum, epsilon
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_variance", torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        mean, variance = self.running_mean, self.running_variance
        return F.batch_norm(x, mean, variance, self.weight, self.bias, self.training, self.momentum, self.epsilon)


class ReluConvNorm2d(nn.Module):
    """norm(W * relu(x)), zeros around the image; (B, F, H, W) -> (B, G, H / s, W / s). 2 K^2 F G FLOPs a pixel.

    Separable: a kernel for each unit, then a full map (Chollet 2017, arXiv:1610.02357), 2 K^2 F + 2 F G.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: tuple[int, int] = (1, 1),
        stride: tuple[int, int] = (1, 1),
        dilation: int = 1,
        separable: bool = False,
    ) -> None:
        super().__init__()
        self.stride, self.dilation = stride, dilation
        self.padding = tuple((size - 1) * dilation // 2 for size in kernel)
        self.groups, made = (inputs, inputs) if separable else (1, outputs)
        self.weight = nn.Parameter(torch.empty(made, inputs // self.groups, *kernel))
        bound = math.sqrt(6.0 / (math.prod(kernel) * inputs // self.groups))
        nn.init.uniform_(self.weight, -bound, bound)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False) if separable else None
        self.norm = ImageNorm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y = F.conv2d(torch.relu(x), self.weight, None, self.stride, self.padding, self.dilation, self.groups)
        return self.norm(y if self.pointwise is None else self.pointwise(y))


class Reduced2d(nn.Module):
    """Every second pixel both ways, and those one further down and right, to half the units each.

    (B, F, H, W) -> (B, G, H / 2, W / 2): the factorized reduction of Zoph et al. 2018 (arXiv:1707.07012).
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.even = nn.Conv2d(inputs, outputs // 2, 1, bias=False)
        self.odd = nn.Conv2d(inputs, outputs - outputs // 2, 1, bias=False)
        self.norm = ImageNorm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        real = torch.relu(x)
        further = F.pad(real, (0, 1, 0, 1))[:, :, 1::2, 1::2]  # beyond the edge stand zeros
        return self.norm(torch.cat([self.even(real[:, :, ::2, ::2]), self.odd(further)], 1))


class Pool2d(nn.Module):
    """The mean or the maximum of the pixels within K x K. (B, D, H, W) -> (B, D, H / s, W / s)."""

    def __init__(self, what: str, kernel: int, stride: int) -> None:
        super().__init__()
        self.what, self.kernel, self.stride = what, kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        size, stride, around = self.kernel, self.stride, self.kernel // 2
        if self.what == "max":
            return F.max_pool2d(x, size, stride, around)
        return F.avg_pool2d(x, size, stride, around, count_include_pad=False)


def image_operation(name: str, width: int, stride: int) -> nn.Module:
    """The module of an operation by its name, for states of `width` units: the twin of `operation` for sequences.

    "conv7-1" is a convolution of 1 x 7, then one of 7 x 1, as published.
    """
    plain, _, rest = name.partition("-")
    if name in FAILURE_OPERATIONS:
        raise SpaceError(f'The operation "{name}" is made for sequences only. Leave it out of cells on images.')
    if name == "identity":
        return nn.Identity() if stride == 1 else Reduced2d(width, width)
    if plain[:3] in ("avg", "max"):
        return Pool2d(plain[:3], int(plain[3:]), stride)
    size, both = int(name[-1]), (stride, stride)
    if rest == "1":
        size = int(plain[-1])
        across = ReluConvNorm2d(width, width, (1, size), (1, stride))
        return nn.Sequential(across, ReluConvNorm2d(width, width, (size, 1), (stride, 1)))
    if name.startswith("dilated"):
        return ReluConvNorm2d(width, width, (3, 3), both, dilation=2, separable=rest == "sep3")
    if name.startswith("sep"):
        first = ReluConvNorm2d(width, width, (size, size), both, separable=True)
        return nn.Sequential(first, ReluConvNorm2d(width, width, (size, size), separable=True))
    return ReluConvNorm2d(width, width, (size, size), both)

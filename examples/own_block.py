"""A block of your own, from its definition to a search: a moving average with a learned share.

It lives in this file: nothing in Seqwright is changed. Run as: python examples/own_block.py
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seqwright.arch.interface import Interface, Stream
from seqwright.arch.kinds import kind
from seqwright.arch.network import Body, Layer, Mean, Mlp, Network, Words
from seqwright.nn import Context, Role, block, build
from seqwright.space.census import size
from seqwright.space.nodes import Stack, among, vary
from seqwright.testing import check_block


@kind
@dataclass(frozen=True)
class Smooth:
    """An exponential moving average of every unit, as fast as it learns to be."""

    half_life: int = among(1, 4, 16)


class SmoothModule(nn.Module):
    """y_t = (1 - a) y_{t-1} + a x_t, with a share a in (0, 1) of each unit. (B, T, D) -> (B, T, D), causal."""

    def __init__(self, spec: Smooth, width: int) -> None:
        super().__init__()
        start = 1 - 0.5 ** (1 / spec.half_life)
        self.logit = nn.Parameter(torch.full((width,), start).logit())

    def forward(self, x: Tensor, context: Context) -> Tensor:
        state, steps = self.initial(x.shape[0]), []
        for t in range(x.shape[1]):
            y, state = self.step(x[:, t], state)
            steps.append(y)
        return torch.stack(steps, 1)

    def initial(self, batch: int) -> Tensor:
        return self.logit.new_zeros(batch, self.logit.shape[0])

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        y = torch.lerp(state, x, self.logit.sigmoid())
        return y, y


@block.register
def _(spec: Smooth, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008 (frozen)
    return SmoothModule(spec, width)


if __name__ == "__main__":
    check_block(Smooth())
    print("the block keeps the contract: padding, gradients, causality, steps")
    layer = vary(Layer, mixer=vary(Smooth), channel=vary(Smooth))
    space = vary(Network, stem=Words(), body=vary(Body, layers=Stack(layer, 1, 3)), readout=Mean(), head=Mlp(layers=0))
    print(f"{size(space):,} networks of it can be searched")
    interface = Interface((("words", Stream("tokens", 100, 20)),), classes=2)
    supernet = build(space, interface)
    print(f"and trained together, in {sum(p.numel() for p in supernet.parameters()):,} weights")

"""Blocks made of blocks."""

from typing import Any

from torch import Tensor, nn

from seqwright.arch.blocks import Parallel
from seqwright.nn.build import block
from seqwright.nn.role import Context, Role


class ParallelModule(nn.Module):
    """sum_i f_i(x) (after Szegedy et al. 2015, arXiv:1409.4842). (B, T, D) -> (B, T, D).

    Ours adds the branches where Inception concatenates them, so the width stays and branches can be removed.
    """

    def __init__(self, spec: Parallel, width: int, role: Role) -> None:
        super().__init__()
        self.branches = nn.ModuleList(block(branch, width, role) for branch in spec.branches)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        total = x.new_zeros(x.shape)
        for branch in self.branches:
            total = total + branch(x, context)
        return total

    def initial(self, batch: int) -> list[Any]:
        branches: list[Any] = list(self.branches)
        return [branch.initial(batch) for branch in branches]

    def step(self, x: Tensor, state: list[Any]) -> tuple[Tensor, list[Any]]:
        branches: list[Any] = list(self.branches)
        done = [branch.step(x, s) for branch, s in zip(branches, state, strict=True)]
        return sum((y for y, _ in done), x.new_zeros(x.shape)), [s for _, s in done]


@block.register
def _(spec: Parallel, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    return ParallelModule(spec, width, role)

"""Blocks wired as a graph, and pooling as a block of its own."""

import torch
from torch import Tensor, nn

from seqwright.arch.wired import Graph, Pool, check
from seqwright.errors import SpaceError
from seqwright.nn.build import block
from seqwright.nn.cell_operations import AveragePool, MaximumPool
from seqwright.nn.norms import MaskedBatchNorm
from seqwright.nn.role import Context, Role

Rows = tuple[tuple[int, ...], ...]  # of each block the numbers of earlier ones


def rows(spec: Graph) -> tuple[tuple[int, ...], Rows]:
    """Of every block which one it reads, -1 for the input, and which are added."""
    inputs = tuple(i - wired.back for i, wired in enumerate(spec.blocks))
    return inputs, tuple(tuple(j for j, added in enumerate(wired.added) if added) for wired in spec.blocks)


class PoolModule(nn.Module):
    """y_t = mean or maximum of the real steps x_{t - k / 2} .. x_{t + k / 2}. (B, T, D) -> (B, T, D)."""

    def __init__(self, what: str, kernel: int) -> None:
        super().__init__()
        self.pool = MaximumPool(kernel) if what == "max" else AveragePool(kernel)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        return self.pool(x, context.mask)


class WiredModule(nn.Module):
    """A block of a graph and its norm, over all real steps of the batch."""

    def __init__(self, module: nn.Module, width: int) -> None:
        super().__init__()
        self.block = module
        self.norm = MaskedBatchNorm(width)


class GraphModule(nn.Module):
    """y_i = norm(f_i(y_j) + sum of the added y_k); out = sum_i softmax(w)_i y_i. (B, T, D) -> (B, T, D).

    Wang et al. 2019 (arXiv:1912.10729). Ours differs: its blocks are those of this package (convolutions with GELU),
    and the norm leaves padding out. `inputs` says which y_j each block reads (-1: x), `added` which are added.
    """

    def __init__(self, width: int, inputs: tuple[int, ...], added: Rows, *blocks: nn.Module) -> None:
        super().__init__()
        self.inputs, self.added = inputs, added
        self.blocks = nn.ModuleList(WiredModule(module, width) for module in blocks)
        self.weight = nn.Parameter(torch.zeros(len(blocks)))

    def forward(self, x: Tensor, context: Context) -> Tensor:
        made: list[Tensor] = []
        for source, added, wired in zip(self.inputs, self.added, self.blocks, strict=True):
            assert isinstance(wired, WiredModule)
            y = wired.block(x if source < 0 else made[source], context)
            for j in added:
                y = y + made[j]
            made.append(wired.norm(y, context.mask))
        total = x.new_zeros(x.shape)
        for share, y in zip(self.weight.softmax(0), made, strict=True):
            total = total + share * y
        return total


@block.register
def _(spec: Pool, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    if role.causal:
        raise SpaceError("Pool sees later steps, which a causal role forbids. Use a causal block, such as Conv.")
    if spec.what not in ("mean", "max"):
        raise SpaceError(f'what="{spec.what}" is not known. Use "mean" or "max".')
    return PoolModule(spec.what, spec.kernel)


@block.register
def _(spec: Graph, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    if role.causal:
        raise SpaceError("The norm of a Graph sees later steps, which a causal role forbids. Use Layers instead.")
    check(spec)
    return GraphModule(width, *rows(spec), *(block(wired.block, width, role) for wired in spec.blocks))

"""What an operation costs at its own place: it is built there and counted, as `nn.cost` counts whole networks."""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from seqwright.arch.cells import Combination
from seqwright.arch.recurrent_cells import CellNode
from seqwright.arch.rewriting import Site
from seqwright.nn.build import block
from seqwright.nn.cell_operations import operation
from seqwright.nn.cost import flops_of
from seqwright.nn.role import Context

# FLOPs a step are linear in T or do not depend on it: what is cheaper at both of these is cheaper between them too.
SHORT, LONG = 16, 1024


@lru_cache(maxsize=4096)
def measured(spec: Any, site: Site) -> tuple[int, int, int]:
    """FLOPs on a long and on a short sequence, and parameters, of an operation at a site.

    Raises:
        SpaceError: it is no operation that is known.
    """
    if site.holder is CellNode:  # an activation, which is linear in the units, as norms and gates are
        return 0, 0, 0
    with torch.device("meta"):
        module = operation(spec, site.width, site.stride) if site.holder is Combination else block(spec, site.width)
        counted = [flops_of(_Called(module, site.holder is Combination), _given(site, n)) for n in (LONG, SHORT)]
    return counted[0], counted[1], sum(p.numel() for p in module.parameters())


def _given(site: Site, length: int) -> tuple[Tensor, Tensor]:
    return torch.zeros(1, length, site.width), torch.ones(1, length, dtype=torch.bool)


class _Called(nn.Module):
    """A block or a cell's operation, called as its network calls it."""

    def __init__(self, module: nn.Module, masked: bool) -> None:
        super().__init__()
        self.module, self.masked = module.eval(), masked

    def forward(self, given: tuple[Tensor, Tensor]) -> Tensor:
        x, mask = given
        return self.module(x, mask if self.masked else Context(mask))

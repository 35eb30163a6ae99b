"""The recurrent cell of ENAS and DARTS as a module."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.recurrent_cells import RecurrentCell, averaged
from seqwright.nn.build import block
from seqwright.nn.role import Role
from seqwright.nn.unrolled import UnrolledCell, UnrolledModule, one_way

Steps = tuple[tuple[str, int], ...]  # of each node its activation and the node that it reads


class HighwayCell(UnrolledCell):
    """s_0 = h + σ(W_c [x ; h]) * (f_0(W_h [x ; h]) - h), s_i = s_j + σ(U_i s_j) * (f_i(V_i s_j) - s_j); h' = mean s_i.

    Pham et al. 2018 (arXiv:1802.03268), Liu et al. 2019 (arXiv:1806.09055). (B, T, D) -> (B, T, H);
    4 H (D + H) + 4 N H^2 FLOPs a step. No biases, as published; ours drops nothing inside, and keeps one weight for
    all predecessors and activations of a node, as both papers share them. Nodes that read the same one share a product.
    """

    def __init__(self, width: int, hidden: int, first: str, steps: Steps, averaged: tuple[int, ...]) -> None:
        super().__init__()
        self.hidden_size, self.first, self.steps, self.averaged = hidden, first, steps, averaged
        self.enter = nn.Parameter(torch.empty(2 * hidden, width))
        self.repeat = nn.Parameter(torch.empty(2 * hidden, hidden))
        self.nodes = nn.ParameterList(torch.empty(2 * hidden, hidden) for _ in steps)
        for weight in self.parameters():
            for half in weight.detach().split(hidden):  # U beneath V
                if not weight.is_meta:
                    nn.init.xavier_uniform_(half) if weight is self.enter else nn.init.orthogonal_(half)

    def project(self, x: Tensor) -> Tensor:
        return F.linear(x, self.enter)

    def joined(self) -> dict[int, Tensor]:
        """For every node that is read, the weights of its readers, one beneath the other."""
        readers: dict[int, list[Tensor]] = {}
        for (_, source), weight in zip(self.steps, self.nodes, strict=True):
            readers.setdefault(source, []).append(weight)
        return {source: torch.cat(read) for source, read in readers.items()}

    def advance(self, given: Tensor, state: Tensor, weights: dict[int, Tensor]) -> tuple[Tensor, Tensor]:
        made = [_highway(given + F.linear(state, self.repeat), state, self.first)]
        products: dict[int, Iterator[Tensor]] = {}
        for function, j in self.steps:
            if j not in products:
                products[j] = iter(F.linear(made[j], weights[j]).split(2 * self.hidden_size, 1))
            made.append(_highway(next(products[j]), made[j], function))
        total = made[self.averaged[0]]
        for i in self.averaged[1:]:
            total = total + made[i]
        state = total / len(self.averaged)
        return state, state

    def start(self, like: Tensor) -> Tensor:
        return like.new_zeros(like.shape[0], self.hidden_size)


def _highway(product: Tensor, before: Tensor, function: str) -> Tensor:
    gate, value = product.chunk(2, 1)
    return before + torch.sigmoid(gate) * (activated(value, function) - before)


def activated(x: Tensor, function: str) -> Tensor:
    """An activation by its name, one of `seqwright.arch.recurrent_cells.FUNCTIONS`."""
    if function == "identity":
        return x
    return {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}[function](x)


class RecurrentCellModule(UnrolledModule):
    """A searched recurrence and a map back to the width. (B, T, D) -> (B, T, D)."""

    def __init__(
        self, width: int, hidden: int, first: str, steps: Steps, averaged: tuple[int, ...], bidirectional: bool
    ) -> None:
        back = HighwayCell(width, hidden, first, steps, averaged) if bidirectional else None
        super().__init__(HighwayCell(width, hidden, first, steps, averaged), back, width)


@block.register
def _(spec: RecurrentCell, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    one_way(spec, role)
    ends = averaged(spec)
    steps = tuple((node.function, node.source) for node in spec.nodes)
    return RecurrentCellModule(width, spec.hidden, spec.first, steps, ends, spec.bidirectional)

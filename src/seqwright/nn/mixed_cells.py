"""A cell of which every node reads every state before it through every operation: DARTS's supernet in one dimension."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.mixed import ABSENT, Labels, MixedCell
from seqwright.nn.cell_operations import Identity, MaximumPool, Reduced, ReluConvNorm, operation
from seqwright.nn.gates import Gate
from seqwright.nn.norms import MaskedBatchNorm

State = tuple[Tensor, Tensor]


class MixedEdge(nn.Module):
    """sum_o g_o o(s), g the edge's gate. (B, T, F) -> (B, ceil(T / s), F).

    With partial channels only the first F / P pass the operations; the others go by, pooled where there is a stride,
    and are shuffled in (PC-DARTS: Xu et al. 2020, arXiv:1907.05737).
    """

    def __init__(self, path: str, labels: Labels, width: int, stride: int, partial: int, drop: float) -> None:
        super().__init__()
        self.gate = Gate(path, labels)
        self.operations = nn.ModuleList(operation(name, width // partial, stride) for name in labels)
        self.absent = tuple(name == ABSENT for name in labels)
        self.partial, self.stride, self.width, self.drop = partial, stride, width // partial, drop
        self.by = MaximumPool(3, stride)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor | None:
        """None where no operation counts: the edge is not there."""
        mine, by = x.split([self.width, x.shape[-1] - self.width], -1) if self.partial > 1 else (x, None)
        total: Tensor | None = None
        weights = self.gate().unbind()
        for i in self.gate.kept:
            if not self.absent[i]:
                y = weights[i] * self._dropped(self.operations[i], self.operations[i](mine, mask))
                total = y if total is None else total + y
        if total is None or by is None:
            return total
        beside = by if self.stride == 1 else self.by(by, mask)
        return torch.cat([total, beside], -1).unflatten(-1, (self.partial, -1)).transpose(-1, -2).flatten(-2)

    def _dropped(self, path: nn.Module, y: Tensor) -> Tensor:
        if not (self.training and self.drop) or isinstance(path, Identity):
            return y
        return y * F.dropout(y.new_ones(y.shape[0], 1, 1), self.drop)


class MixedCellModule(nn.Module):
    """s_k = sum_{i < k} b_ki e_ki(s_i), with e_ki a `MixedEdge`; all nodes, one beside the other, are the output.

    (B, T, ·) twice -> (B, T, N * width), or of ceil(T / 2) steps in a reduction cell. b is 1, or a softmax over the
    edges of a node where channels are partial (edge normalisation). Norms have no scale of their own, as published, or
    weights would undo what gates say. A cell derived from it has, and differs in that only states that nothing reads
    are its output, as in NASNet's.
    """

    def __init__(
        self, spec: MixedCell, older: int, last: int, width: int, halves: bool, behind: bool, drop: float
    ) -> None:
        super().__init__()
        self.stride = 2 if halves else 1
        self.outputs = width * len(spec.nodes)
        self.older = Reduced(older, width) if behind else ReluConvNorm(older, width)
        self.last = ReluConvNorm(last, width)
        self.nodes, self.shares = nn.ModuleList(), nn.ModuleList()
        for i in range(len(spec.nodes)):
            edges = spec.operations(i)
            self.nodes.append(
                nn.ModuleDict(
                    {
                        str(state): MixedEdge(
                            spec.edge(i, state), names, width, self.stride if state < 2 else 1, spec.partial, drop
                        )
                        for state, names in edges.items()
                    }
                )
            )
            if spec.partial > 1:
                self.shares.append(Gate(spec.node(i), tuple(map(str, edges))))
        for module in self.modules():
            if isinstance(module, MaskedBatchNorm):
                module.requires_grad_(False)

    def forward(self, older: State, last: State) -> State:
        mask = last[1]
        after = mask[:, :: self.stride]
        states = [self.older(*older), self.last(*last)]
        for i, edges in enumerate(self.nodes):
            assert isinstance(edges, nn.ModuleDict)
            shares = self.shares[i]().unbind() if self.shares else ()
            total = states[0].new_zeros(*after.shape, states[0].shape[-1])
            for place, (name, edge) in enumerate(edges.items()):
                state = int(name)
                y = edge(states[state], mask if state < 2 else after)
                if y is not None:
                    total = total + (shares[place] * y if shares else y)
            states.append(total)
        return torch.cat(states[2:], -1), after

"""A recurrent cell of which every node reads every one before it through every activation (DARTS's search cell)."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.mixed import MixedRecurrence
from seqwright.nn.build import block
from seqwright.nn.gates import Gate
from seqwright.nn.recurrent_cells import activated
from seqwright.nn.role import Role
from seqwright.nn.unrolled import UnrolledCell, UnrolledModule, one_way


class MixedHighwayCell(UnrolledCell):
    """s_i = 1/E sum_{j, f} g_ijf (s_j + σ(U_i s_j) * (f(V_i s_j) - s_j)); the new state is the mean of all s_i.

    Liu et al. 2019 (arXiv:1806.09055): the weights of a node serve all its predecessors and activations. Ours differs:
    the mean over a node's E edges keeps states from growing, where theirs is a sum with a batch norm behind it, whose
    statistics padding would change; an edge that is not there is left out, where theirs has an activation "none".
    (B, T, D) -> (B, T, H).
    """

    def __init__(self, spec: MixedRecurrence, width: int) -> None:
        super().__init__()
        self.hidden_size, hidden = spec.hidden, spec.hidden
        self.spec = spec
        self.enter = nn.Parameter(torch.empty(2 * hidden, width))
        self.repeat = nn.Parameter(torch.empty(2 * hidden, hidden))
        self.nodes = nn.ParameterList(torch.empty(2 * hidden, hidden) for _ in spec.sources)
        for weight in self.parameters():
            for half in weight.detach().split(hidden):
                nn.init.xavier_uniform_(half) if weight is self.enter else nn.init.orthogonal_(half)
        self.first = Gate(f"{spec.path}/first", spec.first)
        self.edges = nn.ModuleList(
            nn.ModuleList(Gate(spec.edge(i, source), names) for source in sources)
            for i, (sources, names) in enumerate(zip(spec.sources, spec.functions, strict=True))
        )

    def project(self, x: Tensor) -> Tensor:
        return F.linear(x, self.enter)

    def joined(self) -> list[Any]:
        """Of the first node and each other one: the nodes that it reads, gates (E, F), and activations that count."""
        made = [([0], self.first().unsqueeze(0), self.first.kept)]
        for sources, gates in zip(self.spec.sources, self.edges, strict=True):
            there = [(j, gate) for j, gate in zip(sources, gates, strict=True) if gate.kept]  # pyright: ignore
            kept = tuple(sorted({i for _, gate in there for i in gate.kept}))
            made.append(([j for j, _ in there], torch.stack([gate() for _, gate in there]), kept))
        return made

    def advance(self, given: Tensor, state: Tensor, weights: Any) -> tuple[Tensor, Tensor]:
        first = (given + F.linear(state, self.repeat)).unsqueeze(0)
        _, gates, kept = weights[0]
        made = [_mixed(first, state.unsqueeze(0), gates, kept, self.spec.first)]
        for (sources, gates, kept), names, weight in zip(weights[1:], self.spec.functions, self.nodes, strict=True):
            read = torch.stack([made[j] for j in sources])
            made.append(_mixed(F.linear(read, weight), read, gates, kept, names))
        state = torch.stack(made[1:] or made).mean(0)
        return state, state

    def start(self, like: Tensor) -> Tensor:
        return like.new_zeros(like.shape[0], self.hidden_size)


def _mixed(product: Tensor, before: Tensor, gates: Tensor, kept: tuple[int, ...], names: tuple[str, ...]) -> Tensor:
    """The mean over edges: (E, B, 2 H), (E, B, H) and the gates (E, F) to (B, H)."""
    switch, value = product.chunk(2, -1)
    total = before.new_zeros(before.shape)
    for i in kept:
        total = total + gates[:, i, None, None] * activated(value, names[i])
    carried = gates.sum(1)[:, None, None] * before
    return (carried + torch.sigmoid(switch) * (total - carried)).mean(0)


@block.register
def _(spec: MixedRecurrence, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    one_way(spec, role)
    back = MixedHighwayCell(spec, width) if spec.bidirectional else None
    return UnrolledModule(MixedHighwayCell(spec, width), back, width)

"""A recurrent cell drawn as a graph, as a module: only what the output depends on is built."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.recurrent_graph import GraphCell, plan
from seqwright.nn.build import block
from seqwright.nn.role import Role
from seqwright.nn.unrolled import UnrolledCell, UnrolledModule, one_way

Nodes = tuple[tuple[str, str, tuple[str, ...]], ...]  # of each its name, its operation and what it reads
States = tuple[tuple[str, str], ...]  # of each its name and what becomes it, first the output


class DrawnCell(UnrolledCell):
    """Every node of the graph in order, at every step; (B, T, D) -> (B, T, H), the states h1.

    A linear node is sum_s W_s s + b, 2 H FLOPs a unit of each source. Its map of x is computed for all steps
    beforehand, and all maps of one state are one product. RNN, LSTM and GRU written so give torch's numbers.
    """

    def __init__(self, width: int, hidden: int, nodes: Nodes, states: States) -> None:
        super().__init__()
        self.hidden_size, self.nodes, self.states = hidden, nodes, states
        self.maps = nn.ModuleDict()  # "n3" -> its bias and a weight for each source
        for name, operation, read in nodes:
            if operation == "linear":
                weights = {source: torch.empty(hidden, width if source == "x" else hidden) for source in read}
                self.maps[name] = nn.ParameterDict({**weights, "bias": torch.zeros(hidden)})
        for parameter in self.parameters():
            if parameter.dim() == 2 and not parameter.is_meta:
                square = parameter.shape[0] == parameter.shape[1]
                nn.init.orthogonal_(parameter) if square else nn.init.xavier_uniform_(parameter)

    def project(self, x: Tensor) -> Tensor:
        """Of every linear node the bias, and its map of x where it reads it, one after the other."""
        parts = [
            F.linear(x, linear["x"], linear["bias"]) if "x" in linear else linear["bias"].expand(*x.shape[:2], -1)
            for linear in self._linear().values()
        ]
        return torch.cat(parts, -1) if parts else x[..., :0]

    def joined(self) -> dict[str, tuple[list[str], Tensor]]:
        """For every source but x its readers and their weights, one beneath the other."""
        found: dict[str, list[str]] = {}
        linear = self._linear()
        for name, weights in linear.items():
            for source in weights:
                if source not in ("x", "bias"):
                    found.setdefault(source, []).append(name)
        return {s: (readers, torch.cat([linear[name][s] for name in readers])) for s, readers in found.items()}

    def advance(
        self, given: Tensor, state: tuple[Tensor, ...], weights: dict[str, tuple[list[str], Tensor]]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        known = {name: h for (name, _), h in zip(self.states, state, strict=True)}
        linear = dict(zip(self.maps, given.split(self.hidden_size, 1), strict=False))
        done: set[str] = set()

        def value(name: str) -> Tensor:
            """A state or node by its name, whose maps by its readers are then computed at once."""
            if name in weights and name not in done:
                done.add(name)
                readers, weight = weights[name]
                products = F.linear(known[name], weight).split(self.hidden_size, 1)
                for reader, product in zip(readers, products, strict=True):
                    linear[reader] = linear[reader] + product
            return known[name]

        for name, operation, sources in self.nodes:
            read = [value(source) for source in sources if source != "x"]
            known[name] = linear[name] if operation == "linear" else _operated(operation, *read)
        new = tuple(known[becomes] for _, becomes in self.states)
        return new[0], new

    def _linear(self) -> dict[str, nn.ParameterDict]:
        return {name: weights for name, weights in self.maps.items() if isinstance(weights, nn.ParameterDict)}

    def start(self, like: Tensor) -> tuple[Tensor, ...]:
        return tuple(like.new_zeros(like.shape[0], self.hidden_size) for _ in self.states)


def _operated(operation: str, *read: Tensor) -> Tensor:
    if operation == "blend":
        return read[0] * read[1] + (1 - read[0]) * read[2]
    if operation in ("product", "sum"):
        return read[0] * read[1] if operation == "product" else read[0] + read[1]
    return {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "leaky_relu": F.leaky_relu}[operation](read[0])


class GraphCellModule(UnrolledModule):
    """A recurrence drawn node by node and a map back to the width. (B, T, D) -> (B, T, D)."""

    def __init__(self, width: int, hidden: int, nodes: Nodes, states: States, bidirectional: bool) -> None:
        back = DrawnCell(width, hidden, nodes, states) if bidirectional else None
        super().__init__(DrawnCell(width, hidden, nodes, states), back, width)


@block.register
def _(spec: GraphCell, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    one_way(spec, role)
    return GraphCellModule(width, spec.hidden, *plan(spec), spec.bidirectional)

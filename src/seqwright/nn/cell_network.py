"""Networks of NASNet's kind: cells stacked, the steps halved and the width doubled by reduction cells."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.cells import Cell, CellNetwork, unread
from seqwright.arch.interface import Interface
from seqwright.arch.mixed import MixedCell
from seqwright.arch.network import Cls, PerStep, Pixels
from seqwright.errors import SpaceError
from seqwright.nn.build import build
from seqwright.nn.cell_operations import Identity, Reduced, ReluConvNorm, operation
from seqwright.nn.dropout import Dropout
from seqwright.nn.head import MlpHead
from seqwright.nn.mixed_cells import MixedCellModule
from seqwright.nn.readouts import readout
from seqwright.nn.stems import Batch, stem

State = tuple[Tensor, Tensor]  # what a cell gives, (B, T, D), and its mask


class CellModule(nn.Module):
    """states s_0, s_1 of `width` units; s_k = f(s_i) + g(s_j); the unread states, one beside the other.

    (B, T, ·) twice -> (B, T, U * width), or of ceil(T / 2) steps in a reduction cell, where operations on s_0 and s_1
    have a stride of 2. As in Zoph et al. 2018 (arXiv:1707.07012) both inputs are mapped to the width first, by a
    reduction where the older one has twice the steps. Ours differs: a join by concatenation is mapped back to the
    width, a state counts as read when anything reads it (their NASNet-A gives out two that are read as well), and
    paths are dropped at a constant rate.
    """

    def __init__(self, spec: Cell, older: int, last: int, width: int, halves: bool, behind: bool, drop: float) -> None:
        super().__init__()
        self.spec, self.left, self.drop = spec, unread(spec), drop
        self.stride = 2 if halves else 1
        self.outputs = width * len(self.left)
        self.behind = behind  # the older input comes from before a reduction
        self.older = Reduced(older, width) if behind else ReluConvNorm(older, width)
        self.last = ReluConvNorm(last, width)
        self.first, self.second, self.joins = nn.ModuleList(), nn.ModuleList(), nn.ModuleDict()
        for i, made in enumerate(spec.combinations):
            self.first.append(operation(made.first, width, self._stride(made.one)))
            self.second.append(operation(made.second, width, self._stride(made.two)))
            if made.join == "concat":
                self.joins[str(i)] = ReluConvNorm(2 * width, width)
        over = [state for state in self.left if self._stride(state) == 2]
        self.reductions = nn.ModuleDict({str(state): Reduced(width, width) for state in over})

    def forward(self, older: State, last: State) -> State:
        mask = last[1]
        states = [self.older(*older), self.last(*last)]
        after = mask[:, :: self.stride]
        for i, made in enumerate(self.spec.combinations):
            parts = [
                self._dropped(path, path(states[source], mask if source < 2 else after))
                for path, source in ((self.first[i], made.one), (self.second[i], made.two))
            ]
            add = made.join == "add"
            states.append(parts[0] + parts[1] if add else self.joins[str(i)](torch.cat(parts, -1), after))
        left = [
            self.reductions[str(state)](states[state], mask) if str(state) in self.reductions else states[state]
            for state in self.left
        ]
        return torch.cat(left, -1), after

    def _stride(self, state: int) -> int:
        return self.stride if state < 2 else 1

    def _dropped(self, path: nn.Module, y: Tensor) -> Tensor:
        if not (self.training and self.drop) or isinstance(path, Identity):
            return y
        return y * F.dropout(y.new_ones(y.shape[0], 1, 1), self.drop)


class CellSequenceNetwork(nn.Module):
    """logits = head(readout(relu(cells(stem(batch))))): a batch to (B, C). Two inputs are compared as in `Network`."""

    cell: Any = CellModule

    def __init__(self, spec: CellNetwork, interface: Interface, dropout: float = 0.0) -> None:
        super().__init__()
        self.compared = spec.pairing == "compared"
        self.stem = stem(spec.stem, interface, spec.width)
        self.cells = nn.ModuleList()
        older = last = width = spec.width
        behind = False
        for part in range(spec.reductions + 1):
            for place in range(spec.repeats + (part > 0)):
                halves = part > 0 and place == 0
                width *= 2 if halves else 1
                kind = spec.reduction if halves else spec.normal
                made: Any = MixedCellModule if isinstance(kind, MixedCell) else self.cell
                cell = made(kind, older, last, width, halves, behind, dropout)
                self.cells.append(cell)
                older, last, behind = last, cell.outputs, halves
        self.readout = readout(spec.readout, last)
        self.head = MlpHead(spec.head, 4 * last if self.compared else last, interface.classes, dropout)
        self.dropout = Dropout(dropout)

    def forward(self, batch: Batch) -> Tensor:
        if not self.compared:
            return self.head(self.encode(batch))
        u, v = self.encode(batch, ".a"), self.encode(batch, ".b")
        return self.head(torch.cat([u, v, (u - v).abs(), u * v], -1))

    def encode(self, batch: Batch, side: str = "") -> Tensor:
        """What the head reads of one input, (B, D)."""
        x, mask = self.stem(batch, side)
        x, mask = self.readout.enter(self.dropout(x), mask)
        older = last = (x, mask)
        for cell in self.cells:
            older, last = last, cell(older, last)
        return self.readout(torch.relu(last[0]), last[1])


@build.register
def _(architecture: CellNetwork, interface: Interface, dropout: float = 0.0) -> nn.Module:
    if isinstance(architecture.readout, PerStep) or interface.per_step:
        raise SpaceError(
            "A CellNetwork halves the steps, so it cannot give one output for every step. Use a Network with PerStep."
        )
    if isinstance(architecture.readout, Cls):
        raise SpaceError(
            "A CellNetwork changes the width, and Cls puts a step of the last width in front. Use Mean or Max."
        )
    if architecture.pairing not in ("joined", "compared"):
        raise SpaceError(f'pairing="{architecture.pairing}" is not known. Use "joined" or "compared".')
    if architecture.pairing == "compared" and interface.sides != 2:
        raise SpaceError('pairing="compared" needs two inputs; the data has not that. Use "joined".')
    from seqwright.nn.image_cells import CellImageNetwork  # it stands on this module

    kind = CellImageNetwork if isinstance(architecture.stem, Pixels) else CellSequenceNetwork
    return kind(architecture, interface, dropout)

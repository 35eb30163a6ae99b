"""Networks of NASNet's kind on images: the cells of `cell_network` in two dimensions, halved both ways."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.cells import Cell, CellNetwork, unread
from seqwright.arch.interface import Interface
from seqwright.nn.cell_network import CellSequenceNetwork
from seqwright.nn.image_operations import Reduced2d, ReluConvNorm2d, image_operation
from seqwright.nn.stems import Batch


class ImageCellModule(nn.Module):
    """states s_0, s_1 of `width` units; s_k = f(s_i) + g(s_j); the unread states, one beside the other.

    (B, ·, H, W) twice -> (B, U * width, H, W), or half as high and wide in a reduction cell (Zoph et al. 2018,
    arXiv:1707.07012). What differs is as in `CellModule`.
    """

    def __init__(self, spec: Cell, older: int, last: int, width: int, halves: bool, behind: bool, drop: float) -> None:
        super().__init__()
        self.spec, self.left, self.drop = spec, unread(spec), drop
        self.stride = 2 if halves else 1
        self.outputs = width * len(self.left)
        self.older = Reduced2d(older, width) if behind else ReluConvNorm2d(older, width)
        self.last = ReluConvNorm2d(last, width)
        self.first, self.second, self.joins = nn.ModuleList(), nn.ModuleList(), nn.ModuleDict()
        for i, made in enumerate(spec.combinations):
            self.first.append(image_operation(made.first, width, self._stride(made.one)))
            self.second.append(image_operation(made.second, width, self._stride(made.two)))
            if made.join == "concat":
                self.joins[str(i)] = ReluConvNorm2d(2 * width, width)
        over = [state for state in self.left if self._stride(state) == 2]
        self.reductions = nn.ModuleDict({str(state): Reduced2d(width, width) for state in over})

    def forward(self, older: Tensor, last: Tensor) -> Tensor:
        states = [self.older(older), self.last(last)]
        for i, made in enumerate(self.spec.combinations):
            one, two = (
                self._dropped(path, path(states[source]))
                for path, source in ((self.first[i], made.one), (self.second[i], made.two))
            )
            states.append(one + two if made.join == "add" else self.joins[str(i)](torch.cat([one, two], 1)))
        for state, reduction in self.reductions.items():
            states[int(state)] = reduction(states[int(state)])
        return torch.cat([states[state] for state in self.left], 1)

    def _stride(self, state: int) -> int:
        return self.stride if state < 2 else 1

    def _dropped(self, path: nn.Module, y: Tensor) -> Tensor:
        if not (self.training and self.drop) or isinstance(path, nn.Identity):
            return y
        return y * F.dropout(y.new_ones(y.shape[0], 1, 1, 1), self.drop)


class CellImageNetwork(CellSequenceNetwork):
    """logits = head(readout(relu(cells(stem(batch))))) of images, (B, C, H, W) to the logits of C' classes."""

    cell = ImageCellModule

    def __init__(self, spec: CellNetwork, interface: Interface, dropout: float = 0.0) -> None:
        super().__init__(spec, interface, dropout)
        self.stride = spec.stem.stride

    def encode(self, batch: Batch, side: str = "") -> Tensor:
        """What the head reads of one image, (B, D)."""
        x, _ = self.stem(batch, side)  # (B, H * W, D), row by row
        height = -(-batch["image" + side].shape[2] // self.stride)
        older = last = self.dropout(x).unflatten(1, (height, -1)).permute(0, 3, 1, 2)
        for cell in self.cells:
            older, last = last, cell(older, last)
        x = torch.relu(last).flatten(2).transpose(1, 2)
        return self.readout(x, torch.ones(x.shape[:2], dtype=torch.bool, device=x.device))

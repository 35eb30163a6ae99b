"""The head: from what the readout gives to the logits."""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.network import Mlp
from seqwright.nn.dropout import Dropout


class MlpHead(nn.Module):
    """Hidden layers of GELU units, then one linear map: (..., D) -> (..., C). Dropout before every map."""

    def __init__(self, spec: Mlp, inputs: int, classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        widths = [inputs, *[spec.width] * spec.layers]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.output = nn.Linear(widths[-1], classes)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.hidden:
            x = F.gelu(layer(self.dropout(x)))
        return self.output(self.dropout(x))

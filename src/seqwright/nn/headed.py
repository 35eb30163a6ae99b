"""A pretrained encoder and its head: stem, stages, readout, dense stack (after Kenneweg et al. 2024, arXiv:2403.18547).

Ours differs from the paper's code: padding is masked throughout, the last map is linear (a ReLU there let a sixth of
the authors' trials collapse), the logits are plain, and the head alone drops units, so that what it reads of a frozen
encoder is the same at every step and may be computed once.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from seqwright.arch.encoders import ClsToken, Dense, HeadedEncoder
from seqwright.arch.interface import Interface
from seqwright.arch.network import AttentionPool, Last, Max, Mean
from seqwright.errors import SpaceError
from seqwright.nn.build import build
from seqwright.nn.dropout import Dropout
from seqwright.nn.readouts import LastReadout, Readout, readout
from seqwright.nn.role import Context
from seqwright.nn.stages import activation, stage
from seqwright.nn.stems import Batch, stem


class FirstReadout(Readout):
    """x_1: where BERT and its kin have their [CLS]."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return x[:, 0] * mask[:, :1].to(x.dtype)


class DenseModule(nn.Module):
    """`layers` linear maps with the activation between them, none after the last: (B, F) -> (B, C).

    Dropout before every map.
    """

    def __init__(self, spec: Dense, inputs: int, classes: int, act: Callable[[Tensor], Tensor], dropout: float) -> None:
        super().__init__()
        widths = [inputs, *[spec.width] * (spec.layers - 1)]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.output = nn.Linear(widths[-1], classes)
        self.act, self.dropout = act, Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.hidden:
            x = self.act(layer(self.dropout(x)))
        return self.output(self.dropout(x))

    def parts(self) -> list[Callable[[Tensor], Tensor]]:
        """What acts, in order."""
        hidden = [part for layer in self.hidden for part in (self.dropout, layer, self.act)]
        return [*hidden, self.dropout, self.output]


class HeadModule(nn.Module):
    """From what the readout gives to the logits: a layer norm perhaps, then the dense stack. (B, F) -> (B, C)."""

    def __init__(
        self,
        spec: Dense,
        inputs: int,
        classes: int,
        act: Callable[[Tensor], Tensor],
        norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(inputs) if norm else None
        self.dense = DenseModule(spec, inputs, classes, act, dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(x if self.norm is None else self.norm(x))

    def parts(self) -> list[Callable[[Tensor], Tensor]]:
        """What acts, in order, for those who train many heads as one."""
        return [*([] if self.norm is None else [self.norm]), *self.dense.parts()]


class HeadedEncoderModule(nn.Module):
    """logits = head(pool(batch)), with pool = readout . recurrence . convolution . attention . encoder.

    Where the spec is `pooled`, `pool` has no weights but the encoder's. Two texts that are compared give u and v by
    the same weights, and the head reads [u, v, |u - v|, u * v] (Conneau et al. 2017, arXiv:1705.02364).
    """

    def __init__(self, spec: HeadedEncoder, interface: Interface, dropout: float = 0.0) -> None:
        super().__init__()
        self.compared = spec.pairing == "compared"
        self.stem = stem(spec.stem, interface, None)
        one, units = interface.stream(spec.stem.reads[0]).width, int(self.stem.width)  # pyright: ignore
        stages: list[nn.Module | None] = []
        for each in (spec.attention, spec.convolution, spec.recurrence):
            stages.append(module := stage(each, units, one, spec.activation, dropout))
            units = units if module is None else int(module.outputs)  # pyright: ignore[reportArgumentType]
        self.attention, self.convolution, self.recurrence = stages
        self.readout = _readout(spec.readout, units, self.stem)
        features = 4 * units if self.compared else units
        self.head = HeadModule(spec.dense, features, interface.classes, activation(spec.activation), spec.norm, dropout)

    def forward(self, batch: Batch) -> Tensor:
        return self.head(self.pool(batch))

    def pool(self, batch: Batch) -> Tensor:
        """What the head reads: (B, F), or (B, 4 F) of two texts compared."""
        if not self.compared:
            return self.encode(batch)
        u, v = self.encode(batch, ".a"), self.encode(batch, ".b")
        return torch.cat([u, v, (u - v).abs(), u * v], -1)

    def encode(self, batch: Batch, side: str = "") -> Tensor:
        """What the readout gives of one text: (B, F)."""
        x, mask = self.stem(batch, side)
        context = Context(mask)
        for each in (self.attention, self.convolution, self.recurrence):
            x = x if each is None else each(x, context)
        return self.readout(x, mask)


def _readout(spec: Any, width: int, stem: nn.Module) -> Readout:
    if isinstance(spec, ClsToken):
        return LastReadout() if stem.cls_at == "last" else FirstReadout()
    if not isinstance(spec, Mean | Max | Last | AttentionPool):
        raise SpaceError(
            f"The readout {type(spec).__name__} cannot follow a pretrained encoder. "
            "Use ClsToken, Mean, Max, Last or AttentionPool."
        )
    return readout(spec, width)


@build.register
def _(architecture: HeadedEncoder, interface: Interface, dropout: float = 0.0) -> nn.Module:
    if interface.per_step:
        raise SpaceError("A HeadedEncoder gives one output for a whole text, but the data asks for one at every step.")
    if architecture.pairing not in ("joined", "compared"):
        raise SpaceError(f'pairing="{architecture.pairing}" is not known. Use "joined" or "compared".')
    if architecture.pairing == "compared" and interface.sides != 2:
        raise SpaceError('pairing="compared" needs two texts; the data has one. Use "joined".')
    if architecture.dense.layers < 1:
        raise SpaceError("Dense(layers=0) has no map to the logits. Use at least one layer.")
    return HeadedEncoderModule(architecture, interface, dropout)

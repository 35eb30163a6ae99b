"""The whole network: stem, body, readout, head, and the residual layers of the body."""

import torch
from torch import Tensor, nn

from seqwright.arch.blocks import Skip
from seqwright.arch.interface import Interface
from seqwright.arch.network import Body, Layer, Network, PerStep
from seqwright.errors import SpaceError
from seqwright.nn.build import block, build
from seqwright.nn.dropout import Dropout
from seqwright.nn.head import MlpHead
from seqwright.nn.norms import norm
from seqwright.nn.readouts import readout
from seqwright.nn.role import Context, Role
from seqwright.nn.stems import Batch, stem


class Residual(nn.Module):
    """A block and its norm on the residual stream; (B, T, D) -> (B, T, D).

    ``pre``: x + f(norm(x)) (Xiong et al. 2020, arXiv:2002.04745); ``post``: norm(x + f(x)); ``none``: x + f(x).
    """

    def __init__(self, spec: object, body: Body, role: Role) -> None:
        super().__init__()
        self.placement = body.norm
        self.block = block(spec, body.width, role)
        if body.norm != "none":
            self.norm = norm(body.statistics, body.width)
        self.dropout = Dropout(role.dropout)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        if self.placement == "pre":
            return x + self.dropout(self.block(self.norm(x, context.mask), context))
        x = x + self.dropout(self.block(x, context))
        return self.norm(x, context.mask) if self.placement == "post" else x


class PassThrough(nn.Module):
    """The residual stream unchanged, without norm: a `Skip` is as if it were not there."""

    def forward(self, x: Tensor, context: Context) -> Tensor:
        return x


class LayerModule(nn.Module):
    """A token mixer, then a channel mixer, each on the residual stream."""

    def __init__(self, spec: Layer, body: Body, role: Role) -> None:
        super().__init__()
        self.mixer = _residual(spec.mixer, body, role)
        self.channel = _residual(spec.channel, body, role)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        return self.channel(self.mixer(x, context), context)


class BodyModule(nn.Module):
    """Layers of one width, with a last norm where they normalise before each block. (B, T, D) -> (B, T, D)."""

    def __init__(self, spec: Body, role: Role) -> None:
        super().__init__()
        self.layers = nn.ModuleList(LayerModule(layer, spec, role) for layer in spec.layers)
        acts = any(not isinstance(part, Skip) for layer in spec.layers for part in (layer.mixer, layer.channel))
        self.norm = norm(spec.statistics, spec.width) if spec.norm == "pre" and acts else None

    def forward(self, x: Tensor, context: Context) -> Tensor:
        for layer in self.layers:
            x = layer(x, context)
        return x if self.norm is None else self.norm(x, context.mask)


class SequenceNetwork(nn.Module):
    """logits = head(readout(body(stem(batch)))): a batch to (B, C), or (B, T, C) per step.

    Two inputs that are compared pass the same weights one after the other, giving u and v; the head then
    reads [u, v, |u - v|, u * v] (Conneau et al. 2017, arXiv:1705.02364).
    """

    def __init__(self, spec: Network, interface: Interface, dropout: float = 0.0) -> None:
        super().__init__()
        self.compared = spec.pairing == "compared"
        width = spec.body.width
        self.stem = stem(spec.stem, interface, width)
        self.body = BodyModule(spec.body, Role(dropout=dropout))
        self.readout = readout(spec.readout, width)
        self.head = MlpHead(spec.head, 4 * width if self.compared else width, interface.classes, dropout)
        self.dropout = Dropout(dropout)

    def forward(self, batch: Batch) -> Tensor:
        if not self.compared:
            return self.head(self.encode(batch))
        u, v = self.encode(batch, ".a"), self.encode(batch, ".b")
        return self.head(torch.cat([u, v, (u - v).abs(), u * v], -1))

    def encode(self, batch: Batch, side: str = "") -> Tensor:
        """What the head reads of one input: (B, D), or (B, T, D) per step."""
        x, mask = self.stem(batch, side)
        x, mask = self.readout.enter(self.dropout(x), mask)
        return self.readout(self.body(x, Context(mask)), mask)


@build.register
def _(architecture: Network, interface: Interface, dropout: float = 0.0) -> nn.Module:
    per_step = isinstance(architecture.readout, PerStep)
    if per_step != interface.per_step:
        needs = (
            "one output for every step: use the readout PerStep"
            if interface.per_step
            else ("one output for the whole sequence: use Mean, Max, Last, Cls or AttentionPool")
        )
        raise SpaceError(f"The readout is {type(architecture.readout).__name__}, but the data asks for {needs}.")
    if architecture.pairing not in ("joined", "compared"):
        raise SpaceError(f'pairing="{architecture.pairing}" is not known. Use "joined" or "compared".')
    if architecture.body.norm not in ("pre", "post", "none"):
        raise SpaceError(f'norm="{architecture.body.norm}" is not known. Use "pre", "post" or "none".')
    if architecture.pairing == "compared" and (interface.sides != 2 or per_step):
        raise SpaceError('pairing="compared" needs two inputs and one output; the data has not that. Use "joined".')
    return SequenceNetwork(architecture, interface, dropout)


def _residual(spec: object, body: Body, role: Role) -> nn.Module:
    return PassThrough() if isinstance(spec, Skip) else Residual(spec, body, role)

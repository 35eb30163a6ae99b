"""The stages of a head on a pretrained encoder: attention, convolution, recurrence; (B, T, F) -> (B, T, G).

The order and the sizes are those of Kenneweg et al. 2024 (arXiv:2403.18547). Ours differ from their code: attention
runs along the text and not across the batch, and padding is seen by none of them.
"""

import math
from collections.abc import Callable
from functools import singledispatch
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.blocks import Skip
from seqwright.arch.encoders import AttentionStage, ConvStage, RecurrentStage
from seqwright.errors import SpaceError, did_you_mean
from seqwright.nn.build import unregistered
from seqwright.nn.cpu_attention import attention
from seqwright.nn.dropout import Dropout
from seqwright.nn.recurrent import initialise
from seqwright.nn.role import Context

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu, "tanh": torch.tanh}


def activation(name: str) -> Callable[[Tensor], Tensor]:
    """The function of that name.

    Raises:
        SpaceError: there is none.
    """
    if name not in ACTIVATIONS:
        raise SpaceError(
            f'activation="{name}" is not known.{did_you_mean(name, ACTIVATIONS)} Use one of: {", ".join(ACTIVATIONS)}.'
        )
    return ACTIVATIONS[name]


class Attend(nn.Module):
    """One post-norm Transformer layer: x = norm(x + attention(x)); x = norm(x + W_2 f(W_1 x)). (B, T, D) -> same.

    The feed-forward is as wide as the stream (Kenneweg et al. 2024), the scale 1 / sqrt(D / H) (Vaswani et al. 2017,
    arXiv:1706.03762). Ours differs from `nn.TransformerEncoderLayer` in what it drops: the two branches, and neither
    attention weights nor hidden units.
    """

    def __init__(self, width: int, heads: int, act: Callable[[Tensor], Tensor], dropout: float) -> None:
        super().__init__()
        self.heads, self.act = heads, act
        self.query, self.key, self.value, self.output = (nn.Linear(width, width) for _ in range(4))
        self.enter, self.leave = nn.Linear(width, width), nn.Linear(width, width)
        self.norm_attention, self.norm_feedforward = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, allowed: Tensor) -> Tensor:
        q, k, v = (
            part(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        y = attention(q, k, v, allowed).transpose(1, 2).flatten(2)
        x = self.norm_attention(x + self.dropout(self.output(y)))
        return self.norm_feedforward(x + self.dropout(self.leave(self.act(self.enter(x)))))


class AttentionStageModule(nn.Module):
    """Post-norm Transformer layers without positions of their own: the encoder's states know theirs.

    (B, T, F) -> (B, T, D) with D the width of one of the encoder's layers; several concatenated ones are first mapped
    to it. 12 D^2 FLOPs a step and layer for the maps, and 4 D T for the sums.
    """

    def __init__(
        self, spec: AttentionStage, inputs: int, width: int, act: Callable[[Tensor], Tensor], dropout: float
    ) -> None:
        super().__init__()
        if width % spec.heads:
            fitting = [str(heads) for heads in (1, 2, 4, 8, 16) if width % heads == 0]
            raise SpaceError(
                f"AttentionStage(heads={spec.heads}) cannot divide the encoder's width of {width}. "
                f"Use one of: {', '.join(fitting)}."
            )
        self.outputs = width
        self.project = nn.Linear(inputs, width) if inputs != width else None
        self.layers = nn.ModuleList(Attend(width, spec.heads, act, dropout) for _ in range(spec.layers))

    def forward(self, x: Tensor, context: Context) -> Tensor:
        itself = torch.eye(x.shape[1], dtype=torch.bool, device=x.device)  # so that no step sees none
        allowed = context.mask[:, None, None, :] | itself
        x = x if self.project is None else self.project(x)
        for layer in self.layers:
            x = layer(x, allowed)
        return x


class Convolve(nn.Module):
    """y_t = f(b + sum_k W_k x_{t + k - (K - 1) / 2}), padding as zeros; 2 K F G FLOPs a step.

    (B, T, F) -> (B, T, G).
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, act: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.act, self.padding = act, kernel // 2
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.uniform_(self.weight, -(bound := math.sqrt(6.0 / (kernel * inputs))), bound)  # He et al. 2015

    def forward(self, x: Tensor, context: Context) -> Tensor:
        # (B, T, F) is the memory of a channels-last image of height 1: the 2-d convolution reads it without a copy.
        image = context.zero(x).transpose(1, 2).unsqueeze(2)
        y = F.conv2d(image, self.weight.unsqueeze(2), self.bias, padding=(0, self.padding))
        return self.act(y.squeeze(2).transpose(1, 2))


class ConvStageModule(nn.Module):
    """h_1 = conv(x), h_i = conv(h_{i-1}); h_L, or with a skip h_1 + h_L. (B, T, F) -> (B, T, width)."""

    def __init__(self, spec: ConvStage, inputs: int, act: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.skip, self.outputs = spec.skip and spec.layers > 1, spec.width
        self.layers = nn.ModuleList(
            Convolve(spec.width if i else inputs, spec.width, spec.kernel, act) for i in range(spec.layers)
        )

    def forward(self, x: Tensor, context: Context) -> Tensor:
        first, *others = self.layers
        x = begun = first(x, context)
        for layer in others:
            x = layer(x, context)
        return x + begun if self.skip else x


class RecurrentStageModule(nn.Module):
    """LSTM or GRU layers, each reading the states of the one below: (B, T, F) -> (B, T, hidden × directions).

    A backward direction reads each text from its own end, so padding never enters a state. Dropout between layers.
    """

    def __init__(self, spec: RecurrentStage, inputs: int, dropout: float) -> None:
        super().__init__()
        cell = {"lstm": nn.LSTM, "gru": nn.GRU}.get(spec.cell)
        if cell is None:
            raise SpaceError(f'cell="{spec.cell}" is not known. Use "lstm" or "gru".')
        self.outputs = spec.hidden * (1 + spec.bidirectional)
        sizes = [inputs, *[self.outputs] * (spec.layers - 1)]
        self.ahead = nn.ModuleList(cell(size, spec.hidden, batch_first=True) for size in sizes)
        self.back = nn.ModuleList(cell(size, spec.hidden, batch_first=True) for size in sizes if spec.bidirectional)
        self.dropout = Dropout(dropout)
        for recurrence in (*self.ahead, *self.back):
            assert isinstance(recurrence, nn.RNNBase)
            initialise(recurrence)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        for i, ahead in enumerate(self.ahead):
            x = self.dropout(x) if i else x
            states = [ahead(x)[0]]
            if self.back:
                states.append(context.flip(self.back[i](context.flip(x))[0]))
            x = torch.cat(states, -1)
        return x


@singledispatch
def stage(spec: Any, inputs: int, width: int, act: str, dropout: float) -> nn.Module | None:
    """The module of a stage, ``forward(x, context)`` with `outputs` units a step; None for `Skip`.

    Args:
        inputs: units F of what it reads.
        width: units of one layer of the encoder.
        act: the name of the activation.

    Raises:
        SpaceError: no module is registered for this type of spec, or the encoder's width does not suit it.
    """
    raise unregistered("stage", stage.registry, spec)


@stage.register
def _(spec: Skip, inputs: int, width: int, act: str, dropout: float) -> None:
    return None


@stage.register
def _(spec: AttentionStage, inputs: int, width: int, act: str, dropout: float) -> nn.Module:
    return AttentionStageModule(spec, inputs, width, activation(act), dropout)


@stage.register
def _(spec: ConvStage, inputs: int, width: int, act: str, dropout: float) -> nn.Module:
    return ConvStageModule(spec, inputs, activation(act))


@stage.register
def _(spec: RecurrentStage, inputs: int, width: int, act: str, dropout: float) -> nn.Module:
    return RecurrentStageModule(spec, inputs, dropout)

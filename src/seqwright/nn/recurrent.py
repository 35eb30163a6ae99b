"""Recurrences with gates that see the last state: Elman, LSTM, GRU; forwards, or forwards and backwards.

The backward direction reads each sequence reversed within its own length, so padding never enters a state.
Two one-way passes over padded steps are 1.5 to 4 times as fast on a CPU as packed sequences.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from seqwright.arch.blocks import Gru, Lstm, Rnn
from seqwright.errors import SpaceError
from seqwright.nn.build import block
from seqwright.nn.role import Context, Role

State = Any  # (1, B, H), or for an LSTM a pair of them


class RecurrentModule(nn.Module):
    """y_t = W [h_t ; g_t] + b, with h the states of a forward and g those of a backward recurrence.

    (B, T, D) -> (B, T, D). Rnn: h_t = tanh(W x_t + U h_{t-1} + b) (Elman 1990). Lstm: Hochreiter & Schmidhuber 1997.
    Gru: Cho et al. 2014, arXiv:1406.1078, with torch's reset gate after the product. A step costs 2 G H (D + H) FLOPs
    a direction, with G = 1, 4 and 3, and 2 H D per direction for the output map, which is ours: it keeps the width.
    """

    def __init__(self, cell: Callable[..., nn.RNNBase], width: int, hidden: int, bidirectional: bool) -> None:
        super().__init__()
        self.ahead = cell(width, hidden, batch_first=True)
        self.back = cell(width, hidden, batch_first=True) if bidirectional else None
        self.output = nn.Linear(hidden * (1 + bidirectional), width)
        for direction in filter(None, (self.ahead, self.back)):
            initialise(direction)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        states, _ = self.ahead(x)
        if self.back is not None:
            backward, _ = self.back(context.flip(x))
            states = torch.cat([states, context.flip(backward)], -1)
        return self.output(states)

    def initial(self, batch: int) -> State:
        weight = self.output.weight
        zero = weight.new_zeros(1, batch, self.ahead.hidden_size)
        return (zero, zero) if isinstance(self.ahead, nn.LSTM) else zero

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        states, state = self.ahead(x.unsqueeze(1), state)
        return self.output(states).squeeze(1), state


def initialise(cell: nn.RNNBase) -> None:
    """Glorot for the input, orthogonal for the state (Saxe et al. 2014, arXiv:1312.6120), an LSTM's forget bias 1.

    A forget gate that starts open lets gradients pass (Jozefowicz et al. 2015).
    """
    hidden = cell.hidden_size
    for name, parameter in cell.named_parameters():
        if parameter.is_meta:
            return
        for gate in parameter.detach().split(hidden):
            if "bias" in name:
                gate.zero_()
            elif "weight_ih" in name:
                nn.init.xavier_uniform_(gate)
            else:
                nn.init.orthogonal_(gate)
        if isinstance(cell, nn.LSTM) and name == "bias_ih_l0":
            parameter.detach()[hidden : 2 * hidden] = 1.0  # torch orders the gates input, forget, cell, output


def _recurrent(cell: Callable[..., nn.RNNBase], spec: Any, width: int, role: Role) -> nn.Module:
    if role.causal and spec.bidirectional:
        raise SpaceError(
            f"{type(spec).__name__}(bidirectional=True) sees later steps, which a causal role forbids. "
            f"Use bidirectional=False."
        )
    return RecurrentModule(cell, width, spec.hidden, spec.bidirectional)


@block.register
def _(spec: Rnn, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    return _recurrent(nn.RNN, spec, width, role)


@block.register
def _(spec: Lstm, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    return _recurrent(nn.LSTM, spec, width, role)


@block.register
def _(spec: Gru, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    return _recurrent(nn.GRU, spec, width, role)

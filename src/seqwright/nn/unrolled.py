"""Recurrences that only a loop can run: a step of a searched cell after the other.

What depends on the input alone is computed for all steps at once, and weights that a step reads are joined once a
pass. The rest is Python at every step: some ten times as slow as torch's own LSTM, the price of an open cell.
"""

from typing import Any

import torch
from torch import Tensor, nn

from seqwright.errors import SpaceError
from seqwright.nn.role import Context, Role


class UnrolledCell(nn.Module):
    """``forward(x)`` maps (B, T, D) to all states (B, T, H) and the last; a subclass says what one step does.

    It defines `project`, what all steps need of the input; `joined`, the weights as a step reads them; `advance`, one
    step; and `start`, the state before the first.
    """

    hidden_size: int

    def project(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, P)."""
        raise NotImplementedError

    def joined(self) -> Any:
        """The weights in the form in which `advance` takes them."""
        raise NotImplementedError

    def advance(self, given: Tensor, state: Any, weights: Any) -> tuple[Tensor, Any]:
        """One step: (B, P) and the state to (B, H) and the new state."""
        raise NotImplementedError

    def start(self, like: Tensor) -> Any:
        """The state before the first step, for a batch as large as `like`, (B, ...)."""
        raise NotImplementedError

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        weights, states = self.joined(), []
        state = self.start(x) if state is None else state
        for given in self.project(x).unbind(1):
            h, state = self.advance(given, state, weights)
            states.append(h)
        return torch.stack(states, 1), state


class UnrolledModule(nn.Module):
    """y_t = W [h_t ; g_t] + b, with h the states of a forward and g those of a backward cell. (B, T, D) -> same.

    The backward cell reads each sequence reversed within its own length, so padding never enters a state.
    """

    def __init__(self, ahead: UnrolledCell, back: UnrolledCell | None, width: int) -> None:
        super().__init__()
        self.ahead, self.back = ahead, back
        self.output = nn.Linear(ahead.hidden_size * (1 if back is None else 2), width)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        states, _ = self.ahead(x)
        if self.back is not None:
            backward, _ = self.back(context.flip(x))
            states = torch.cat([states, context.flip(backward)], -1)
        return self.output(states)

    def initial(self, batch: int) -> Any:
        return self.ahead.start(self.output.weight.new_zeros(batch, 1))

    def step(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        states, state = self.ahead(x.unsqueeze(1), state)
        return self.output(states).squeeze(1), state


def one_way(spec: Any, role: Role) -> None:
    """Refuse a cell that reads both ways where later steps must not be seen.

    Raises:
        SpaceError: it does.
    """
    if role.causal and spec.bidirectional:
        raise SpaceError(
            f"{type(spec).__name__}(bidirectional=True) sees later steps, which a causal role forbids. "
            "Use bidirectional=False."
        )

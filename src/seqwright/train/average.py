"""An exponential average of a network's weights: what a constant-rate run is judged by.

The average forgets with a horizon of about a tenth of the steps so far, at most `HORIZON` steps, so that short
and long runs are averaged alike and a continued run equals a straight one (Polyak & Juditsky 1992;
Morales-Brogna et al. 2024, arXiv:2411.18704). It is brought up to date every `EVERY` steps: the difference
is not to be seen, the time saved on large embeddings is.
"""

import torch
from torch import Tensor

EVERY = 4
HORIZON = 1000


def horizon_rate(step: int) -> float:
    """How far the average goes towards the weights after `step` steps (counted from 1); 0 between its turns."""
    return 0.0 if step % EVERY else min(1.0, EVERY / min(HORIZON, max(EVERY, 0.1 * step)))


class Average:
    """The running average of `values`, a list of tensors that training changes in place."""

    def __init__(self, values: "dict[str, Tensor]"):
        self.values = values
        self.average = {name: value.detach().clone() for name, value in values.items()}

    def join(self, values: "dict[str, Tensor]") -> None:
        """More tensors that train from now on (`self.values` holds them already, or is told so by its owner)."""
        self.average |= {name: value.detach().clone() for name, value in values.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after `step` steps (counted from 1)."""
        if not (rate := horizon_rate(step)):
            return
        moving = [n for n, v in self.values.items() if v.is_floating_point()]
        torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
            [self.average[n] for n in moving], [self.values[n] for n in moving], rate
        )
        for name, value in self.values.items():
            if not value.is_floating_point():
                self.average[name].copy_(value)

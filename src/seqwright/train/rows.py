"""Networks of one shape side by side: what each has learned is a row of one matrix.

What an optimiser does to every weight of every network is then a dozen operations on the whole, whatever the networks
are made of. A parameter of all of them, (K, ...), is a view of it.
"""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

ALIGNED = 64  # numbers: every parameter begins where a fast load may


class Rows:
    """The tensors of K networks, the trained ones first.

    Args:
        members: of each network its tensors, in one order.

    Attributes:
        matrix: (K, P), the values that training changes.
        weights: of every tensor its K values (K, ...), views of `matrix`; those that train are leaves of the graph.
        decays: (P,) one where a matrix's weights are, which decay, and zero elsewhere.
        trained: columns of `matrix` before which all that trains stands.
    """

    def __init__(self, members: Sequence[Sequence[Tensor]]) -> None:
        first = members[0]
        self.shapes = [tensor.shape for tensor in first]
        starts = list(itertools.accumulate((-(-t.numel() // ALIGNED) * ALIGNED for t in first), initial=0))
        self.starts = starts
        self.trained = starts[sum(tensor.requires_grad for tensor in first)]
        self.matrix = torch.zeros(len(members), starts[-1], device=first[0].device)
        self.weights = self.split(self.matrix)
        self.decays = torch.zeros(self.trained, device=first[0].device)
        for tensor, start, weight in zip(first, starts, self.weights, strict=False):
            if tensor.requires_grad:
                weight.requires_grad_()
                self.decays[start : start + tensor.numel()] = float(tensor.dim() > 1)
        with torch.no_grad():
            for k, tensors in enumerate(members):
                for weight, tensor in zip(self.weights, tensors, strict=True):
                    weight[k].copy_(tensor)

    def split(self, matrix: Tensor) -> list[Tensor]:
        """Of every tensor its part of a matrix of this layout, (K, ...)."""
        # By `data`, for what a forward pass changes (running statistics) does not concern what others keep for theirs.
        return [
            matrix.data[:, start : start + shape.numel()].unflatten(1, shape or (1,)).view(-1, *shape)
            for start, shape in zip(self.starts, self.shapes, strict=False)
        ]

    def views(self, stacks: Sequence[Tensor], k: int) -> list[Tensor]:
        """Network k's part of `stacks`."""
        return [stack.detach()[k] for stack in stacks]


@torch.no_grad()
def adamw(
    weights: Tensor,
    gradients: Tensor,
    first: Tensor,
    second: Tensor,
    steps: Tensor,
    rates: Tensor,
    decays: Tensor,
    betas: tuple[float, float],
    epsilon: float,
) -> None:
    """One step of AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101) for K networks, in place, as torch computes it.

    Args:
        weights, gradients, first, second: (K, P).
        steps, rates: (K, 1), each network's number of steps with this one, and its learning rate.
        decays: (K, P), each weight's decay.
    """
    weights.mul_(1 - rates * decays)
    first.lerp_(gradients, 1 - betas[0])
    second.mul_(betas[1]).addcmul_(gradients, gradients, value=1 - betas[1])
    scale = (second.sqrt() / (1 - betas[1] ** steps).sqrt()).add_(epsilon)
    weights.sub_(first / scale * (rates / (1 - betas[0] ** steps)))

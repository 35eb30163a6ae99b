"""Dense heads of one structure, stacked: K heads are one batched program, of which each head is a slice.

Heads of the same maps, activations and norms may differ in their hidden widths: narrower ones are padded with zero
weights, which stay zero, for every activation used here has f(0) = 0 and what leaves a padded unit is nothing.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.nn.dropout import Dropout

Part = Callable[[Tensor], Tensor]

MODULES = (nn.ReLU, nn.GELU, nn.Tanh, nn.SiLU)
FUNCTIONS = (F.relu, F.gelu, torch.tanh, F.silu)


def parts(head: nn.Module) -> "list[Part] | None":
    """The maps, activations, norms and dropouts of a head in the order in which they act; None if it has others.

    A head that is no `nn.Sequential` says by a method `parts` what acts in it.
    """
    acting: Any = [head]
    if callable(said := getattr(head, "parts", None)):
        acting = said()
    elif isinstance(head, nn.Sequential):
        inner = [parts(module) for module in head]
        if any(each is None for each in inner):
            return None
        acting = [part for each in inner for part in each or ()]
    acting = [part for part in acting if not isinstance(part, nn.Identity)]
    return acting if all(_can_stack(part) for part in acting) else None


def _can_stack(part: Part) -> bool:
    if isinstance(part, nn.Linear | nn.LayerNorm):
        return part.weight is not None and part.bias is not None  # pyright: ignore[reportUnnecessaryComparison]
    if isinstance(part, nn.Dropout):
        return isinstance(part, Dropout)  # torch's own draws otherwise
    return isinstance(part, MODULES) or part in FUNCTIONS


def structure(head: nn.Module) -> "Hashable | None":
    """What heads must have in common to be stacked; None for a head that cannot be stacked at all."""
    those = parts(head)
    maps = [part for part in those or () if isinstance(part, nn.Linear)]
    if not maps or those is None:
        return None
    signs: list[Hashable] = [maps[0].in_features, maps[-1].out_features]
    for i, part in enumerate(those):
        if isinstance(part, nn.Linear):
            later = those[i + 1 :]
            until = next((j for j, other in enumerate(later) if isinstance(other, nn.Linear)), len(later))
            # A norm over padded units would be another norm: such widths have to be equal.
            normed = any(isinstance(other, nn.LayerNorm) for other in later[:until])
            signs.append(("map", part.out_features if normed else 0))
        elif isinstance(part, nn.LayerNorm):
            signs.append(("norm", part.eps))
        elif isinstance(part, nn.Dropout):
            signs.append("dropout")
        else:
            signs.append((type(part), getattr(part, "approximate", "")) if isinstance(part, nn.Module) else part)
    return tuple(signs)


def weights_of(head: nn.Module) -> list[Tensor]:
    """A head's weights and biases in the order in which they act."""
    return [
        p for part in parts(head) or () if isinstance(part, nn.Linear | nn.LayerNorm) for p in (part.weight, part.bias)
    ]


class StackedLinear(torch.autograd.Function):
    """x (K, B, I), weight (K, O, I), bias (K, O) -> (K, B, O). The weights' gradient is written into `room`.

    Fresh memory for every step's gradients would cost more than computing them.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, room: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.room = room
        return torch.baddbmm(bias.unsqueeze(1), x, weight.transpose(1, 2))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        (g,) = gradients
        x, weight = ctx.saved_tensors
        back = g.bmm(weight) if ctx.needs_input_grad[0] else None
        return back, torch.bmm(g.transpose(1, 2), x, out=ctx.room), g.sum(1), None


class DenseStack:
    """The stacked parameters of K heads of one `structure`, and what they compute.

    Attributes:
        weights: one tensor (K, ...) for every parameter, in the order of `weights_of`.
        sites: for every dropout, K pairs (width, share dropped).
    """

    def __init__(self, heads: Sequence[nn.Module]) -> None:
        self.heads = [weights_of(head) for head in heads]
        all_parts = [parts(head) or () for head in heads]
        self.parts = all_parts[0]
        self.weights = [self._stacked(those).requires_grad_() for those in zip(*self.heads, strict=True)]
        self._room = [torch.empty_like(weight) for weight in self.weights]
        self.sites: list[list[tuple[int, float]]] = []
        width = [0] * len(heads)
        for those in zip(*all_parts, strict=True):
            for k, part in enumerate(those):
                if isinstance(part, nn.Linear):
                    width[k] = part.out_features
            if isinstance(those[0], nn.Dropout):
                entry = next(part for part in self.parts if isinstance(part, nn.Linear)).in_features
                self.sites.append([(w or entry, part.p) for w, part in zip(width, those, strict=True)])

    def empty(self) -> list[Tensor]:
        """Zeros in the shapes of the weights."""
        return [torch.zeros_like(weight, requires_grad=False) for weight in self.weights]

    def views(self, stacks: Sequence[Tensor], k: int) -> list[Tensor]:
        """Head k's part of `stacks`, without padding, in the shapes of its own parameters."""
        return [
            stack.detach()[k][tuple(slice(n) for n in own.shape)]
            for stack, own in zip(stacks, self.heads[k], strict=True)
        ]

    def logits(self, x: Tensor, masks: "Sequence[Tensor] | None") -> Tensor:
        """(K, B, C) from x (K, B, F).

        Args:
            masks: for every dropout (K, B, width), zero or the factor of what is kept; None to drop nothing.
        """
        given = iter(zip(self.weights, self._room, strict=True))
        drawn = iter(masks or ())
        for part in self.parts:
            if isinstance(part, nn.Linear):
                (weight, room), (bias, _) = next(given), next(given)
                x = StackedLinear.apply(x, weight, bias, room)  # pyright: ignore[reportAssignmentType]
            elif isinstance(part, nn.LayerNorm):
                (weight, _), (bias, _) = next(given), next(given)
                x = F.layer_norm(x, x.shape[-1:], None, None, part.eps)
                x = torch.addcmul(bias.unsqueeze(1), x, weight.unsqueeze(1))
            elif isinstance(part, nn.Dropout):
                if masks is not None:
                    x = x * next(drawn)
            else:
                x = part(x)
        return x

    @staticmethod
    def _stacked(those: Sequence[Tensor]) -> Tensor:
        shape = [max(sizes) for sizes in zip(*(one.shape for one in those), strict=True)]
        stack = torch.zeros(len(those), *shape, dtype=those[0].dtype, device=those[0].device)
        for k, one in enumerate(those):
            stack[k][tuple(slice(n) for n in one.shape)] = one.detach()
        return stack

"""Dropout whose masks are given: many networks run as one, yet each drops what it would have dropped alone.

Alone, a step begins with `reseed(seed, step)`, the input is corrupted and every dropout draws in turn. Which dropouts
act, in what order, on what shapes and in what memory order, is seen once a shape of batch by running one network. The
same draws are then made outside, once for all members that draw alike.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seqwright.nn.dropout import dropout

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class Site:
    """One dropout's turn: the how manieth of the network's dropouts it is, and what it reads."""

    dropout: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype

    def draw(self, shares: Sequence[float], device: torch.device) -> Tensor:
        """Zero, or the factor of what is kept, as that dropout would draw now; `shares` are dropped."""
        ones = torch.empty_strided(self.size, self.stride, dtype=self.dtype, device=device).fill_(1)
        return dropout(ones, shares[self.dropout])


def dropouts(network: nn.Module) -> list[nn.Dropout]:
    """The dropouts of a network, in the order of its modules."""
    return [module for module in network.modules() if isinstance(module, nn.Dropout)]


@torch.no_grad()
def sites(network: nn.Module, batch: Batch) -> list[Site]:
    """The turns of a network's dropouts with a batch like this one, in order; changes its running statistics."""
    found: list[Site] = []

    def seen(number: int) -> "object":
        def hook(_: nn.Module, given: "tuple[Tensor, ...]") -> None:
            x = given[0]
            found.append(Site(number, tuple(x.shape), x.stride(), x.dtype))

        return hook

    handles = [each.register_forward_pre_hook(seen(i)) for i, each in enumerate(dropouts(network))]  # pyright: ignore
    try:
        network(batch)
    finally:
        for handle in handles:
            handle.remove()
    return found


class Given:
    """The masks of one pass, which the dropouts that read them take in turn."""

    def __init__(self) -> None:
        self.left: Iterator[Tensor] = iter(())
        self.drops = False

    def begin(self, masks: "Sequence[Tensor] | None") -> None:
        self.left, self.drops = iter(masks or ()), masks is not None


class GivenDropout(nn.Module):
    """In training the product with the next mask; x itself where there are none, and in evaluation."""

    def __init__(self, given: Given) -> None:
        super().__init__()
        self.given = given

    def forward(self, x: Tensor) -> Tensor:
        return x * next(self.given.left) if self.training and self.given.drops else x

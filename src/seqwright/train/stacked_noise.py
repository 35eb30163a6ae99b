"""The dropout masks of a cohort: for each member, those that its dropouts would draw were it trained alone.

Alone, a step begins with `reseed(seed, step)` and each dropout draws in turn. On a CPU these are bytes of one stream
(see `nn.dropout`), and a unit is dropped whose byte is low: members of one seed at one step share that stream, and it
is drawn once.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from seqwright.nn.dropout import LEVELS, bytes_of, dropout, dropped, words_of
from seqwright.train.noise import reseed


class Masks:
    """Room for the masks of K members at several dropouts.

    Args:
        sites: for every dropout, K pairs (width, share dropped), as in `DenseStack.sites`.
        rows: the largest batch.
    """

    def __init__(self, sites: Sequence[Sequence[tuple[int, float]]], rows: int, device: torch.device) -> None:
        self.sites, self.device = sites, device
        self.masks = [torch.ones(len(site), rows, max(w for w, _ in site), device=device) for site in sites]
        self._factors = [torch.tensor([_factor(p) for _, p in site], device=device)[:, None, None] for site in sites]
        self.needed = any(p > 0 for site in sites for _, p in site)

    def draw(self, at: Sequence[tuple[int, int]], rows: Sequence[int]) -> list[Tensor] | None:
        """(K, rows, width) for every dropout, the same memory each time; None where nobody drops.

        Args:
            at: each member's (seed, step).
            rows: how many examples each member's batch really has.
        """
        if not self.needed:
            return None
        if self.device.type == "cpu":
            self._shared(at, rows)
        else:
            self._one_by_one(at, rows)
        return self.masks

    def _shared(self, at: Sequence[tuple[int, int]], rows: Sequence[int]) -> None:
        lengths: dict[tuple[int, int], int] = {}
        for k, key in enumerate(at):
            drawn = sum(8 * words_of(rows[k] * site[k][0]) for site in self.sites if 0 < site[k][1] < 1)
            lengths[key] = max(lengths.get(key, 0), drawn)
        streams: dict[tuple[int, int], Tensor] = {}
        for key, length in lengths.items():
            reseed(*key, self.device)
            streams[key] = bytes_of(length)
        for k, key in enumerate(at):
            stream, start = streams[key], 0
            for mask, site in zip(self.masks, self.sites, strict=True):
                width, share = site[k]
                if 0 < share < 1:
                    own = stream[start : start + rows[k] * width].view(rows[k], width)
                    torch.ge(own, dropped(share), out=mask[k, : rows[k], :width])
                    start += 8 * words_of(rows[k] * width)
                else:
                    mask[k].fill_(1 - share)
        for mask, factor in zip(self.masks, self._factors, strict=True):
            mask.mul_(factor)

    def _one_by_one(self, at: Sequence[tuple[int, int]], rows: Sequence[int]) -> None:
        for k, key in enumerate(at):
            reseed(*key, self.device)
            for mask, site in zip(self.masks, self.sites, strict=True):
                width, share = site[k]
                mask[k, : rows[k], :width] = dropout(torch.ones(rows[k], width, device=self.device), share)


def _factor(share: float) -> float:
    """What is kept is multiplied by."""
    return LEVELS / (LEVELS - dropped(share)) if 0 < share < 1 else 1.0

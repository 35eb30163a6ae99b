"""The dropout masks of a cohort: for each member, those that `nn.Dropout` would draw were it trained alone.

Alone, a step begins with `reseed(seed, step)` and each dropout draws in turn. Where torch draws such masks by comparing
one stream of uniform numbers with the share kept (it does on most CPUs, and is asked once), members of one seed at
one step share that stream, and it is drawn once.
"""

import functools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

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
        self._factors = [
            torch.tensor([1 / (1 - p) if 0 < p < 1 else 1.0 for _, p in site], device=device)[:, None, None]
            for site in sites
        ]
        self.needed = any(p > 0 for site in sites for _, p in site)

    def draw(self, at: Sequence[tuple[int, int]], rows: Sequence[int]) -> list[Tensor] | None:
        """(K, rows, width) for every dropout, the same memory each time; None where nobody drops.

        Args:
            at: each member's (seed, step).
            rows: how many examples each member's batch really has.
        """
        if not self.needed:
            return None
        if self.device.type == "cpu" and masks_are_thresholds():
            self._by_threshold(at, rows)
        else:
            self._one_by_one(at, rows)
        for mask, factor in zip(self.masks, self._factors, strict=True):
            mask.mul_(factor)
        return self.masks

    def _by_threshold(self, at: Sequence[tuple[int, int]], rows: Sequence[int]) -> None:
        lengths: dict[tuple[int, int], int] = {}
        for k, key in enumerate(at):
            drawn = sum(rows[k] * site[k][0] for site in self.sites if 0 < site[k][1] < 1)
            lengths[key] = max(lengths.get(key, 0), drawn)
        streams: dict[tuple[int, int], Tensor] = {}
        for key, length in lengths.items():
            reseed(*key, self.device)
            streams[key] = torch.empty(length, dtype=torch.float64).uniform_()
        for k, key in enumerate(at):
            stream, start = streams[key], 0
            for mask, site in zip(self.masks, self.sites, strict=True):
                width, dropped = site[k]
                if 0 < dropped < 1:
                    stop = start + rows[k] * width
                    own = stream[start:stop].view(rows[k], width)
                    torch.lt(own, 1 - dropped, out=mask[k, : rows[k], :width])
                    start = stop
                else:
                    mask[k].fill_(1 - dropped)

    def _one_by_one(self, at: Sequence[tuple[int, int]], rows: Sequence[int]) -> None:
        for k, key in enumerate(at):
            reseed(*key, self.device)
            for mask, site in zip(self.masks, self.sites, strict=True):
                width, dropped = site[k]
                ones = torch.ones(rows[k], width, device=self.device)
                mask[k, : rows[k], :width] = (F.dropout(ones, dropped) > 0).float()


@functools.cache
def masks_are_thresholds() -> bool:
    """Whether this torch's dropout keeps what one stream of uniform numbers has below the share kept."""
    before = torch.get_rng_state()
    try:
        torch.default_generator.manual_seed(7)
        stream = torch.empty(1600, dtype=torch.float64).uniform_()
        torch.default_generator.manual_seed(7)
        one, other = F.dropout(torch.ones(9, 100), 0.3), F.dropout(torch.ones(7, 100), 0.1)
    finally:
        torch.set_rng_state(before)
    kept = torch.cat([stream[:900] < 0.7, stream[900:] < 0.9])
    return torch.equal(kept, torch.cat([one.flatten(), other.flatten()]) > 0)

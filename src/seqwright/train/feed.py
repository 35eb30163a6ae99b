"""What a cohort of whole networks reads at a step: K batches as one, and K members' noise, on the device.

All examples lie there once, padded, so that gathering K batches costs what gathering one does.
"""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqwright.data.batch import collate
from seqwright.data.examples import Encoded
from seqwright.train.device import autocast
from seqwright.train.given_noise import Site, dropouts, sites
from seqwright.train.loss import IGNORED
from seqwright.train.noise import corrupt, reseed
from seqwright.train.predict import tensors
from seqwright.train.seat import Member, Seat

Batch = dict[str, Tensor]


class Feed:
    """The batches and the noise of members that are alike.

    Attributes:
        targets: (N,) or (N, T), as they are stored: for class weights.
    """

    def __init__(self, member: Member, train: Encoded, classes: int) -> None:
        self.rows, self.targets, self.classes = member.recipe.batch_size, train.targets, classes
        self.device = next(member.network.parameters()).device
        self.precision = member.plan.precision
        self.tables = self._tables(collate(train, np.arange(len(train)), member.streams))
        masks = {name: table for name, table in self.tables.items() if name.endswith(".mask")}
        self.lengths = {name: table.sum(1).cpu().numpy() for name, table in masks.items()}
        self._tried = copy.deepcopy(member.network).train()  # its statistics change, and are nobody's
        self._sites: dict[Any, list[Site]] = {}

    def _tables(self, whole: "dict[str, np.ndarray]") -> Batch:
        """Every example, and one that is all padding: the empty places of a small batch point there."""
        tables = tensors(whole, self.device)
        fill = {"targets": IGNORED}
        return {n: torch.cat([v, v.new_full((1, *v.shape[1:]), fill.get(n, 0))]) for n, v in tables.items()}

    def next(self, seats: "Sequence[Seat]") -> "tuple[Batch, list[Tensor] | None]":
        """The next step of every seat: a batch (K, B, ...), and of every dropout its masks (K, ...), None for none."""
        chosen = [seat.next() for seat in seats]
        index = np.full((len(seats), self.rows), -1)
        for row, mine in zip(index, chosen, strict=True):
            row[: len(mine)] = mine
        batch = self._gathered(index)
        return batch, self._noise(seats, chosen, batch)

    def _gathered(self, index: np.ndarray) -> Batch:
        places = torch.from_numpy(index).to(self.device)
        steps = self._steps(index.reshape(-1))
        return {n: table[:, : steps[n]][places] if n in steps else table[places] for n, table in self.tables.items()}

    def _steps(self, index: np.ndarray) -> dict[str, int]:
        """Of every sequence in a batch of these examples, how many steps it is padded to."""
        longest = {name: max(1, int(long[index].max())) for name, long in self.lengths.items()}
        steps = longest | {name.removesuffix(".mask"): long for name, long in longest.items()}
        if self.tables["targets"].dim() == 2:
            steps["targets"] = max(longest.values())
        return steps

    def _noise(self, seats: "Sequence[Seat]", chosen: "list[np.ndarray]", batch: Batch) -> "list[Tensor] | None":
        """Corrupt each member's part of `batch`, and draw its masks, as `train.fit` would."""
        alike: dict[Any, list[int]] = {}
        for k, seat in enumerate(seats):
            shares = tuple(dropout.p for dropout in dropouts(seat.member.network))
            key = seat.member.plan.seed, seat.facts["step"], seat.member.recipe.input_dropout, shares
            alike.setdefault(key, []).append(k)
        drops = any(any(shares) for *_, shares in alike)
        found = self._room(batch, len(seats)) if drops else None
        for (seed, step, share, shares), members in alike.items():
            index = chosen[members[0]]
            steps = self._steps(index)
            own = {
                name: (value[:, :, : steps[name]] if name in steps else value)[members[0], : len(index)].contiguous()
                for name, value in batch.items()
            }
            acting = self._acting(own) if found else []  # before the draws, for it draws itself
            reseed(seed, step, self.device)
            clean = dict(own)
            corrupt(own, share)
            for name in own:
                if own[name] is not clean[name]:
                    _into(batch[name], members, own[name])
            for mask, site in zip(found or [], acting, strict=True):
                _into(mask, members, site.draw(shares, self.device))
        return found

    def _room(self, batch: Batch, count: int) -> list[Tensor]:
        """For every dropout ones as large as the largest member's mask."""
        acting = self._acting({name: value[0] for name, value in batch.items()})
        return [torch.ones(count, *site.size, dtype=site.dtype, device=self.device) for site in acting]

    def _acting(self, batch: Batch) -> list[Site]:
        key = tuple(value.shape for value in batch.values())
        if key not in self._sites:
            with autocast(self.device, self.precision):
                self._sites[key] = sites(self._tried, batch)
        return self._sites[key]


def _into(stack: Tensor, members: "list[int]", one: Tensor) -> None:
    """Put `one` into the first corner of `stack` (K, ...), for each of `members`."""
    corner = tuple(slice(n) for n in one.shape)
    if len(members) == len(stack):  # one operation in place of K
        stack[(slice(None), *corner)] = one
        return
    for k in members:
        stack[k][corner] = one

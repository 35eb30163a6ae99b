"""One step of a cohort: K batches gathered, one pass forward and back, K updates."""

from collections.abc import Sequence

import numpy as np
import torch

from seqwright.data.examples import Encoded
from seqwright.train.dense_stack import DenseStack
from seqwright.train.loss import IGNORED, class_weights, stacked_cross_entropy
from seqwright.train.seat import Seat
from seqwright.train.stacked_noise import Masks


class Program:
    """The members in `seats`, of one structure and batch size, as one batched network.

    Args:
        train: what they learn from; each seat's own inputs are among its streams.
    """

    def __init__(self, seats: Sequence[Seat], train: Encoded, classes: int) -> None:
        self.seats, self.steps = list(seats), 0
        recipes = [seat.member.recipe for seat in seats]
        device, rows = seats[0].device, recipes[0].batch_size
        self.stack = DenseStack([seat.member.head for seat in seats])
        average, first, second = self.stack.empty(), self.stack.empty(), self.stack.empty()
        for k, seat in enumerate(seats):
            seat.enter(self.stack, average, first, second, k)
        self.masks = Masks(self.stack.sites, rows, device)
        self.tables = [torch.from_numpy(train.streams[seat.member.inputs]).to(device) for seat in seats]
        self.x = torch.zeros(len(seats), rows, self.tables[0].shape[1], device=device)
        # One more at the end, where the empty places of a small batch point: no target, no weight.
        self.targets = torch.from_numpy(np.append(train.targets, IGNORED).astype(np.int64)).to(device)
        self.sample_weights = (
            None
            if train.weights is None
            else torch.from_numpy(np.append(train.weights, 0.0).astype(np.float32)).to(device)
        )
        smoothing = [recipe.label_smoothing for recipe in recipes]
        self.smoothing = torch.tensor(smoothing, device=device) if any(smoothing) else None
        balances = [class_weights(train.targets, classes, recipe.class_balance) for recipe in recipes]
        even = torch.ones(classes)
        self.balance = (
            torch.stack([even if balance is None else balance for balance in balances]).to(device)
            if any(balance is not None for balance in balances)
            else None
        )

    def answers(self, seats: Sequence[Seat], data: Encoded) -> list[np.ndarray]:
        """What `seats` answer with the weights that a look judges."""
        return [seat.probabilities(data, seat.current) for seat in seats]

    def step(self) -> None:
        """Every seat's next step; its `facts` and `loss` say which, and how it went."""
        self.steps += 1
        index = np.full(self.x.shape[:2], -1)
        at: list[tuple[int, int]] = []
        rows: list[int] = []
        for k, (seat, table) in enumerate(zip(self.seats, self.tables, strict=True)):
            chosen = seat.next()
            at.append((seat.member.plan.seed, seat.facts["step"]))
            rows.append(len(chosen))
            index[k, : len(chosen)] = chosen
            torch.index_select(table, 0, torch.from_numpy(chosen).to(table.device), out=self.x[k, : len(chosen)])
        places = torch.from_numpy(index).to(self.targets.device)
        weights = None if self.sample_weights is None else self.sample_weights[places]
        logits = self.stack.logits(self.x, self.masks.draw(at, rows))
        losses = stacked_cross_entropy(logits, self.targets[places], weights, self.smoothing, self.balance)
        # The sum's gradients are each member's own: nothing of one enters the loss of another.
        gradients = torch.autograd.grad(losses.sum(), self.stack.weights)
        with torch.no_grad():
            norms = torch.stack([torch.linalg.vector_norm(g.flatten(1), dim=1) for g in gradients])
            shrink = (torch.linalg.vector_norm(norms, dim=0) + 1e-6).clamp(min=1.0).unbind()
            own = zip(*[g.contiguous().unbind() for g in gradients], strict=True)
            for seat, those, factor in zip(self.seats, own, shrink, strict=True):
                seat.update(those, factor)
        for seat, loss in zip(self.seats, losses.tolist(), strict=True):
            seat.loss = loss

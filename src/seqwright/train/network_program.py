"""One step of a cohort of whole networks: one architecture, K sets of weights, one pass forward and back (torch.func).

Small networks leave a GPU idle between one small operation and the next; K at once take hardly longer than one. On a
CPU, which is at its arithmetic limit already, nothing is gained.
"""

import contextlib
import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from seqwright.data.batch import collate, lengths
from seqwright.data.examples import Encoded
from seqwright.nn.network import SequenceNetwork
from seqwright.nn.vmappable import vmappable
from seqwright.train.average import horizon_rate
from seqwright.train.device import autocast
from seqwright.train.feed import Batch, Feed
from seqwright.train.given_noise import Given, GivenDropout
from seqwright.train.loss import class_weights, stacked_cross_entropy
from seqwright.train.optimizer import rate
from seqwright.train.predict import STEPS_A_BATCH, evaluation_batches, listed, put, tensors
from seqwright.train.rows import Rows, adamw
from seqwright.train.seat import Seat

STEPS_TOGETHER = 16 * STEPS_A_BATCH  # of all members' validation examples at a time


def batchable(network: nn.Module) -> bool:
    """Whether all of a network's modules run under `torch.vmap`, and all of it learns, in float32."""
    if not isinstance(network, SequenceNetwork):
        return False
    try:
        for module in network.modules():
            vmappable(module)
    except ValueError:
        return False
    plain = all(tensor.dtype == torch.float32 for tensor in (*network.parameters(), *network.buffers()))
    return plain and all(parameter.requires_grad for parameter in network.parameters())


class NetworkProgram:
    """The members in `seats`, all of one architecture, as one batched network."""

    def __init__(self, seats: Sequence[Seat], feed: Feed) -> None:
        self.seats, self.feed, self.steps = list(seats), feed, 0
        self.given = Given()
        self.network = _template(seats[0].member.network, self.given)
        self.rows = Rows([seat.own for seat in seats])
        self.average, self.first, self.second, self.gradients = (torch.zeros_like(self.rows.matrix) for _ in range(4))
        average, first, second = (self.rows.split(matrix) for matrix in (self.average, self.first, self.second))
        for k, seat in enumerate(seats):
            seat.enter(self.rows, average, first, second, k)
        self.taken = torch.stack([seat.taken for seat in seats]).unsqueeze(1)
        for seat, taken in zip(seats, self.taken, strict=True):
            seat.taken = taken[0]
        device, recipes = feed.device, [seat.member.recipe for seat in seats]
        weight_decay = torch.tensor([recipe.weight_decay for recipe in recipes], device=device)
        self.decays = weight_decay.unsqueeze(1) * self.rows.decays
        smoothing = [recipe.label_smoothing for recipe in recipes]
        self.smoothing = torch.tensor(smoothing, device=device) if any(smoothing) else None
        self.balance = _balance([class_weights(feed.targets, feed.classes, r.class_balance) for r in recipes], feed)
        group = seats[0].learner.optimizer.param_groups[0]
        self.betas, self.epsilon = group["betas"], group["eps"]

    def step(self) -> None:
        """Every seat's next step; its `facts` and `loss` say which, and how it went."""
        self.steps += 1
        batch, masks = self.feed.next(self.seats)
        self.network.train()
        trained = [weight for weight in self.rows.weights if weight.requires_grad]
        losses = self._losses(self._logits(self.rows.weights, batch, masks), batch)
        # The sum's gradients are each member's own: nothing of one enters the loss of another.
        found = torch.autograd.grad(losses.sum(), trained)
        gradients = self.gradients[:, : self.rows.trained]
        torch._foreach_copy_(self.rows.split(self.gradients)[: len(trained)], found)  # pyright: ignore
        gradients.div_((torch.linalg.vector_norm(gradients, dim=1, keepdim=True) + 1e-6).clamp_(min=1.0))
        self.taken += 1
        matrices = (self.rows.matrix, self.first, self.second)
        weights, first, second = (matrix[:, : self.rows.trained] for matrix in matrices)
        rates = [
            seat.member.recipe.learning_rate * rate(seat.facts["step"], seat.member.recipe.warmup_steps, seat.length)
            for seat in self.seats
        ]
        rates = self._column(rates)
        adamw(weights, gradients, first, second, self.taken, rates, self.decays, self.betas, self.epsilon)
        self._averaged()
        for seat, loss in zip(self.seats, losses.tolist(), strict=True):
            seat.loss = loss

    @torch.no_grad()
    def answers(self, seats: Sequence[Seat], data: Encoded) -> list[Any]:
        """What `seats` answer with the weights that a look judges."""
        weights = [torch.stack(tensors) for tensors in zip(*(seat.current for seat in seats), strict=True)]
        self.network.eval()
        streams = seats[0].member.streams
        long = lengths(data, streams)
        found: list[list[Any]] = [[None] * len(data) for _ in seats]
        for index in evaluation_batches(long, max(1024, STEPS_TOGETHER // len(seats))):
            batch = tensors(collate(data, index, streams), self.feed.device)
            logits = self._logits(weights, batch, None, together=True)
            for mine, answers in zip(found, logits.float().softmax(-1).cpu().numpy(), strict=True):
                put(mine, answers, index, long)
        return [listed(mine) for mine in found]

    def _logits(
        self, weights: Sequence[Tensor], batch: Batch, masks: "list[Tensor] | None", together: bool = False
    ) -> Tensor:
        """(K, B, C) or (K, B, T, C); `together` where all read one batch."""
        names = self.seats[0].names

        def one(weights: "dict[str, Tensor]", batch: Batch, masks: "list[Tensor] | None") -> Tensor:
            self.given.begin(masks)
            return functional_call(self.network, weights, (batch,))

        with autocast(self.feed.device, self.feed.precision), _attention(self.feed.device):
            run = torch.vmap(one, (0, None if together else 0, None if masks is None else 0))
            return run(dict(zip(names, weights, strict=True)), batch, masks)

    def _losses(self, logits: Tensor, batch: Batch) -> Tensor:
        targets, weights = batch["targets"], batch.get("weights")
        if logits.dim() == 4:
            weights = None if weights is None else weights.unsqueeze(2).expand(targets.shape).flatten(1)
            logits, targets = logits.flatten(1, 2), targets.flatten(1)
        return stacked_cross_entropy(logits, targets, weights, self.smoothing, self.balance)

    @torch.no_grad()
    def _averaged(self) -> None:
        """Bring the averages up to date of those whose turn it is, as `Average` does."""
        rates = [horizon_rate(seat.facts["step"]) for seat in self.seats]
        if any(rates):
            self.average.lerp_(self.rows.matrix, self._column(rates))

    def _column(self, values: Sequence[float]) -> Tensor:
        """(K, 1)."""
        return torch.tensor(values, device=self.feed.device).unsqueeze(1)


def _attention(device: torch.device) -> Any:
    """On a CPU attention is spelt out: vmap does not know torch's fused one there."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else contextlib.nullcontext()


def _template(network: nn.Module, given: Given) -> nn.Module:
    """The network with given noise in place of its dropouts, and whatever vmap does not know replaced."""
    network = copy.deepcopy(network)
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Dropout):
                setattr(parent, name, GivenDropout(given))
            elif (other := vmappable(child)) is not None:
                setattr(parent, name, other)
    return network


def _balance(balances: "list[Tensor | None]", feed: Feed) -> "Tensor | None":
    if all(balance is None for balance in balances):
        return None
    even = torch.ones(feed.classes)
    return torch.stack([even if balance is None else balance for balance in balances]).to(feed.device)

"""One member's place in a cohort: its own optimiser state, averages, best weights, looks and end, as in `train.fit`."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from seqwright.arch.candidate import Recipe
from seqwright.data.examples import Encoded
from seqwright.study.record import CUT_SHORT
from seqwright.train import checkpoint
from seqwright.train.average import Average
from seqwright.train.dense_stack import DenseStack
from seqwright.train.fit import Plan, Run, batches, collapsed
from seqwright.train.optimizer import optimizer_of, rate

ROWS = 512  # examples that are judged at a time


@dataclass(frozen=True)
class Member:
    """One of those who train together.

    Args:
        network: freshly built with `plan.seed`; its `head` maps (B, F) to (B, C) and is all of it that trains.
        inputs: the stream of (N, F) features that the head reads.
        streams: those it would read if trained alone: batches are made by their lengths.
        state: where to keep the training state, in the format of `train.fit`, and whence to continue.
    """

    network: nn.Module
    recipe: Recipe
    plan: Plan
    inputs: str
    streams: "tuple[str, ...]"
    state: "Path | None" = None

    @property
    def head(self) -> nn.Module:
        return self.network.get_submodule("head")


class Seat:
    """A member in training. Between `enter` and `leave` its tensors are slices of the stacks."""

    def __init__(self, number: int, member: Member, train: Encoded) -> None:
        self.number, self.member = number, member
        network = member.network.train()
        self.device = next(member.head.parameters()).device
        self.weights = dict(network.state_dict())
        self.average = {name: value.detach().clone() for name, value in self.weights.items()}
        self.best = {name: value.clone() for name, value in self.average.items()}
        self.optimizer = optimizer_of(network, member.recipe)
        self.facts: dict[str, Any] = {
            "step": 0,
            "score": -math.inf,
            "best_step": 0,
            "curve": [],
            "stale": 0,
            "stopped": False,
            "seconds": 0.0,
        }
        if member.state and (kept := checkpoint.read(member.state, self.device)):
            checkpoint.restore(kept[0], network, self.optimizer, self.average, self.best)
            self.facts = kept[1]
        self.saved, self.loss = time.monotonic(), 0.0
        self.notes: list[str] = []
        names = {id(parameter): name for name, parameter in network.named_parameters()}
        self.own = list(member.head.parameters())
        self.names = [names[id(parameter)] for parameter in self.own]
        self.batches: Iterator[tuple[int, np.ndarray]] = batches(
            train, member.recipe.batch_size, member.plan, self.facts["step"], member.streams
        )
        self.length = member.plan.steps if member.plan.schedule == "cosine" else None

    # The stacks -------------------------------------------------------------------------------

    def enter(
        self, stack: DenseStack, average: "list[Tensor]", first: "list[Tensor]", second: "list[Tensor]", k: int
    ) -> None:
        """Put this member's tensors into slice `k` of the stacks, and work on them there from now on."""
        states = [self.optimizer.state.get(parameter, {}) for parameter in self.own]
        self.slices = [stack.views(those, k) for those in (stack.weights, average, first, second)]
        for name, state, there, moment, variance in zip(self.names, states, *self.slices[1:], strict=True):
            there.copy_(self.average[name])
            if state:
                moment.copy_(state["exp_avg"])
                variance.copy_(state["exp_avg_sq"])
        places = {id(parameter): i for i, parameter in enumerate(self.own)}
        steps = [torch.tensor(float(state["step"]) if state else 0.0, device=self.device) for state in states]
        whole = [[tensor.detach()[k] for tensor in stacks] for stacks in (stack.weights, first, second)]
        self.steps = steps
        self.groups: list[tuple[dict[str, Any], list[int], list[list[Tensor]]]] = []
        for group in self.optimizer.param_groups:
            index = [places[id(parameter)] for parameter in group["params"]]
            self.groups.append((group, index, [[those[i] for i in index] for those in (*whole, steps)]))
        self.averaging = Average({})
        self.averaging.values = dict(zip(self.names, (tensor.detach()[k] for tensor in stack.weights), strict=True))
        self.averaging.average = dict(zip(self.names, (tensor[k] for tensor in average), strict=True))

    def leave(self) -> None:
        """Take this member's tensors out of the stacks again."""
        weights, average, first, second = self.slices
        with torch.no_grad():
            for i, (name, parameter) in enumerate(zip(self.names, self.own, strict=True)):
                parameter.copy_(weights[i])
                self.average[name].copy_(average[i])
                self.optimizer.state[parameter] = {
                    "step": self.steps[i],
                    "exp_avg": first[i].clone(),
                    "exp_avg_sq": second[i].clone(),
                }

    # One step ---------------------------------------------------------------------------------

    def update(self, gradients: "Sequence[Tensor]", shrink: Tensor) -> None:
        """One step of AdamW, the gradients divided by `shrink`; then the average."""
        step, recipe = self.facts["step"], self.member.recipe
        share = rate(step, recipe.warmup_steps, self.length)
        for group, index, (weights, first, second, steps) in self.groups:
            torch._foreach_add_(steps, 1)  # pyright: ignore[reportPrivateImportUsage]
            torch._fused_adamw_(  # pyright: ignore[reportPrivateImportUsage]
                weights,
                [gradients[i] for i in index],
                first,
                second,
                [],
                steps,
                lr=group["base"] * share,
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
                grad_scale=shrink,
                found_inf=None,
            )
        self.averaging.update(step)

    def judged(self, found: float) -> None:
        """A look's score: the better weights are kept, the stale are counted."""
        facts, plan = self.facts, self.member.plan
        facts["curve"].append([facts["step"] * self.member.recipe.batch_size, self.loss, found])
        if found > facts["score"]:
            facts |= {"score": found, "best_step": facts["step"], "stale": 0}
            for name, value in zip(self.names, self.current, strict=True):
                self.best[name].copy_(value)
        else:
            facts["stale"] += 1
            facts["stopped"] = plan.patience is not None and facts["stale"] >= plan.patience

    @property
    def current(self) -> "list[Tensor]":
        """The weights that a look judges: averaged in search, as they are in a cosine run."""
        return self.slices[1 if self.member.plan.schedule == "constant" else 0]

    # Looks and the end --------------------------------------------------------------------------

    def late(self) -> bool:
        return self.member.plan.stop_at is not None and time.monotonic() > self.member.plan.stop_at

    def looks(self, late: bool) -> bool:
        step, plan = self.facts["step"], self.member.plan
        return step % plan.looks == 0 or step == plan.steps or late

    def over(self, late: bool = False) -> bool:
        if late:
            self.notes.append(CUT_SHORT)
        return late or self.facts["stopped"] or self.facts["step"] >= self.member.plan.steps

    def save_in_time(self) -> None:
        """Write the training state, where the last one is old."""
        if self.member.state and time.monotonic() - self.saved > self.member.plan.save_every_s:
            self.leave()
            self._write()

    @torch.no_grad()
    def probabilities(self, data: Encoded, weights: "Sequence[Tensor] | None" = None) -> np.ndarray:
        """(N, C) with `weights` in place of those that a look judges."""
        head = self.member.head.eval()
        given = dict(zip(self.names, self.current if weights is None else weights, strict=True))
        own = {name: given[whole] for (name, _), whole in zip(head.named_parameters(), self.names, strict=True)}
        table = torch.from_numpy(data.streams[self.member.inputs]).to(self.device)
        parts = [functional_call(head, own, (rows,)).float().softmax(-1) for rows in table.split(ROWS)]
        return torch.cat(parts).cpu().numpy()

    def finished(self, valid: "Encoded | None") -> Run:
        """The member's run: its network with the best weights seen."""
        member, facts = self.member, self.facts
        if hasattr(self, "slices"):
            self.leave()
        if valid is None:
            for name, value in self.weights.items():
                self.best[name].copy_(value)
        if member.state:
            self._write()
        notes = list(self.notes)
        if facts["stopped"]:
            notes.append(f"stopped early: no better score in {member.plan.patience} looks")
        member.network.load_state_dict(self.best)
        member.network.eval()
        predicted = None if valid is None else self.probabilities(valid, [self.best[name] for name in self.names])
        return Run(
            network=member.network,
            score=facts["score"],
            probabilities=predicted,
            steps=facts["step"],
            best_step=facts["best_step"] or facts["step"],
            trained=facts["step"] * member.recipe.batch_size,
            seconds=facts["seconds"],
            curve=[tuple(point) for point in facts["curve"]],
            notes=notes + collapsed(predicted, valid),
        )

    def _write(self) -> None:
        assert self.member.state is not None
        tensors = checkpoint.gathered(self.weights, self.optimizer, self.average, self.best)
        checkpoint.write(self.member.state, tensors, self.facts)
        self.saved = time.monotonic()

"""One member's place in a cohort: its own optimiser state, averages, best weights, looks and end, as in `train.fit`."""

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
from seqwright.train.average import Average
from seqwright.train.dense_stack import DenseStack, weights_of
from seqwright.train.fit import Plan, Run, batches, collapsed
from seqwright.train.learner import Learner
from seqwright.train.optimizer import rate
from seqwright.train.predict import probabilities
from seqwright.train.rows import Rows

ROWS = 512  # examples that are judged at a time


@dataclass(frozen=True)
class Member:
    """One of those who train together.

    Args:
        network: freshly built with `plan.seed`. Where there are `inputs`, its `head` maps (B, F) to (B, C) and is all
            of it that trains.
        inputs: the stream of (N, F) features that the head reads; "" where the whole network reads and trains.
        streams: those it would read if trained alone: batches are made by their lengths.
        state: where to keep the training state, in the format of `train.fit`, and whence to continue.
        architecture: what a whole network was built from; those of equal ones are one program.
        about: JSON to keep in the state, as for `train.fit`.
    """

    network: nn.Module
    recipe: Recipe
    plan: Plan
    inputs: str
    streams: "tuple[str, ...]"
    state: "Path | None" = None
    architecture: Any = None
    about: "dict[str, Any] | None" = None

    @property
    def head(self) -> nn.Module:
        return self.network.get_submodule("head")

    @property
    def tensors(self) -> "list[Tensor]":
        """What of it learns: parameters, then what else changes as they do (running statistics)."""
        if self.inputs:
            return weights_of(self.head)
        return [*self.network.parameters(), *self.network.buffers()]


class Seat:
    """A member in training. Between `enter` and `leave` its tensors are slices of the stacks."""

    def __init__(self, number: int, member: Member, train: Encoded) -> None:
        self.number, self.member = number, member
        network = member.network.train()
        self.own = member.tensors
        self.device = self.own[0].device
        self.learner = Learner(network, member.recipe)
        self.learner.facts |= member.about or {}
        if member.state:
            self.learner.load(member.state)
        self.waits = self.learner.waits
        self.saved, self.loss = time.monotonic(), 0.0
        self.notes: list[str] = []
        self.predicted: Any = None  # of the best look, if it was in this process
        names = {id(t): name for name, t in (*network.named_parameters(), *network.named_buffers())}
        self.names = [names[id(tensor)] for tensor in self.own]
        self.batches: Iterator[tuple[int, np.ndarray]] = batches(
            train, member.recipe.batch_size, member.plan, self.facts["step"], member.streams
        )
        self.length = member.plan.steps if member.plan.schedule == "cosine" else None

    @property
    def facts(self) -> "dict[str, Any]":
        return self.learner.facts

    # The stacks -------------------------------------------------------------------------------

    def enter(
        self, stack: "DenseStack | Rows", average: "list[Tensor]", first: "list[Tensor]", second: "list[Tensor]", k: int
    ) -> None:
        """Put this member's tensors into slice `k` of the stacks, and work on them there from now on."""
        states = [self.learner.optimizer.state.get(parameter, {}) for parameter in self.own]
        self.slices = [stack.views(those, k) for those in (stack.weights, average, first, second)]
        for name, state, there, moment, variance in zip(self.names, states, *self.slices[1:], strict=True):
            there.copy_(self.learner.average.average[name])
            if state:
                moment.copy_(state["exp_avg"])
                variance.copy_(state["exp_avg_sq"])
        places = {id(parameter): i for i, parameter in enumerate(self.own)}
        self.taken = torch.tensor(max((float(state["step"]) for state in states if state), default=0.0)).to(self.device)
        whole = [[tensor.detach()[k] for tensor in stacks] for stacks in (stack.weights, first, second)]
        self.groups: list[tuple[dict[str, Any], list[int], list[list[Tensor]]]] = []
        for group in self.learner.optimizer.param_groups:
            index = [places[id(parameter)] for parameter in group["params"]]
            self.groups.append((group, index, [[those[i] for i in index] for those in whole]))
        self.averaging = Average({})
        self.averaging.values = dict(zip(self.names, (tensor.detach()[k] for tensor in stack.weights), strict=True))
        self.averaging.average = dict(zip(self.names, (tensor[k] for tensor in average), strict=True))

    def leave(self) -> None:
        """Take this member's tensors out of the stacks again."""
        weights, average, first, second = self.slices
        with torch.no_grad():
            for i, (name, parameter) in enumerate(zip(self.names, self.own, strict=True)):
                parameter.copy_(weights[i])
                self.learner.average.average[name].copy_(average[i])
                if parameter.requires_grad:
                    self.learner.optimizer.state[parameter] = {
                        "step": self.taken.clone(),
                        "exp_avg": first[i].clone(),
                        "exp_avg_sq": second[i].clone(),
                    }

    # One step ---------------------------------------------------------------------------------

    def next(self) -> np.ndarray:
        """The examples of the next step."""
        step, index = next(self.batches)
        if self.waits and step > self.member.plan.thaw_at:  # a frozen encoder has nothing to thaw, but it is noted
            self.learner.thaw(step)
            self.waits = False
        self.facts["step"] = step
        return index

    def update(self, gradients: "Sequence[Tensor]", shrink: Tensor) -> None:
        """One step of AdamW, the gradients divided by `shrink`; then the average."""
        step, recipe = self.facts["step"], self.member.recipe
        self.taken += 1
        for group, index, (weights, first, second) in self.groups:
            share = rate(step, recipe.warmup_steps, self.length, group["since"])
            torch._fused_adamw_(  # pyright: ignore[reportPrivateImportUsage]
                weights,
                [gradients[i] for i in index],
                first,
                second,
                [],
                [self.taken] * len(index),
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

    def judged(self, found: float, answers: Any) -> None:
        """A look's score and what it is of: the better weights and answers are kept, the stale are counted."""
        facts, plan = self.facts, self.member.plan
        facts["curve"].append([facts["step"] * self.member.recipe.batch_size, self.loss, found])
        if found > facts["score"]:
            facts |= {"score": found, "best_step": facts["step"], "stale": 0}
            self.learner.keep(dict(zip(self.names, self.current, strict=True)))
            self.predicted = answers
        else:
            facts["stale"] += 1
            facts["stopped"] = plan.patience is not None and facts["stale"] >= plan.patience and not self.waits

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
            self.learner.save(self.member.state)
            self.saved = time.monotonic()

    @torch.no_grad()
    def probabilities(self, data: Encoded, weights: "Sequence[Tensor] | None" = None) -> Any:
        """What the head, or the whole network, answers; a head also with other `weights` than its own."""
        if not self.member.inputs:
            return probabilities(self.member.network, data, self.member.streams, self.member.plan.precision)
        head = self.member.head.eval()
        names = {id(parameter): name for name, parameter in head.named_parameters()}
        given = self.own if weights is None else weights
        own = {names[id(parameter)]: value for parameter, value in zip(self.own, given, strict=True)}
        table = torch.from_numpy(data.streams[self.member.inputs]).to(self.device)
        parts = [functional_call(head, own, (rows,)).float().softmax(-1) for rows in table.split(ROWS)]
        return torch.cat(parts).cpu().numpy()

    def finished(self, valid: "Encoded | None") -> Run:
        """The member's run: its network with the best weights seen."""
        member, facts = self.member, self.facts
        if hasattr(self, "slices"):
            self.leave()
        if valid is None:
            self.learner.keep(self.learner.weights)
        if member.state:
            self.learner.save(member.state)
        notes = list(self.notes)
        if facts["stopped"]:
            notes.append(f"stopped early: no better score in {member.plan.patience} looks")
        network, predicted = self.learner.settle(), self.predicted
        if valid is not None and predicted is None:
            predicted = self.probabilities(valid)
        notes += collapsed(predicted, valid) + ([facts["began"]] if facts.get("began") else [])
        return Run(
            network=network,
            score=facts["score"],
            probabilities=predicted,
            steps=facts["step"],
            best_step=facts["best_step"] or facts["step"],
            trained=facts["step"] * member.recipe.batch_size,
            seconds=facts["seconds"],
            curve=[tuple(point) for point in facts["curve"]],
            notes=notes,
            inherited=facts.get("inherited", 0),
        )

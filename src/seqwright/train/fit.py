"""The training loop, to be read from top to bottom.

AdamW with warm-up; then a constant rate, judged by an average of the weights (search), or a cosine (refits of
known length). Every random draw is a function of (seed, step), never of what came before, so a run continued
from its checkpoint ends with the same weights, to the bit on a CPU, as one that was never interrupted.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seqwright.arch.candidate import Recipe
from seqwright.data.batch import collate, epoch
from seqwright.data.examples import Encoded
from seqwright.nn.trained import restore, trained
from seqwright.study.record import CUT_SHORT
from seqwright.train.device import autocast
from seqwright.train.learner import Learner
from seqwright.train.loss import class_weights, cross_entropy
from seqwright.train.noise import corrupt, reseed
from seqwright.train.predict import probabilities, tensors

PATIENCE = 6  # looks without a better score before a run stops


class Diverged(Exception):
    """The loss is no longer a number."""


def diverged(loss: float, step: int, recipe: Recipe) -> Diverged:
    """The error that says where it happened."""
    return Diverged(f"the loss became {loss} at step {step} (learning rate {recipe.learning_rate:g})")


@dataclass(frozen=True)
class Plan:
    """How one network is trained.

    Args:
        steps: optimiser steps, counted from the very start.
        schedule: "constant" (search: can be continued) or "cosine" (refit: `steps` is the whole length).
        looks: validate every so many steps; a continued run must keep it.
        stop_at: time.monotonic() after which to stop at once, keeping what there is; None for never.
        patience: looks without a better score before stopping; None for never.
        save_every_s: how much training a kill may cost, where there is a state to write.
        thaw_at: the step after which a pretrained encoder's own layers train with the head.
    """

    steps: int
    schedule: str = "constant"
    looks: int = 100
    seed: int = 0
    precision: str = "float32"
    stop_at: float | None = None
    patience: int | None = PATIENCE
    save_every_s: float = 20.0
    thaw_at: int = 0


@dataclass
class Run:
    """What training came to.

    Args:
        network: with the best weights seen (averaged ones, in search).
        trained, seconds: examples seen and time spent since the very start, by this call and those it continues.
        inherited: examples that its parent had seen, where it began with a parent's weights.
    """

    network: nn.Module
    score: float
    probabilities: Any
    steps: int
    best_step: int
    trained: int
    seconds: float
    curve: list[tuple[float, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    inherited: int = 0


def steps_of(examples: int, batch_size: int, looks: int) -> int:
    """The steps that see at least `examples` examples, rounded up to a whole number of looks."""
    return max(1, math.ceil(examples / (batch_size * looks))) * looks


def looks_of(train_size: int, batch_size: int) -> int:
    """Steps between validations: half an epoch, and 25 to 200 steps. It depends on nothing else, so it survives."""
    return min(200, max(25, math.ceil(train_size / (2 * batch_size))))


def fit(
    network: nn.Module,
    recipe: Recipe,
    train: Encoded,
    valid: "Encoded | None",
    score: "Callable[[Any, Any], float]",
    plan: Plan,
    streams: "tuple[str, ...]",
    classes: int,
    state: "Path | None" = None,
    about: "dict[str, Any] | None" = None,
) -> Run:
    """Train `network` on `train`, keep the weights that score best on `valid` (the last ones if there is none).

    Args:
        network: freshly built with `plan.seed`; overwritten by `state` if that file exists.
        score: (probabilities, targets) -> higher is better.
        streams: the input streams that the network reads.
        state: where to keep the training state, and whence to continue.
        about: JSON to keep in the state; "inherited" examples and how it "began" are told of the run.

    Raises:
        Diverged: the loss became infinite or not a number.
    """
    began = time.monotonic()
    device = next(network.parameters()).device
    balance = class_weights(train.targets, classes, recipe.class_balance)
    balance = None if balance is None else balance.to(device)
    learner = Learner(network, recipe)
    learner.facts |= about or {}
    if state:
        learner.load(state)
    facts, weights, average = learner.facts, learner.weights, learner.average
    facts["stopped"] = facts["stopped"] and not learner.waits  # a head may have had enough, its encoder not yet
    before = facts["seconds"]
    length = plan.steps if plan.schedule == "cosine" else None
    notes: list[str] = []
    predicted: Any = None  # of the best look, if it was in this process
    saved, seen_loss = time.monotonic(), 0.0
    network.train()

    for step, index in batches(train, recipe.batch_size, plan, facts["step"], streams):
        if facts["stopped"]:
            break
        if step > plan.thaw_at and learner.waits:
            learner.thaw(step)
            network.train()
        batch = tensors(collate(train, index, streams), device)
        reseed(plan.seed, step, device)
        corrupt(batch, recipe.input_dropout)
        learner.set_rate(step, length)
        with autocast(device, plan.precision):
            logits = network(batch)
        loss = cross_entropy(logits, batch["targets"], batch.get("weights"), recipe.label_smoothing, balance)
        learner.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        learner.optimizer.step()
        average.update(step)
        seen_loss = float(loss.detach())
        if not math.isfinite(seen_loss):
            raise diverged(seen_loss, step, recipe)
        facts |= {"step": step, "seconds": before + time.monotonic() - began}

        out_of_time = plan.stop_at is not None and time.monotonic() > plan.stop_at
        if valid is not None and (step % plan.looks == 0 or step == plan.steps or out_of_time):
            current = average.average if plan.schedule == "constant" else weights
            answers = look(network, current, valid, streams, plan.precision)
            found = float(score(answers, valid.targets))
            facts["curve"].append([step * recipe.batch_size, seen_loss, found])
            if found > facts["score"]:
                facts |= {"score": found, "best_step": step, "stale": 0}
                learner.keep(current)
                predicted = answers
            else:
                facts["stale"] += 1
                # What is still to be thawed has not shown what it can do.
                facts["stopped"] = plan.patience is not None and facts["stale"] >= plan.patience and not learner.waits
        if out_of_time:
            notes.append(CUT_SHORT)
            break
        if state and time.monotonic() - saved > plan.save_every_s:
            learner.save(state)
            saved = time.monotonic()

    if valid is None:
        learner.keep(weights)
    if state:
        learner.save(state)
    if facts["stopped"]:
        notes.append(f"stopped early: no better score in {plan.patience} looks")
    learner.settle()
    if valid is not None and predicted is None:
        predicted = probabilities(network, valid, streams, plan.precision)
    notes += collapsed(predicted, valid)
    if facts.get("began"):
        notes.append(facts["began"])
    return Run(
        network=network,
        score=facts["score"],
        probabilities=predicted,
        steps=facts["step"],
        best_step=facts["best_step"] or facts["step"],
        trained=facts["step"] * recipe.batch_size,
        seconds=facts["seconds"],
        curve=[tuple(point) for point in facts["curve"]],
        notes=notes,
        inherited=facts.get("inherited", 0),
    )


def batches(train: Encoded, batch_size: int, plan: Plan, done: int, streams: Any) -> "Any":
    """(step, example indices) from step `done + 1` to `plan.steps`; epochs follow one another without end."""
    step, number = 0, 0
    while step < plan.steps:
        for index in epoch(train, batch_size, seed=plan.seed, epoch=number, streams=streams):
            step += 1
            if step > plan.steps:
                return
            if step > done:
                yield step, index
        number += 1


@torch.no_grad()
def look(network: nn.Module, weights: "dict[str, Tensor]", valid: Encoded, streams: Any, precision: str) -> Any:
    """Probabilities with `weights` in place of the network's own, which are put back after."""
    live = trained(network)
    own = {name: value.clone() for name, value in live.items()}
    restore(network, weights)
    try:
        return probabilities(network, valid, streams, precision)
    finally:
        restore(network, own)


def collapsed(predicted: Any, valid: "Encoded | None") -> list[str]:
    """A note when a classifier answers one class for everything though the data holds several."""
    if valid is None or isinstance(predicted, list) or len(valid) < 10:
        return []
    shares = np.bincount(predicted.argmax(-1), minlength=predicted.shape[-1]) / len(valid)
    true = np.bincount(valid.targets[valid.targets >= 0], minlength=predicted.shape[-1]) / len(valid)
    return ["collapsed to one class"] if shares.max() == 1.0 and true.max() < 0.98 else []

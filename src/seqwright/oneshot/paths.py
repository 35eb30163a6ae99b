"""Training by paths: every step draws networks of the space, which learn on their slices of the shared weights.

Guo et al. 2020 (SPOS, arXiv:1904.00420) draw one network a step, evenly. The sandwich rule of Yu & Huang 2019
(arXiv:1903.05134), which made widths and Cai et al. 2020 (once-for-all, arXiv:1908.09791) depths elastic, trains the
largest, the smallest and some between on each batch, the largest teaching the rest. Ours differs: kinds (LSTM or
convolution) have no order, so a sandwich is made of the kinds that were drawn; draws are weighed as the search's own
are; and the rate falls to nothing by the end that the clock allows.
"""

import math
import time
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqwright.arch.candidate import Recipe
from seqwright.arch.codec import to_data
from seqwright.arch.supernet import Paths, Supernet
from seqwright.data.batch import collate
from seqwright.nn.supernet import Supernet as Bank
from seqwright.oneshot.job import Trained, Work, train
from seqwright.oneshot.shared_learner import SharedLearner
from seqwright.search.fresh import generator
from seqwright.space.fill import fill
from seqwright.space.moves import draw
from seqwright.space.nodes import Answer, Choice, Path
from seqwright.space.prior import Prior, by_size
from seqwright.study.record import CUT_SHORT
from seqwright.train.device import autocast
from seqwright.train.fit import batches, diverged
from seqwright.train.loss import class_weights, cross_entropy, distillation
from seqwright.train.noise import corrupt, reseed
from seqwright.train.predict import probabilities, tensors

BETWEEN = 2  # networks of a sandwich between its largest and its smallest
LOOKED_AT = 4  # networks that a look scores, the same ones each time
LOOKS, LOOK_ROWS = 8, 1000  # in the whole training; validation examples that a look reads


def networks_a_step(training: Paths) -> int:
    return 2 + BETWEEN if training.rule == "sandwich" else 1


def prior_of(supernet: Supernet) -> Prior:
    """What paths are drawn by."""
    weights = supernet.training.weights
    return Prior({path: dict(given) for path, given in weights}) if weights else by_size(supernet.space)


def path(supernet: Supernet, prior: Prior, rng: Random) -> Any:
    """An architecture drawn as `prior` weighs the space's questions."""
    return fill(supernet.architectures, lambda path, question: draw(rng, path, question, prior), supernet.root)


def sandwich(supernet: Supernet, prior: Prior, rng: Random) -> list[Any]:
    """Architectures of like kinds, drawn as `prior` says: the largest, some between, and the smallest."""
    kinds: dict[Path, int] = {}

    def chance(path: Path, question: Choice) -> int:
        return draw(rng, path, question, prior)

    def sized(size: Answer) -> Answer:
        def answer(path: Path, question: Choice) -> int:
            if question.ordered:
                return size(path, question)
            if path not in kinds:
                kinds[path] = chance(path, question)
            return kinds[path]

        return answer

    sizes: list[Answer] = [lambda _, question: len(question.options) - 1, *[chance] * BETWEEN, lambda *_: 0]
    return [fill(supernet.architectures, sized(size), supernet.root) for size in sizes]


@train.register
def _(training: Paths, supernet: Supernet, recipe: Recipe, work: Work) -> Trained:
    plan, device = work.plan, work.device
    torch.manual_seed(plan.seed)
    bank = Bank(supernet.architectures, work.interface, recipe.dropout).to(device).train()
    learner = SharedLearner(bank, recipe, work.state, work.begin)
    facts, prior = learner.facts, prior_of(supernet)
    balance = class_weights(work.train.targets, work.interface.classes, recipe.class_balance)
    balance = None if balance is None else balance.to(device)
    length = max(1, math.ceil(work.examples / (recipe.batch_size * networks_a_step(training))))
    every = max(1, math.ceil(length / LOOKS))
    looked_at = [path(supernet, prior, generator(plan.seed, -1, i)) for i in range(LOOKED_AT)]
    notes: list[str] = [facts["began"]] if facts["began"] else []

    def look(rows: int) -> list[tuple[float, Any, Any]]:
        """(score, answers, architecture) of each, best first."""
        valid = work.valid.take(np.arange(min(rows, len(work.valid))))
        answers = [probabilities(bank.select(a), valid, a.streams, plan.precision) for a in looked_at]
        scores = [float(work.score(given, valid.targets, valid.weights)) for given in answers]
        return sorted(zip(scores, answers, looked_at, strict=True), key=lambda found: -found[0])

    whole, streams = replace(plan, steps=length), supernet.streams
    for step, index in batches(work.train, recipe.batch_size, whole, facts["step"], streams):
        rng = generator(plan.seed, step)
        together = training.rule == "sandwich"
        architectures = sandwich(supernet, prior, rng) if together else [path(supernet, prior, rng)]
        batch = tensors(collate(work.train, index, architectures[0].streams), device)
        reseed(plan.seed, step, device)
        corrupt(batch, recipe.input_dropout)
        learner.set_rate(step, length, plan.stop_at)
        learner.optimizer.zero_grad(set_to_none=True)
        seen = 0.0
        teacher: Tensor | None = None
        for architecture in architectures:
            with autocast(device, plan.precision):
                logits = bank.select(architecture)(batch)
            if teacher is None:
                loss = cross_entropy(logits, batch["targets"], batch.get("weights"), recipe.label_smoothing, balance)
                teacher, seen = logits.detach(), float(loss.detach())
            else:
                loss = distillation(logits, teacher, batch["targets"], batch.get("weights"), balance)
            loss.backward()
        learner.step(step)
        if not math.isfinite(seen):
            raise diverged(seen, step, recipe)
        late = plan.stop_at is not None and time.monotonic() > plan.stop_at
        if late or (step % every == 0 and step < length):
            facts["curve"].append([step * recipe.batch_size * len(architectures), seen, look(LOOK_ROWS)[0][0]])
        if late:
            notes.append(CUT_SHORT)
            break
        learner.save_in_time(plan.save_every_s)

    learner.finish()
    ranked = look(len(work.valid))
    return Trained(
        score=ranked[0][0],
        probabilities=ranked[0][1],
        examples=facts["step"] * recipe.batch_size * networks_a_step(training),
        seconds=facts["seconds"],
        curve=[tuple(point) for point in facts["curve"]],
        notes=notes,
        found={"derived": [to_data(architecture) for _, _, architecture in ranked]},
    )

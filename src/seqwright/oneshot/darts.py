"""Training a mixture: weights on one half of the training data, gates on the other, in turn (DARTS, arXiv:1806.09055).

What its mends change is said in `arch.darts.Darts`. Ours differs: AdamW trains the weights as it does elsewhere here,
trainings are far shorter, so gates take larger steps, and curvature is found by differences of gradients. What comes
out is a prior for further search and a few derived architectures; their scores here are no verdict.
"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqwright.arch.candidate import Recipe
from seqwright.arch.codec import to_data
from seqwright.arch.darts import Darts
from seqwright.arch.mixing import collapse, derived, mixture, prior_of
from seqwright.arch.supernet import Supernet
from seqwright.data.batch import collate
from seqwright.data.examples import Encoded
from seqwright.nn.gates import keep
from seqwright.nn.mixture import MixtureNetwork
from seqwright.oneshot import perturbation
from seqwright.oneshot.bilevel import eigenvalue, first_order, second_order
from seqwright.oneshot.inherit import recalibrate
from seqwright.oneshot.job import Trained, Work, train
from seqwright.oneshot.mixture_learner import MixtureLearner
from seqwright.search.fresh import generator
from seqwright.study.record import CUT_SHORT
from seqwright.train.device import autocast
from seqwright.train.fit import Plan, batches, diverged
from seqwright.train.loss import class_weights, cross_entropy
from seqwright.train.noise import corrupt, reseed
from seqwright.train.predict import probabilities, tensors

VIRTUAL = 0.025  # rate of the virtual step, Liu et al. 2019; Adam's own is no rate of plain gradient descent
REST = 0.3  # share of the steps before gates move, where channels are partial: 15 of 50 epochs (arXiv:1907.05737)
ZERO_ONE, SURE = 10.0, 0.85  # weight of the zero-one loss; a gate that is sure (1911.12126), which is only told
LOOKS, LOOK_ROWS = 20, 1000  # in the whole training; validation examples that a look reads
WINDOW, BEFORE, RISE = 5, 4, 1.3  # eigenvalues in a mean; looks between two means; how far one may rise (1909.09656)
FIRST = LOOKS // 5  # the look to which gates may go back at the earliest
SELECTING = 1 / 3  # of the steps are left to tune between decisions
ENDED, RISEN = "ended", "stopped early: the curvature of the validation loss rose"
MEASURED, BENT = 256, 64  # examples by which an option is measured, and curvature


@train.register
def _(training: Darts, supernet: Supernet, recipe: Recipe, work: Work) -> Trained:
    return _Training(training, supernet, recipe, work).run()


def risen(values: "list[float]") -> bool:
    """Whether the mean of the last `WINDOW` eigenvalues is over `RISE` times that of `BEFORE` looks ago.

    Not in the first fifth of the training, when curvature grows with what the weights learn.
    """
    if len(values) < FIRST + BEFORE:
        return False
    now, then = (float(np.mean(np.abs(part[-WINDOW:]))) for part in (values, values[:-BEFORE]))
    return now > RISE * then


class _Training:
    def __init__(self, training: Darts, supernet: Supernet, recipe: Recipe, work: Work) -> None:
        self.training, self.space, self.recipe, self.work = training, supernet.space, recipe, work
        self.mixed = mixture(self.space, training.partial)
        torch.manual_seed(work.plan.seed)
        sigmoid = training.gate == "sigmoid"
        self.network = MixtureNetwork(self.mixed, work.interface, recipe.dropout, sigmoid).to(work.device).train()
        self.learner = MixtureLearner(self.network, recipe, work)
        self.facts = self.learner.facts
        self.streams: tuple[str, ...] = self.mixed.streams
        halves = np.array_split(np.random.default_rng([work.plan.seed, 1]).permutation(len(work.train)), 2)
        self.learned, self.other = (work.train.take(np.sort(half)) for half in halves)
        balance = class_weights(work.train.targets, work.interface.classes, recipe.class_balance)
        self.balance = None if balance is None else balance.to(work.device)
        self.planned = max(1, math.ceil(work.examples / (2 * recipe.batch_size)))
        self.share = 1 - SELECTING if training.selection == "perturbation" else 1.0  # of the steps that train gates
        self.seen = 0.0  # the last loss

    def run(self) -> Trained:
        if not self.facts["stopped"]:
            self._train()
        measured = self._select() if self.training.selection == "perturbation" and not self.learner.late else None
        return self._trained(measured or self._strengths())

    def _train(self) -> None:
        """Weights and gates in turn, to the end or until the curvature or the clock says so."""
        done = self.facts["step"]
        pairs = zip(self._batches(self.learned, done, 0), self._batches(self.other, done, 1), strict=False)
        for (step, index), (_, other) in pairs:
            length = max(1, math.ceil(self.share * self.learner.length(self.planned)))
            self._step(step, length, index, other)
            if step * LOOKS >= (1 + len(self.facts["strengths"])) * length:
                self._look(step)
                if self.training.stop == "eigenvalue" and risen(self.facts["eigenvalues"]):
                    self.facts["stopped"] = RISEN
            if step >= length or self.learner.late:
                self.facts["stopped"] = self.facts["stopped"] or ENDED
            if self.facts["stopped"]:
                break
            self.learner.save()
        self.learner.save(now=True)

    def _step(self, step: int, length: int, index: "np.ndarray", other: "np.ndarray") -> None:
        batch, valid = self._tensors(self.learned, index), self._tensors(self.other, other)
        reseed(self.work.plan.seed, step, self.work.device)
        corrupt(batch, self.recipe.input_dropout)
        rest = REST * length if self.training.partial > 1 else 0.0
        if step > rest:
            alphas, weights = self.network.alphas(), self.network.weights()
            judged, learned = self._closure(valid, step, gates=True), self._closure(batch, step)
            if self.training.order == 2:
                gradients = second_order(judged, learned, alphas, weights, VIRTUAL)
            else:
                gradients = first_order(judged, alphas)
            self.learner.turn(gradients, length - int(rest))
        loss = self._closure(batch, step)()
        self.seen = float(loss.detach())
        if not math.isfinite(self.seen):
            raise diverged(self.seen, step, self.recipe)
        self.learner.learn(step, length, loss)

    def _look(self, step: int) -> None:
        """Remember the gates, what the mixture scores, and how sharply its loss bends."""
        valid = self.work.valid.take(np.arange(min(LOOK_ROWS, len(self.work.valid))))
        answers = probabilities(self.network, valid, self.streams, self.work.plan.precision)
        found = float(self.work.score(answers, valid.targets, valid.weights))
        self.facts["curve"].append([2 * step * self.recipe.batch_size, self.seen, found])
        self.facts["strengths"].append(self.network.strengths())
        if self.training.stop == "eigenvalue":
            batch = self._tensors(self.other, np.arange(min(BENT, len(self.other))))
            seed = self.work.plan.seed
            self.facts["eigenvalues"].append(eigenvalue(self._closure(batch, 0), self.network.alphas(), seed))

    def _strengths(self) -> dict[str, list[float]]:
        """The gates as they are, or as they were before the curvature rose."""
        return self.facts["strengths"][-1 - BEFORE] if self.facts["stopped"] == RISEN else self.network.strengths()

    def _select(self) -> dict[str, list[float]]:
        """What each option's removal costs, in the form of gates' weights."""
        batch = self._tensors(self.other, np.arange(min(MEASURED, len(self.other))))

        def loss() -> float:
            with torch.no_grad():
                return float(self._closure(batch, 0)())

        def tune(left: int) -> bool:
            begun = self.facts["step"]
            length = self.learner.length(self.planned)
            steps = max(1, (length - begun) // left)
            for step, index in self._batches(self.learned, begun, 0):
                batch = self._tensors(self.learned, index)
                self.learner.learn(step, length, self._closure(batch, step)())
                if self.learner.late or step - begun >= steps:
                    break
            self.learner.save()
            return not self.learner.late

        gates, rises = self.network.gates, self.facts["rises"]
        perturbation.decide(gates, loss, tune, rises, generator(self.work.plan.seed, -1))
        self.learner.save(now=True)
        return perturbation.weights(gates, self._strengths(), rises, perturbation.edges(gates, loss))

    def _trained(self, weights: dict[str, list[float]]) -> Trained:
        """Derive architectures, and score the first with the mixture's weights."""
        found = derived(self.space, self.mixed, weights)
        best, kept = found[0]
        collapsed = collapse(self.space, best)
        keep(self.network.gates, kept)
        recalibrate(self.network, self.work.train, self.streams, self.work.plan.seed)
        valid = self.work.valid
        answers = probabilities(self.network, valid, self.streams, self.work.plan.precision)
        return Trained(
            score=float(self.work.score(answers, valid.targets, valid.weights)),
            probabilities=answers,
            examples=2 * self.facts["step"] * self.recipe.batch_size,
            seconds=self.facts["seconds"],
            curve=[tuple(point) for point in self.facts["curve"]],
            notes=[*self._notes(weights), *([collapsed] if collapsed else [])],
            found={
                "prior": prior_of(self.mixed, weights),
                "derived": [to_data(architecture) for architecture, _ in found],
                "eigenvalues": self.facts["eigenvalues"],
                "collapsed": collapsed,
            },
        )

    def _notes(self, weights: dict[str, list[float]]) -> list[str]:
        whole = self.facts["stopped"] == RISEN or self.facts["step"] >= math.ceil(self.share * self.planned)
        notes = [CUT_SHORT] if self.learner.late or not whole else []
        if self.facts["stopped"] == RISEN:
            notes.append(f"{RISEN}: the gates of {BEFORE} looks before count (R-DARTS)")
        if self.training.gate == "sigmoid":
            sure = sum(max(row) >= SURE for row in weights.values())
            notes.append(f"{sure} of {len(weights)} gates hold an option above {SURE} (Fair-DARTS)")
        return notes

    def _closure(self, batch: dict[str, Tensor], step: int, gates: bool = False) -> Any:
        """The loss of a batch, with the noise of a step, the same each time; of the gates too where they train."""

        def loss() -> Tensor:
            reseed(self.work.plan.seed, step, self.work.device)
            with autocast(self.work.device, self.work.plan.precision):
                logits = self.network(batch)
            smoothing = self.recipe.label_smoothing
            found = cross_entropy(logits, batch["targets"], batch.get("weights"), smoothing, self.balance)
            if gates and self.training.gate == "sigmoid":
                open_ = torch.cat([g.strengths() for g in self.network.gates.values() if g.sigmoid])
                found = found - ZERO_ONE * (open_ - 0.5).square().mean()
            return found

        return loss

    def _batches(self, data: Encoded, done: int, purpose: int) -> Any:
        """(step, example indices); two halves are two data sets, each with an order of its own."""
        seed = self.work.plan.seed + 1_000_003 * purpose
        plan = Plan(steps=2 * self.planned + len(self.network.gates), seed=seed)
        return batches(data, self.recipe.batch_size, plan, done, self.streams)

    def _tensors(self, data: Encoded, index: "np.ndarray") -> dict[str, Tensor]:
        return tensors(collate(data, index, self.streams), self.work.device)

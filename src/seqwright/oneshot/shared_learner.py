"""Shared weights as training changes them: the optimiser's moments, the falling rate, and the state on disk.

Unlike `train.learner.Learner` it keeps neither an average nor the best weights, for a bank is large and no single score
says which is best; its rate falls to nothing instead, by the end that the clock allows.
"""

import time
from pathlib import Path
from typing import Any

import torch

from seqwright.arch.candidate import Recipe
from seqwright.nn.supernet import Supernet as Bank
from seqwright.nn.trained import restore, trained
from seqwright.train import checkpoint
from seqwright.train.optimizer import optimizer_of, rate

WRITING = 0.05  # of the time, for writing states
WEIGHTS = "weights/"  # under these names the state has the bank's tensors


class SharedLearner:
    """A bank in training.

    `facts` is plain JSON: the step, seconds, the curve.

    Args:
        state: where to keep the training state, and whence to continue.
        begin: the state of another bank; what has the same name and shape in both is taken from it.
    """

    def __init__(self, bank: Bank, recipe: Recipe, state: Path | None, begin: Path | None = None) -> None:
        self.bank, self.recipe, self.state = bank, recipe, state
        self.weights = trained(bank)
        self.optimizer = optimizer_of(bank, recipe)
        self.facts: dict[str, Any] = {"step": 0, "seconds": 0.0, "curve": [], "began": ""}
        kept = checkpoint.read(state) if state else None
        if kept is not None:
            checkpoint.restore(kept[0], bank, self.optimizer, {}, {})
            self.facts = kept[1]
        elif begin is not None:
            self._begin(checkpoint.read(begin))
        self._saved = self._began = time.monotonic()
        self._writing_s = 0.0  # that the last state took
        self._first, self._before = self.facts["step"], self.facts["seconds"]

    def _begin(self, kept: Any) -> None:
        if kept is None:
            self.facts["began"] = "began from scratch: the weights of the supernet before are not kept any more"
            return
        theirs = {name.removeprefix(WEIGHTS): value for name, value in kept[0].items() if name.startswith(WEIGHTS)}
        fitting = {n: theirs[n] for n, own in self.weights.items() if n in theirs and theirs[n].shape == own.shape}
        restore(self.bank, self.weights | fitting)
        self.facts["began"] = f"began with {len(fitting)} of {len(self.weights)} tensors of the supernet before"

    def set_rate(self, step: int, length: int, stop_at: float | None) -> None:
        """Of `step` in a training of `length` steps, or of as many as there will be until `stop_at`."""
        done = step - 1 - self._first
        if stop_at is not None and done > 0:
            left = (stop_at - time.monotonic()) * done / (time.monotonic() - self._began)
            length = min(length, step + max(0, int(left)))
        for group in self.optimizer.param_groups:
            group["lr"] = group["base"] * rate(step, self.recipe.warmup_steps, length)

    def step(self, step: int) -> None:
        torch.nn.utils.clip_grad_norm_(self.bank.parameters(), 1.0)
        self.optimizer.step()
        self.facts |= {"step": step, "seconds": self._before + time.monotonic() - self._began}

    def save_in_time(self, every_s: float) -> None:
        """Write the state where the last one is old; of a large bank less often, so that it takes 5 % of the time."""
        begun = time.monotonic()
        if self.state and begun - self._saved > max(every_s, self._writing_s / WRITING):
            checkpoint.write(self.state, checkpoint.gathered(self.weights, self.optimizer, {}, {}), self.facts)
            self._saved = time.monotonic()
            self._writing_s = self._saved - begun

    def finish(self) -> None:
        """Keep the weights alone: they are all that is read from now on."""
        if self.state:
            checkpoint.write(self.state, {WEIGHTS + name: value for name, value in self.weights.items()}, self.facts)

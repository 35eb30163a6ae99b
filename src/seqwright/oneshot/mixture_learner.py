"""A mixture as training changes it: two optimisers, what was seen on the way, and the state on disk."""

import time
from typing import Any

import torch
from torch import nn

from seqwright.arch.candidate import Recipe
from seqwright.nn.mixture import MixtureNetwork
from seqwright.nn.trained import trained
from seqwright.oneshot.job import Work
from seqwright.train import checkpoint
from seqwright.train.optimizer import optimizer_of, rate

ALPHA_DECAY, ALPHA_BETAS = 1e-3, (0.5, 0.999)  # Liu et al. 2019
# How far a gate may go in a training, rate times steps. Theirs may go 5.9; in our short ones gates would then have
# settled before weights know what they are for, and before curvature says so.
TRAVEL = 2.0
SLOWEST, FASTEST = 3e-4, 0.03


class MixtureLearner:
    """Weights learn by AdamW with the candidate's recipe and a cosine, gates by Adam as published.

    `facts` is plain JSON: the step, seconds, the curve; of each look the `strengths` of all gates and, where asked for,
    the `eigenvalues`; `rises`, what each option's removal costs, by gate; and why it `stopped`.
    """

    def __init__(self, network: MixtureNetwork, recipe: Recipe, work: Work) -> None:
        self.network, self.recipe, self.work = network, recipe, work
        for alpha in network.alphas():  # no part of what AdamW trains
            alpha.requires_grad_(False)
        self.optimizer = optimizer_of(network, recipe)
        for alpha in network.alphas():
            alpha.requires_grad_(True)
        self.gates = torch.optim.Adam(network.alphas(), lr=0.0, betas=ALPHA_BETAS, weight_decay=ALPHA_DECAY)
        self.values = trained(network)
        self.facts: dict[str, Any] = {
            "step": 0, "seconds": 0.0, "curve": [], "strengths": [], "eigenvalues": [], "rises": {}, "stopped": "",
        }  # fmt: skip
        if work.state and (kept := checkpoint.read(work.state)) is not None:
            checkpoint.restore(kept[0], network, self.optimizer, {}, {})
            checkpoint.restore_moments(kept[0], self.gates, "gates/")
            self.facts = kept[1]
        self._saved = self._began = time.monotonic()
        self._first, self._before = self.facts["step"], self.facts["seconds"]

    def length(self, planned: int) -> int:
        """The steps that there will be in all: as many as planned, or as the clock leaves time for."""
        done, stop_at = self.facts["step"] - self._first, self.work.plan.stop_at
        if stop_at is None or done < 3:
            return planned
        each = (time.monotonic() - self._began) / done
        return min(planned, self.facts["step"] + max(1, int((stop_at - time.monotonic()) / each)))

    @property
    def late(self) -> bool:
        stop_at = self.work.plan.stop_at
        return stop_at is not None and time.monotonic() > stop_at

    def learn(self, step: int, length: int, loss: torch.Tensor) -> None:
        """One step of the weights."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["base"] * rate(step, self.recipe.warmup_steps, length)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.weights(), 1.0)
        self.optimizer.step()
        self.facts |= {"step": step, "seconds": self._before + time.monotonic() - self._began}

    def turn(self, gradients: "list[torch.Tensor]", steps: int) -> None:
        """One step of the gates, of `steps`: the fewer there are, the larger each, or short trainings find nothing."""
        for alpha, gradient in zip(self.network.alphas(), gradients, strict=True):
            alpha.grad = gradient
        for group in self.gates.param_groups:
            group["lr"] = min(FASTEST, max(SLOWEST, TRAVEL / max(1, steps)))
        self.gates.step()
        for alpha in self.network.alphas():
            alpha.grad = None

    def save(self, now: bool = False) -> None:
        """Write the state, unless the last one is young."""
        if self.work.state and (now or time.monotonic() - self._saved > self.work.plan.save_every_s):
            tensors = checkpoint.gathered(self.values, self.optimizer, {}, {})
            gates = checkpoint.gathered({}, self.gates, {}, {})
            checkpoint.write(self.work.state, tensors | {f"gates/{n}": t for n, t in gates.items()}, self.facts)
            self._saved = time.monotonic()

"""A network as training changes it: its weights, their average, the best seen, the optimiser's moments; and its state.

A pretrained encoder joins late: until `thaw` its layers are no part of all this, so that they cost nothing.
"""

import math
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seqwright.arch.candidate import Recipe
from seqwright.nn.pretrained import PretrainedStem
from seqwright.nn.trained import restore, trained
from seqwright.train import checkpoint
from seqwright.train.average import Average
from seqwright.train.optimizer import groups, optimizer_of, rate


class Learner:
    """What one network has learned so far.

    `facts` is plain JSON: the step, the best score and when, the curve of looks, whether it stopped early, when it
    thawed (0: not yet).
    """

    def __init__(self, network: nn.Module, recipe: Recipe) -> None:
        self.network, self.recipe = network, recipe
        self.weights = trained(network)
        self.average = Average(self.weights)
        self.optimizer = optimizer_of(network, recipe)
        self.best = {name: value.clone() for name, value in self.average.average.items()}
        self.facts: dict[str, Any] = {
            "step": 0,
            "score": -math.inf,
            "best_step": 0,
            "curve": [],
            "stale": 0,
            "stopped": False,
            "seconds": 0.0,
            "thawed": 0,
        }

    @property
    def waits(self) -> bool:
        """Whether an encoder is still to be thawed."""
        return any(not stem.thawed for stem in _stems(self.network))

    def thaw(self, step: int) -> None:
        """From `step` on the encoder's own layers train too."""
        for stem in _stems(self.network):
            stem.thaw()
        joining = {n: v for n, v in trained(self.network).items() if n not in self.weights}
        self.weights |= joining
        self.average.join(joining)
        self.best |= {name: value.detach().clone() for name, value in joining.items()}
        known = {id(p) for group in self.optimizer.param_groups for p in group["params"]}
        for group in groups(self.network, self.recipe):
            if members := [p for p in group["params"] if id(p) not in known]:
                self.optimizer.add_param_group(group | {"params": members, "since": step - 1})
        self.facts |= {"thawed": step, "stale": 0}

    def set_rate(self, step: int, length: "int | None") -> None:
        """The learning rates of `step`; those that joined later warm up later."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["base"] * rate(step, self.recipe.warmup_steps, length, group["since"])

    def keep(self, values: "dict[str, torch.Tensor]") -> None:
        """Make these the best weights."""
        for name, value in values.items():
            self.best[name].copy_(value)

    def save(self, state: Path) -> None:
        tensors = checkpoint.gathered(self.weights, self.optimizer, self.average.average, self.best)
        checkpoint.write(state, tensors, self.facts)

    def load(self, state: Path) -> None:
        """Go on from `state`, if there is one."""
        device = next(self.network.parameters()).device
        if (kept := checkpoint.read(state, device)) is None:
            return
        if thawed := kept[1].get("thawed", 0):
            self.thaw(thawed)
        checkpoint.restore(kept[0], self.network, self.optimizer, self.average.average, self.best)
        self.facts = kept[1]

    def settle(self) -> nn.Module:
        """The network with the best weights, ready to answer."""
        restore(self.network, self.best)
        return self.network.eval()


def _stems(network: nn.Module) -> list[PretrainedStem]:
    return [module for module in network.modules() if isinstance(module, PretrainedStem)]

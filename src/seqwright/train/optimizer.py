"""The optimiser and its rate: AdamW with warm-up, then constant (search) or a cosine to nothing (refits)."""

import math
from typing import Any

import torch
from torch import nn

from seqwright.arch.candidate import Recipe
from seqwright.nn.pretrained import PretrainedStem
from seqwright.nn.supernet import Supernet, adam_epsilons


def optimizer_of(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW over what trains by now; see `groups`."""
    return torch.optim.AdamW(groups(network, recipe), lr=recipe.learning_rate, betas=(0.9, 0.99), fused=True)


def groups(network: nn.Module, recipe: Recipe) -> "list[dict[str, Any]]":
    """Parameters that are treated alike: only matrices decay, vectors (norms, biases) do not.

    A module may ask for its own `adam_epsilon`, and a pretrained encoder has rates of its own. `base` is the rate that
    the schedule scales, `since` the step after which a group warms up.
    """
    epsilons: dict[int, float] = {}
    rates: dict[int, float] = {}
    spread: set[int] = set()  # a bank's parameters, which have every dimension twice
    for module, epsilon in adam_epsilons(network):
        epsilons |= {id(p): epsilon for p in module.parameters()}
    for module in network.modules():
        if isinstance(module, Supernet):
            epsilons |= {id(module.parts[key]): epsilon for key, epsilon in module.epsilons.items()}
            spread |= {id(p) for p in module.parts.values()}
        if isinstance(module, PretrainedStem):
            rates |= {id(p): rate for members, rate in module.learning_rates() for p in members}
    alike: dict[tuple[float, float, float], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            decay = recipe.weight_decay if parameter.dim() > (2 if id(parameter) in spread else 1) else 0.0
            base = rates.get(id(parameter), recipe.learning_rate)
            alike.setdefault((base, decay, epsilons.get(id(parameter), 1e-8)), []).append(parameter)
    return [
        {"params": members, "weight_decay": decay, "eps": epsilon, "base": base, "since": 0}
        for (base, decay, epsilon), members in alike.items()
    ]


def rate(step: int, warmup: int, length: "int | None" = None, since: int = 0) -> float:
    """The share of the learning rate at `step`, counted from 1; a cosine over `length` steps, if one is given.

    Args:
        since: the step after which the warm-up begins.
    """
    rising = min(1.0, (step - since) / max(1, warmup if length is None else min(warmup, length // 10)))
    if length is None or rising < 1:
        return rising
    warmup = since + min(warmup, length // 10)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, length - warmup + 1)))

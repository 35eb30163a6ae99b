"""The optimiser and its rate: AdamW with warm-up, then constant (search) or a cosine to nothing (refits)."""

import math

import torch
from torch import nn

from seqwright.arch.candidate import Recipe


def optimizer_of(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW; only matrices decay, vectors (norms, biases) do not; a module may ask for its own `adam_epsilon`."""
    epsilons: dict[int, float] = {
        id(p): epsilon
        for module in network.modules()
        if isinstance(epsilon := getattr(module, "adam_epsilon", None), float)
        for p in module.parameters()
    }
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        decay = recipe.weight_decay if parameter.dim() > 1 else 0.0
        groups.setdefault((decay, epsilons.get(id(parameter), 1e-8)), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": members, "weight_decay": decay, "eps": epsilon, "base": recipe.learning_rate}
            for (decay, epsilon), members in groups.items()
        ],
        lr=recipe.learning_rate,
        betas=(0.9, 0.99),
        fused=True,
    )


def rate(step: int, warmup: int, length: "int | None" = None) -> float:
    """The share of the learning rate at `step`, counted from 1; a cosine over `length` steps, if one is given."""
    if length is not None:
        warmup = min(warmup, length // 10)
        if step > warmup:
            return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, length - warmup + 1)))
    return min(1.0, step / max(1, warmup))

"""Cross-entropy for one output per example or one per step, with smoothing, class and sample weights."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seqwright.data.examples import Ragged

IGNORED = -1  # the target at padded steps


def class_weights(targets: "np.ndarray | Ragged", classes: int, exponent: float) -> "Tensor | None":
    """(C,) weights proportional to frequency ** -exponent, with mean 1 over the examples; None when all are 1."""
    if not exponent:
        return None
    flat = targets.values if isinstance(targets, Ragged) else targets
    counts = np.bincount(flat[flat >= 0], minlength=classes).clip(1)
    weights = (counts / counts.sum()) ** -exponent
    weights /= (weights * counts).sum() / counts.sum()
    return torch.from_numpy(weights.astype(np.float32))


def cross_entropy(
    logits: Tensor, targets: Tensor, weights: "Tensor | None", smoothing: float, balance: "Tensor | None"
) -> Tensor:
    """The mean over examples (over real steps, where there is an output per step).

    Args:
        logits: (B, C) or (B, T, C).
        targets: (B,) or (B, T), `IGNORED` at padding.
        weights: (B,) or None, one weight per example.
        smoothing: share of the target spread evenly over the classes (Szegedy et al. 2016, arXiv:1512.00567).
        balance: (C,) or None, one weight per class.
    """
    logits, targets = logits.float(), targets.long()
    if logits.dim() == 3:
        if weights is not None:
            weights = weights[:, None].expand(targets.shape).flatten()
        logits, targets = logits.flatten(0, 1), targets.flatten()
    losses = F.cross_entropy(
        logits, targets, balance, ignore_index=IGNORED, reduction="none", label_smoothing=smoothing
    )
    share = (targets != IGNORED).float()
    if weights is not None:
        share = share * weights
    return (losses * share).sum() / share.sum().clamp_min(1e-6)


def distillation(
    logits: Tensor, teacher: Tensor, targets: Tensor, weights: "Tensor | None", balance: "Tensor | None"
) -> Tensor:
    """The cross-entropy with a teacher's answers in place of the targets (Hinton et al. 2015, arXiv:1503.02531).

    Args:
        logits, teacher: (B, C) or (B, T, C).
        targets, weights, balance: as in `cross_entropy`; they say which examples count, and how much.
    """
    losses = -(teacher.float().softmax(-1) * logits.float().log_softmax(-1)).sum(-1)
    share = (targets != IGNORED).float()
    if balance is not None:
        share = share * balance[targets.long().clamp_min(0)]
    if weights is not None:
        share = share * weights.view(-1, *[1] * (share.dim() - 1))
    return (losses * share).sum() / share.sum().clamp_min(1e-6)


def stacked_cross_entropy(
    logits: Tensor,
    targets: Tensor,
    weights: "Tensor | None",
    smoothing: "Tensor | None",
    balance: "Tensor | None",
) -> Tensor:
    """(K,) losses of K networks at once, each what `cross_entropy` gives.

    Args:
        logits, targets, weights: (K, B, C), (K, B) and (K, B).
        smoothing, balance: (K,) and (K, C), or None where all go without.
    """
    logs = logits.float().log_softmax(-1)
    there = targets != IGNORED
    targets = targets.clamp_min(0)
    losses = -logs.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    if balance is not None:
        losses = losses * balance.gather(1, targets)
    if smoothing is not None:
        even = -(logs if balance is None else logs * balance.unsqueeze(1)).mean(-1)
        losses = torch.lerp(losses, even, smoothing.unsqueeze(1))
    share = there.float()
    if weights is not None:
        share = share * weights
    return (losses * share).sum(1) / share.sum(1).clamp_min(1e-6)

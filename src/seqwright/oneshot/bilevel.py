"""The gradient of a validation loss for the architecture, while weights follow their own loss (arXiv:1806.09055).

min over a of L_valid(w*(a), a), where w*(a) minimises L_train(w, a). Losses are closures, so all of this is for any
module, and tested on problems whose answer is known. Curvature is found by differences of gradients: some recurrences
have no second derivative in torch.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Loss = Callable[[], Tensor]  # always on the same batch, with the same noise
DIFFERENCE = 0.01  # the length of the steps by which gradients are compared (Liu et al. 2019, footnote 2)
BEND = 0.1  # and for curvature: a shorter one would measure the kinks of rectifiers and maxima
ITERATIONS = 6  # of power iteration: the largest eigenvalue stands well apart here


def first_order(valid: Loss, alphas: Sequence[Tensor]) -> list[Tensor]:
    """dL_valid(w, a) / da: the weights as they are stand for the best ones."""
    return gradient(valid, alphas)


def second_order(
    valid: Loss, train: Loss, alphas: Sequence[Tensor], weights: Sequence[Tensor], rate: float
) -> list[Tensor]:
    """dL_valid(w', a) / da with w' = w - rate dL_train(w, a) / dw: one step of the weights stands for all of them.

    The product with the second derivative is a difference, as published: of dL_train / da at w + e v and w - e v, with
    v the gradient of the validation loss at w', and e = 0.01 / |v|.

    Args:
        rate: of the virtual step. Theirs repeats the optimiser's momentum and decay, ours is a plain gradient step.
    """
    kept = [w.detach().clone() for w in weights]
    try:
        _move(weights, gradient(train, weights), -rate)
        found = gradient(valid, [*alphas, *weights])
        direct, v = found[: len(alphas)], found[len(alphas) :]
        _set(weights, kept)
        mixed = _directional(train, alphas, weights, v)
    finally:
        _set(weights, kept)
    return [g - rate * m for g, m in zip(direct, mixed, strict=True)]


def eigenvalue(valid: Loss, alphas: Sequence[Tensor], seed: int = 0, iterations: int = ITERATIONS) -> float:
    """The eigenvalue of largest magnitude of d2 L_valid / da2, by power iteration from a vector drawn with `seed`."""
    generator = torch.Generator().manual_seed(seed)
    v = [torch.randn(a.shape, generator=generator).to(a) for a in alphas]
    found = 0.0
    for _ in range(iterations):
        v = [part / _norm(v) for part in v]
        product = _directional(valid, alphas, alphas, v, BEND)
        found = sum(float((a * b).sum()) for a, b in zip(v, product, strict=True))
        if _norm(product) == 0:
            return 0.0
        v = product
    return found


def gradient(loss: Loss, of: Sequence[Tensor]) -> list[Tensor]:
    """dL / d each of these; zero for what the loss does not depend on."""
    return list(torch.autograd.grad(loss(), of, allow_unused=True, materialize_grads=True))


def _directional(
    loss: Loss, of: Sequence[Tensor], along: Sequence[Tensor], v: Sequence[Tensor], length: float = DIFFERENCE
) -> list[Tensor]:
    """d/dh of dL / d(of) at along + h v, by a central difference; `along` stays as it was."""
    kept = [t.detach().clone() for t in along]
    step = length / max(_norm(v), 1e-12)
    try:
        _move(along, v, step)
        ahead = gradient(loss, of)
        _set(along, kept)
        _move(along, v, -step)
        behind = gradient(loss, of)
    finally:
        _set(along, kept)
    return [(a - b) / (2 * step) for a, b in zip(ahead, behind, strict=True)]


@torch.no_grad()
def _move(tensors: Sequence[Tensor], by: Sequence[Tensor], rate: float) -> None:
    for tensor, part in zip(tensors, by, strict=True):
        tensor.add_(part, alpha=rate)


@torch.no_grad()
def _set(tensors: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    for tensor, value in zip(tensors, values, strict=True):
        tensor.copy_(value)


def _norm(tensors: Sequence[Tensor]) -> float:
    return float(torch.stack([t.detach().square().sum() for t in tensors]).sum().sqrt())

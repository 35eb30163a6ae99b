"""The loss: padding counts nothing, weights count what they say."""

import numpy as np
import pytest
import torch

from seqwright.data.examples import Ragged
from seqwright.train.loss import class_weights, cross_entropy


def by_hand(logits, targets, weights, smoothing, balance):
    """The mean over real outputs, one at a time."""
    total = share = 0.0
    for i, row in enumerate(targets.reshape(len(targets), -1)):
        for t, target in enumerate(row):
            if target < 0:
                continue
            out = logits[i] if logits.dim() == 2 else logits[i, t]
            log = out - out.logsumexp(-1)
            classes = len(out)
            scale = torch.ones(classes) if balance is None else balance
            loss = -(1 - smoothing) * scale[target] * log[target] - smoothing / classes * (scale * log).sum()
            weight = 1.0 if weights is None else float(weights[i])
            total, share = total + weight * float(loss), share + weight
    return total / share


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_equals_a_naive_loop(per_step: bool, weighted: bool, balanced: bool, smoothing: float) -> None:
    torch.manual_seed(0)
    shape = (4, 5) if per_step else (4,)
    logits, targets = torch.randn(*shape, 3), torch.randint(0, 3, shape)
    if per_step:
        targets[1, 3:], targets[2, 1:] = -1, -1
    weights = torch.tensor([1.0, 2.0, 0.5, 0.0]) if weighted else None
    balance = torch.tensor([0.5, 1.0, 2.0]) if balanced else None
    found = float(cross_entropy(logits, targets, weights, smoothing, balance))
    assert found == pytest.approx(by_hand(logits, targets, weights, smoothing, balance), rel=1e-5)


def test_padding_has_no_loss_and_no_gradient() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 4, 3, requires_grad=True)
    targets = torch.tensor([[0, 1, 2, 0], [1, 2, -1, -1]])
    loss = cross_entropy(logits, targets, None, 0.1, torch.tensor([1.0, 2.0, 3.0]))
    loss.backward()
    assert logits.grad is not None
    assert (logits.grad[1, 2:] == 0).all() and (logits.grad[1, :2] != 0).all()
    longer = torch.cat([logits.detach(), 100 * torch.randn(2, 6, 3)], 1)
    padded = torch.cat([targets, torch.full((2, 6), -1)], 1)
    again = cross_entropy(longer, padded, None, 0.1, torch.tensor([1.0, 2.0, 3.0]))
    assert float(again) == pytest.approx(float(loss.detach()))


def test_all_padding_is_no_division_by_zero() -> None:
    assert float(cross_entropy(torch.randn(2, 3, 4), torch.full((2, 3), -1), None, 0.0, None)) == 0.0


def test_class_weights() -> None:
    targets = np.array([0] * 8 + [1] * 2)
    assert class_weights(targets, 2, 0.0) is None
    full = class_weights(targets, 2, 1.0)
    half = class_weights(targets, 2, 0.5)
    assert full is not None and half is not None
    assert float(full[1] / full[0]) == pytest.approx(4.0) and float(half[1] / half[0]) == pytest.approx(2.0)
    for weights in (full, half):  # mean 1 over the examples: the learning rate means what it meant
        assert float(weights[targets].mean()) == pytest.approx(1.0)
    assert torch.isfinite(class_weights(targets, 5, 1.0)).all(), "classes that were never seen"  # pyright: ignore
    ragged = Ragged.of([np.array([0, 0]), np.array([1, 0])])
    assert class_weights(ragged, 2, 1.0) is not None

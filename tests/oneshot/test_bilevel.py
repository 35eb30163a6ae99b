"""The architecture's gradient and the curvature, on problems whose answer is known."""

import pytest
import torch

from seqwright.oneshot.bilevel import eigenvalue, first_order, second_order

torch.manual_seed(0)
A, B = torch.randn(4, 3, dtype=torch.float64), torch.randn(4, dtype=torch.float64)
W, ALPHA = (torch.nn.Parameter(torch.randn(3, dtype=torch.float64)) for _ in range(2))


def learned() -> torch.Tensor:
    return (A @ (W * ALPHA.sigmoid()) - B).square().sum() + 0.1 * (W**4).sum()


def judged(w: torch.Tensor = W, alpha: torch.Tensor = ALPHA) -> torch.Tensor:
    return (A @ (w * alpha.exp()) + B).square().sum()


def test_the_second_order_gradient_is_that_through_the_virtual_step() -> None:
    before = W.detach().clone()
    (step,) = torch.autograd.grad(learned(), W, create_graph=True)
    (exact,) = torch.autograd.grad(judged(W - 0.05 * step), ALPHA)
    (found,) = second_order(judged, learned, [ALPHA], [W], 0.05)
    torch.testing.assert_close(found, exact, rtol=1e-4, atol=1e-4)
    (direct,) = first_order(judged, [ALPHA])
    assert (direct - exact).norm() > 0.1 * exact.norm()  # which the first order leaves out
    assert torch.equal(W, before)


def test_the_curvature_is_the_largest_eigenvalue() -> None:
    hessian = torch.autograd.functional.hessian(lambda alpha: judged(W, alpha), ALPHA.detach())
    exact = float(torch.linalg.eigvalsh(hessian)[-1])
    before = ALPHA.detach().clone()
    assert eigenvalue(judged, [ALPHA], iterations=20) == pytest.approx(exact, rel=1e-2)
    assert torch.equal(ALPHA, before)
    assert eigenvalue(lambda: ALPHA.sum(), [ALPHA]) == 0.0

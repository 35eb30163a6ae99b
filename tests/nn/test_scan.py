import pytest
import torch
from torch import Tensor

from seqwright.nn.scan import linear_scan


def loop(a: Tensor, b: Tensor, h: Tensor | None = None) -> Tensor:
    h = torch.zeros_like(b[:, 0]) if h is None else h
    states = []
    for t in range(b.shape[1]):
        h = a[:, t] * h + b[:, t]
        states.append(h)
    return torch.stack(states, 1)


def drawn(steps: int, dtype: torch.dtype, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    a, b = (torch.randn(3, steps, 5, dtype=dtype, generator=rng) for _ in range(2))
    return a, b, torch.randn(3, 5, dtype=dtype, generator=rng)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("steps", [1, 2, 3, 7, 8, 13, 32, 101])
def test_scan_equals_the_loop(steps: int, dtype: torch.dtype) -> None:
    a, b, h = drawn(steps, dtype)
    a = a / a.abs().clamp(min=1)
    torch.testing.assert_close(linear_scan(a, b), loop(a, b))
    torch.testing.assert_close(linear_scan(a, b, h), loop(a, b, h))


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("steps", [1, 5, 8, 11])
def test_gradients_equal_the_loops(steps: int, dtype: torch.dtype) -> None:
    inputs = [x.requires_grad_() for x in drawn(steps, dtype)]
    weights = drawn(steps, dtype, seed=1)[0]
    ours = torch.autograd.grad((linear_scan(*inputs) * weights).abs().sum(), inputs)
    theirs = torch.autograd.grad((loop(*inputs) * weights).abs().sum(), inputs)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)


def test_second_derivatives() -> None:
    a, b, _ = drawn(6, torch.float64)
    assert torch.autograd.gradgradcheck(linear_scan, (a.requires_grad_(), b.requires_grad_()))


def test_constant_factors_broadcast() -> None:
    a, b, _ = drawn(9, torch.float64)
    a = a[0, 0].clone().requires_grad_()
    expected = loop(a.expand_as(b), b)
    torch.testing.assert_close(linear_scan(a, b), expected)
    ours, theirs = (torch.autograd.grad(y.sin().sum(), a)[0] for y in (linear_scan(a, b), expected))
    torch.testing.assert_close(ours, theirs)


def test_long_sequences_stay_accurate_in_single_precision() -> None:
    a, b, _ = drawn(4000, torch.float32)
    a = 1 - 1e-3 * a.sigmoid()  # a memory of a thousand steps
    torch.testing.assert_close(linear_scan(a, b).double(), loop(a.double(), b.double()), rtol=1e-4, atol=1e-3)


def test_batched_by_vmap() -> None:
    a, b, _ = drawn(9, torch.float64)
    together = torch.vmap(linear_scan)(torch.stack([a, a / 2]), torch.stack([b, -b]))
    torch.testing.assert_close(together, torch.stack([loop(a, b), loop(a / 2, -b)]))

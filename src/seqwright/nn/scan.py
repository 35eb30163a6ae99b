"""The linear recurrence h_t = a_t * h_{t-1} + b_t over all steps at once, by a parallel scan.

Neighbouring steps are merged into one step of twice the stride, the recurrence of half the length is solved,
and the steps in between are filled in: O(T) work and O(log T) depth (Brent & Kung 1982; Blelloch 1990).
Nothing is divided and no product is undone, so it is as stable as the loop: with |a| <= 1 nothing can overflow.
"""

from typing import Any

import torch
from torch import Tensor


def linear_scan(a: Tensor, b: Tensor, initial: Tensor | None = None) -> Tensor:
    """All states of h_t = a_t * h_{t-1} + b_t.

    Args:
        a: (B, T, H) factors, real or complex; anything that broadcasts to the shape of `b`.
        b: (B, T, H) additions, of the same type.
        initial: (B, H), the state before the first step; zero when None.

    Returns:
        (B, T, H) states.
    """
    if initial is not None:
        first = b[:, :1] + a[:, :1] * initial[:, None]
        b = torch.cat([first, b[:, 1:]], dim=1)
    return _Scan.apply(a.expand_as(b), b)  # pyright: ignore[reportReturnType]


class _Scan(torch.autograd.Function):
    """The scan and its gradient, which is the same recurrence run backwards in time.

    With g_t = dL/dh_t (total): g_t = dL/dy_t + conj(a_{t+1}) g_{t+1}, dL/db_t = g_t, dL/da_t = g_t conj(h_{t-1}).
    Only `a` and `h` are kept, not the log T levels in between; and being a scan itself, it can be differentiated again.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(a: Tensor, b: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _solve(a, b)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0], output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        a, h = ctx.saved_tensors
        later = torch.cat([a[:, 1:], torch.zeros_like(a[:, :1])], dim=1).conj().resolve_conj()
        g: Tensor = _Scan.apply(later.flip(1), grad.flip(1)).flip(1)  # pyright: ignore
        before = torch.cat([torch.zeros_like(h[:, :1]), h[:, :-1]], dim=1)
        return g * before.conj(), g


def _solve(a: Tensor, b: Tensor) -> Tensor:
    steps = b.shape[1]
    if steps <= 1:
        return b.clone()
    if steps % 2:  # the last step has no partner: solve the rest, then take it
        h = _solve(a[:, :-1], b[:, :-1])
        return torch.cat([h, a[:, -1:] * h[:, -1:] + b[:, -1:]], dim=1)
    a_even, a_odd, b_even, b_odd = a[:, 0::2], a[:, 1::2], b[:, 0::2], b[:, 1::2]
    odd = _solve(a_odd * a_even, torch.addcmul(b_odd, a_odd, b_even))
    even = torch.cat([b_even[:, :1], torch.addcmul(b_even[:, 1:], a_even[:, 1:], odd[:, :-1])], dim=1)
    return torch.stack([even, odd], dim=2).flatten(1, 2)

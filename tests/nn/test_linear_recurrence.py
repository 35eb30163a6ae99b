import pytest
import torch
from torch import Tensor, nn

from seqwright.arch.blocks import MinGru, Ssm
from seqwright.errors import SpaceError
from seqwright.nn.build import block
from seqwright.nn.role import Context, Role

B, T, D = 3, 11, 6
LENGTHS = torch.tensor([11, 4, 1])
MASK = torch.arange(T) < LENGTHS[:, None]
SPECS = [MinGru(5), MinGru(5, bidirectional=True), Ssm(4), Ssm(4, bidirectional=True)]
one = pytest.mark.parametrize("spec", SPECS, ids=str)
causal = pytest.mark.parametrize("spec", [s for s in SPECS if not s.bidirectional], ids=str)


def made(spec: MinGru | Ssm) -> nn.Module:
    torch.manual_seed(0)
    return block(spec, D).double()


def drawn() -> Tensor:
    return torch.randn(B, T, D, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def naive_min_gru(module: nn.Module, x: Tensor) -> Tensor:
    """(T, D) to (T, D), one sequence, one step at a time."""
    hidden = module.leave.weight.shape[1] // module.directions
    sides = []
    for k in range(module.directions):
        rows = slice(2 * k * hidden, 2 * (k + 1) * hidden)
        steps = list(range(len(x)))[:: -1 if k else 1]
        h, out = torch.zeros(hidden), [None] * len(x)
        for t in steps:
            z, v = (module.enter.weight[rows] @ x[t].float() + module.enter.bias[rows]).chunk(2)
            h = h + z.sigmoid() * (v - h)
            out[t] = h
        sides.append(torch.stack(out))
    return torch.cat(sides, -1) @ module.leave.weight.T + module.leave.bias


def naive_ssm(module: nn.Module, x: Tensor) -> Tensor:
    n = module.state
    sides = []
    for k in range(module.directions):
        radius = torch.exp(-torch.exp(module.log_decay[k]))
        rows = slice(2 * k * n, 2 * (k + 1) * n)
        re, im, out = torch.zeros(n), torch.zeros(n), [None] * len(x)
        for t in list(range(len(x)))[:: -1 if k else 1]:
            u, v = (module.enter.weight[rows] @ x[t] + module.enter.bias[rows]).chunk(2)
            c, s, g = radius * module.phase[k].cos(), radius * module.phase[k].sin(), (1 - radius**2).sqrt()
            re, im = c * re - s * im + g * u, s * re + c * im + g * v
            out[t] = torch.cat([re, im])
        sides.append(torch.stack(out))
    value, gate = (torch.cat(sides, -1) @ module.leave.weight.T + module.leave.bias).chunk(2, -1)
    return value * gate.sigmoid()


@one
def test_forward_equals_a_loop_over_each_sequence_alone(spec: MinGru | Ssm) -> None:
    module, x = made(spec).float(), drawn().float()
    y = module(x, Context(MASK))
    naive = naive_min_gru if isinstance(spec, MinGru) else naive_ssm
    for i, length in enumerate(LENGTHS.tolist()):
        torch.testing.assert_close(y[i, :length], naive(module, x[i, :length]), rtol=1e-4, atol=1e-5)


@one
def test_padding_never_leaks_forwards_or_back(spec: MinGru | Ssm) -> None:
    module, x = made(spec), drawn().requires_grad_()
    y = module(x, Context(MASK))
    longer = torch.cat([torch.where(MASK[..., None], x, 9.0), torch.full((B, 5, D), -9.0, dtype=x.dtype)], 1)
    again = module(longer, Context(torch.cat([MASK, torch.zeros(B, 5, dtype=torch.bool)], 1)))[:, :T]
    torch.testing.assert_close(again[MASK], y[MASK], rtol=1e-5, atol=1e-5)
    (grad,) = torch.autograd.grad(y[MASK].square().sum(), x)
    assert grad[MASK].abs().sum() > 0
    assert not grad[~MASK].any()


@one
def test_gradients_reach_every_weight(spec: MinGru | Ssm) -> None:
    module = made(spec)
    module(drawn(), Context(MASK))[MASK].square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.any() for p in module.parameters())


@causal
def test_causal_and_step_equals_forward(spec: MinGru | Ssm) -> None:
    module, x = block(spec, D, Role(causal=True)), drawn().float()
    y = module(x, Context(torch.ones(B, T, dtype=torch.bool)))
    state, steps = module.initial(B), []
    for t in range(T):
        out, state = module.step(x[:, t], state)
        steps.append(out)
    torch.testing.assert_close(torch.stack(steps, 1), y, rtol=1e-4, atol=1e-5)
    changed = x.clone()
    changed[:, 6:] += 1
    again = module(changed, Context(torch.ones(B, T, dtype=torch.bool)))
    torch.testing.assert_close(again[:, :6], y[:, :6])
    assert not torch.allclose(again[:, 6:], y[:, 6:])


@pytest.mark.parametrize("spec", [MinGru(5, True), Ssm(4, True)], ids=str)
def test_a_causal_role_refuses_to_look_ahead(spec: MinGru | Ssm) -> None:
    with pytest.raises(SpaceError, match="reads backwards in time, but its role is causal"):
        block(spec, D, Role(causal=True))


def test_ssm_decays_whatever_its_weights() -> None:
    module = block(Ssm(8), D)
    with torch.no_grad():
        module.log_decay.add_(torch.linspace(-50, 50, 8))
    y = module(torch.ones(1, 2000, D), Context(torch.ones(1, 2000, dtype=torch.bool)))
    assert y.isfinite().all()


def test_bfloat16_autocast_keeps_the_state_in_single_precision() -> None:
    for spec in SPECS:
        module, x = block(spec, D), drawn().float()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y = module(x, Context(MASK))
        torch.testing.assert_close(y.float()[MASK], module(x, Context(MASK))[MASK], rtol=0.1, atol=0.05)

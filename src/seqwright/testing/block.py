"""The contract of a block: what every one must do, whatever it computes.

Run in float64; the tolerances leave room for blocks that scan in float32 whatever they are given.
"""

from typing import Any

import torch
from torch import Tensor, nn

from seqwright.errors import SpaceError
from seqwright.nn.build import block
from seqwright.nn.role import Context, Role

LENGTHS = (7, 1, 4)
TOLERANCE = 1e-5


def check_block(spec: Any, width: int = 8) -> None:
    """Assert that the module registered for `spec` keeps its promises, causal ones too unless it refuses the role.

    Raises:
        AssertionError: the first promise that is broken.
    """
    module = _made(spec, width, Role())
    keeps_the_shape(module, width)
    does_not_see_padding(module, width)
    has_right_gradients(module, width)
    counts_on_the_meta_device(spec, width)
    try:
        causal = _made(spec, width, Role(causal=True))
    except SpaceError:  # it sees both ways, and says so
        return
    does_not_look_ahead(causal, width)
    steps_as_it_runs(causal, width)


def keeps_the_shape(module: nn.Module, width: int) -> None:
    x, context = _batch(width)
    y = module(x, context)
    assert y.shape == x.shape, f"(B, T, D) {tuple(x.shape)} became {tuple(y.shape)}"
    assert bool(y[context.mask].isfinite().all()), "a real step is not finite"
    assert torch.equal(y, module(x, context)), "in evaluation the same input gives another output"


def does_not_see_padding(module: nn.Module, width: int) -> None:
    x, context = _batch(width)
    expected = module(x, context)[context.mask]
    noise = torch.where(context.mask.unsqueeze(-1), x, torch.full_like(x, 9.0))
    assert _same(module(noise, context)[context.mask], expected), "what stands in the padding changes real steps"
    longer = torch.cat([x, torch.ones(x.shape[0], 5, width, dtype=x.dtype)], 1)
    mask = torch.cat([context.mask, torch.zeros(x.shape[0], 5, dtype=torch.bool)], 1)
    assert _same(module(longer, Context(mask))[mask], expected), "more padding changes real steps"
    for i, length in enumerate(LENGTHS):
        alone = module(x[i : i + 1, :length], Context(context.mask[i : i + 1, :length]))
        assert _same(alone[0], module(x, context)[i, :length]), "the company in a batch changes a sequence"


def has_right_gradients(module: nn.Module, width: int) -> None:
    x, context = _batch(width)
    x.requires_grad_()
    weights = torch.randn(x.shape, dtype=x.dtype, generator=_generator(2))
    y = (module(x, context) * weights)[context.mask].sum()
    if not y.requires_grad:
        return  # a constant, such as Skip
    y.backward()
    assert x.grad is None or bool((x.grad[~context.mask] == 0).all()), "a gradient reaches the padding"
    tensors = [x, *module.parameters()]
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, f"no gradient reaches {name}"
        assert bool(parameter.grad.isfinite().all()), f"the gradient of {name} is not finite"
    # Along one random direction of everything, against a central difference.
    generator = _generator(3)
    directions = [torch.randn(t.shape, dtype=t.dtype, generator=generator) for t in tensors]
    slope = sum(float((t.grad * d).sum()) for t, d in zip(tensors, directions, strict=True) if t.grad is not None)

    def moved(by: float) -> float:
        with torch.no_grad():
            for t, d in zip(tensors, directions, strict=True):
                t += by * d
            value = float((module(x, context) * weights)[context.mask].sum())
            for t, d in zip(tensors, directions, strict=True):
                t -= by * d
        return value

    # A long step is lost on kinks (relu, maxima), a short one in the rounding of blocks that scan in float32.
    measured = [(moved(step) - moved(-step)) / (2 * step) for step in (3e-3, 1e-6)]
    error = min(abs(slope - each) for each in measured)
    assert error <= 2e-3 * max(1.0, abs(slope)), f"gradient {slope:g}, by differences {measured[0]:g}"


def counts_on_the_meta_device(spec: Any, width: int) -> None:
    with torch.device("meta"):
        module = block(spec, width)
        y = module(torch.zeros(2, 5, width), Context(torch.ones(2, 5, dtype=torch.bool)))
    assert y.is_meta and y.shape == (2, 5, width), "cost cannot be counted without computing"


def does_not_look_ahead(module: nn.Module, width: int) -> None:
    x, _ = _batch(width)
    context = Context(torch.ones(x.shape[:2], dtype=torch.bool))
    before = module(x, context)
    for t in range(1, x.shape[1]):
        changed = torch.cat([x[:, :t], x[:, t:] + 3.0], 1)
        assert _same(module(changed, context)[:, :t], before[:, :t]), f"steps before {t} see later ones"


def steps_as_it_runs(module: Any, width: int) -> None:
    x, _ = _batch(width)
    expected = module(x, Context(torch.ones(x.shape[:2], dtype=torch.bool)))
    state = module.initial(x.shape[0])
    for t in range(x.shape[1]):
        y, state = module.step(x[:, t], state)
        assert _same(y, expected[:, t]), f"step {t} differs from forward"


def _made(spec: Any, width: int, role: Role) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = block(spec, width, role).double().eval()
        for parameter in module.parameters():
            nn.init.normal_(parameter, std=0.3)  # where biases begin at zero, mistakes with them would hide
    return module


def _batch(width: int) -> tuple[Tensor, Context]:
    x = torch.randn(len(LENGTHS), max(LENGTHS), width, dtype=torch.float64, generator=_generator(1))
    return x, Context(torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS).unsqueeze(1))


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _same(a: Tensor, b: Tensor) -> bool:
    return bool(torch.allclose(a, b, rtol=0, atol=TOLERANCE))

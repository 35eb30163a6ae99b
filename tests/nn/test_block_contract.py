"""What every block promises, whatever it computes: shape, masks, causality, steps, gradients."""

import pytest
import torch
from torch import nn

from seqwright.arch.blocks import Attention, Conv, FeedForward, GatedFeedForward, Gru, Lstm, Parallel, Rnn, Skip
from seqwright.errors import SpaceError
from seqwright.nn import Context, Role, block

ONE_WAY = [
    Rnn(8),
    Lstm(8),
    Gru(8),
    Conv(3),
    Conv(5, dilation=2),
    Conv(3, dilation=4, depthwise=True),
    Attention(2),
    Attention(1, window=2, positions="sinusoidal"),
    Attention(1, window=8, positions="learned"),
    FeedForward(2),
    GatedFeedForward(1),
    Skip(),
    Parallel((Conv(3), Lstm(4), Attention(1), Skip())),
]
BOTH_WAYS = [Rnn(8, bidirectional=True), Lstm(8, bidirectional=True), Gru(8, bidirectional=True)]
LENGTHS = torch.tensor([9, 1, 5, 7])


def made(spec: object, causal: bool = False, width: int = 6) -> nn.Module:
    torch.manual_seed(0)
    module = block(spec, width, Role(causal=causal)).double().eval()
    for parameter in module.parameters():  # zero biases would hide mistakes
        nn.init.normal_(parameter, std=0.3)
    return module


def inputs(steps: int = 9, width: int = 6) -> tuple[torch.Tensor, Context]:
    x = torch.randn(len(LENGTHS), steps, width, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return x, Context(torch.arange(steps) < LENGTHS[:, None])


@pytest.mark.parametrize("spec", ONE_WAY + BOTH_WAYS, ids=repr)
def test_padding_changes_nothing(spec: object) -> None:
    module, (x, context) = made(spec), inputs()
    y = module(x, context)
    assert y.shape == x.shape
    noise = torch.randn(4, 6, 6, dtype=torch.float64)
    longer = torch.cat([torch.where(context.mask[..., None], x, x + 5), noise], 1)
    z = module(longer, Context(torch.nn.functional.pad(context.mask, (0, 6))))
    assert (y - z[:, :9])[context.mask].abs().max() < 1e-12
    for i, length in enumerate(LENGTHS.tolist()):  # nor does the company of longer sequences
        alone = module(x[i : i + 1, :length], Context(torch.ones(1, length, dtype=torch.bool)))
        assert (alone[0] - y[i, :length]).abs().max() < 1e-12


@pytest.mark.parametrize("spec", ONE_WAY, ids=repr)
def test_causal_blocks_do_not_look_ahead(spec: object) -> None:
    module, (x, _) = made(spec, causal=True), inputs()
    everything = Context(torch.ones(4, 9, dtype=torch.bool))
    changed = x.clone()
    changed[:, 5:] += 3
    before, after = module(x, everything), module(changed, everything)
    assert (before - after)[:, :5].abs().max() < 1e-12
    if not isinstance(spec, Skip):
        assert (before - after)[:, 5].abs().max() > 1e-3


@pytest.mark.parametrize("spec", ONE_WAY, ids=repr)
def test_steps_equal_forward(spec: object) -> None:
    module, (x, _) = made(spec, causal=True), inputs()
    state, outputs = module.initial(4), []
    for t in range(9):
        y, state = module.step(x[:, t], state)
        outputs.append(y)
    expected = module(x, Context(torch.ones(4, 9, dtype=torch.bool)))
    assert (torch.stack(outputs, 1) - expected).abs().max() < 1e-12


@pytest.mark.parametrize("spec", [s for s in ONE_WAY + BOTH_WAYS if not isinstance(s, Skip)], ids=repr)
def test_gradients_equal_finite_differences(spec: object) -> None:
    module = made(spec, width=4)
    x = torch.randn(2, 4, 4, dtype=torch.float64, requires_grad=True)
    context = Context(torch.tensor([[True, True, True, True], [True, True, False, False]]))

    def real(x: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        named = dict(zip((n for n, _ in module.named_parameters()), parameters, strict=True))
        return context.zero(torch.func.functional_call(module, named, (x, context)))

    assert torch.autograd.gradcheck(real, (x, *module.parameters()), fast_mode=True)


@pytest.mark.parametrize("spec", BOTH_WAYS, ids=repr)
def test_a_causal_block_cannot_look_both_ways(spec: object) -> None:
    with pytest.raises(SpaceError, match=r"bidirectional=True\) sees later steps.*Use bidirectional=False\."):
        block(spec, 8, Role(causal=True))


@pytest.mark.parametrize("spec", ONE_WAY + BOTH_WAYS, ids=repr)
def test_blocks_build_and_run_on_the_meta_device(spec: object) -> None:
    with torch.device("meta"):
        y = block(spec, 6)(torch.empty(4, 9, 6), Context(torch.ones(4, 9, dtype=torch.bool)))
    assert y.shape == (4, 9, 6) and y.is_meta


@pytest.mark.parametrize("spec", ONE_WAY + BOTH_WAYS, ids=repr)
def test_blocks_start_alive(spec: object) -> None:
    torch.manual_seed(0)
    y = block(spec, 64)(torch.randn(8, 20, 64), Context(torch.ones(8, 20, dtype=torch.bool)))
    if not isinstance(spec, Skip):
        assert 0.05 < y.std() < 3


def test_an_unknown_block_is_refused_with_advice() -> None:
    class Lstn:
        pass

    with pytest.raises(SpaceError, match=r'No block is registered for Lstn\. Did you mean "Lstm"\? .*@block\.register'):
        block(Lstn(), 8)


def test_unknown_positions_are_refused_with_advice() -> None:
    with pytest.raises(
        SpaceError, match=r'positions="rotray" is not known\. Use "rotary", "sinusoidal" or "learned"\.'
    ):
        block(Attention(positions="rotray"), 8)

"""Each block against the plainest loop that follows its formula."""

import math

import pytest
import torch
import torch.nn.functional as F

from seqwright.arch.blocks import Attention, Conv, FeedForward, GatedFeedForward, Gru, Lstm, Parallel, Rnn, Skip
from seqwright.nn import Context, Role, block
from seqwright.nn.positions import Learned, sinusoids

LENGTHS = [7, 4]
MASK = torch.arange(7) < torch.tensor(LENGTHS)[:, None]
WIDTH = 6


@pytest.fixture
def x() -> torch.Tensor:
    torch.manual_seed(3)
    return torch.randn(2, 7, WIDTH, dtype=torch.float64)


def run(spec: object, x: torch.Tensor, causal: bool = False) -> tuple[torch.nn.Module, torch.Tensor]:
    torch.manual_seed(4)
    module = block(spec, WIDTH, Role(causal=causal)).double()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return module, module(x, Context(MASK))


def check(y: torch.Tensor, expected: list[list[torch.Tensor]]) -> None:
    for row, steps, length in zip(y, expected, LENGTHS, strict=True):
        assert (row[:length] - torch.stack(steps)).abs().max() < 1e-10


def rnn_step(w, u, b, c, x, state):
    h = torch.tanh(w @ x + b + u @ state[0] + c)
    return h, (h,)


def lstm_step(w, u, b, c, x, state):
    h, cell = state
    i, f, g, o = (w @ x + b + u @ h + c).chunk(4)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    h = o.sigmoid() * cell.tanh()
    return h, (h, cell)


def gru_step(w, u, b, c, x, state):
    (h,) = state
    (xr, xz, xn), (hr, hz, hn) = (w @ x + b).chunk(3), (u @ h + c).chunk(3)
    r, z = (xr + hr).sigmoid(), (xz + hz).sigmoid()
    h = (1 - z) * (xn + r * hn).tanh() + z * h
    return h, (h,)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize(("cls", "step"), [(Rnn, rnn_step), (Lstm, lstm_step), (Gru, gru_step)])
def test_recurrences(cls, step, both, x) -> None:
    module, y = run(cls(hidden=5, bidirectional=both), x)

    def states(cell, steps):
        out, state = [], (torch.zeros(5, dtype=x.dtype),) * 2
        if step is not lstm_step:
            state = state[:1]
        for x_t in steps:
            h, state = step(cell.weight_ih_l0, cell.weight_hh_l0, cell.bias_ih_l0, cell.bias_hh_l0, x_t, state)
            out.append(h)
        return out

    expected = []
    for row, length in zip(x, LENGTHS, strict=True):
        steps = list(row[:length])
        found = states(module.ahead, steps)
        if both:
            backward = states(module.back, steps[::-1])[::-1]
            found = [torch.cat(pair) for pair in zip(found, backward, strict=True)]
        expected.append([module.output(h) for h in found])
    check(y, expected)


def test_lstm_starts_with_an_open_forget_gate() -> None:
    cell = block(Lstm(5, bidirectional=True), WIDTH).back
    total = cell.bias_ih_l0 + cell.bias_hh_l0
    assert total.tolist() == [0.0] * 5 + [1.0] * 5 + [0.0] * 10
    u = cell.weight_hh_l0[:5]
    assert torch.allclose(u @ u.T, torch.eye(5), atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("spec", [Conv(3), Conv(5, dilation=2), Conv(3, depthwise=True), Conv(3, 4, True)], ids=repr)
def test_convolution(spec, causal, x) -> None:
    module, y = run(spec, x, causal)
    centre = spec.kernel - 1 if causal else (spec.kernel - 1) // 2
    expected = []
    for row, length in zip(x, LENGTHS, strict=True):
        steps = []
        for t in range(length):
            total = module.bias
            for k in range(spec.kernel):
                source = t + spec.dilation * (k - centre)
                if 0 <= source < length:
                    w = module.weight[:, :, k]
                    total = total + (w[:, 0] * row[source] if spec.depthwise else w @ row[source])
            steps.append(F.gelu(module.pointwise(total) if spec.depthwise else total))
        expected.append(steps)
    check(y, expected)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("window", [None, 2])
@pytest.mark.parametrize("positions", ["rotary", "sinusoidal", "learned"])
def test_attention(positions, window, causal, x) -> None:
    module, y = run(Attention(2, window, positions), x, causal)
    expected = []
    for row, length in zip(x, LENGTHS, strict=True):
        row = row[:length]
        if positions == "sinusoidal":
            row = row + sinusoids(torch.arange(length), WIDTH).to(row)
        if positions == "learned":
            row = row + module.positions.table[:length]
        q, k, v = (part(row).view(length, 2, 32) for part in (module.query, module.key, module.value))
        steps = []
        for t in range(length):
            heads = []
            for h in range(2):
                seen = [s for s in range(length) if (window is None or abs(t - s) <= window) and not (causal and s > t)]
                scores = []
                for s in seen:
                    key = turned(k[s, h], s - t) if positions == "rotary" else k[s, h]
                    scores.append(q[t, h] @ key / math.sqrt(32))
                weights = torch.stack(scores).softmax(0)
                heads.append(sum(w * v[s, h] for w, s in zip(weights, seen, strict=True)))
            steps.append(module.output(torch.cat(heads)))
        expected.append(steps)
    tolerance = 1e-5 if positions == "rotary" else 1e-10  # angles are float32
    for y_row, steps, length in zip(y, expected, LENGTHS, strict=True):
        assert (y_row[:length] - torch.stack(steps)).abs().max() < tolerance


def turned(v: torch.Tensor, by: int) -> torch.Tensor:
    """`v` as 16 complex numbers, the i-th turned by `by` steps of its own angle."""
    z = torch.complex(v[:16], v[16:])
    rate = torch.tensor([10_000 ** (-2 * i / 32) for i in range(16)], dtype=torch.float64)
    z = z * torch.exp(1j * by * rate)
    return torch.cat([z.real, z.imag])


def test_sinusoids() -> None:
    table = sinusoids(torch.arange(5), 6)
    for t in range(5):
        for i in range(3):
            angle = t / 10_000 ** (2 * i / 6)
            assert table[t, i].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert table[t, 3 + i].item() == pytest.approx(math.cos(angle), abs=1e-6)
    assert sinusoids(torch.arange(5), 7).shape == (5, 7)


def test_learned_positions_begin_again_after_the_table() -> None:
    learned, position = Learned(6, steps=4), torch.arange(10)
    added = learned(torch.zeros(1, 10, 6), position)[0]
    assert torch.equal(added[4:8], added[:4]) and torch.equal(added[8:], added[:2])


def test_feed_forwards(x) -> None:
    module, y = run(FeedForward(2), x)
    check(y, [[module.outer(F.gelu(module.inner(v))) for v in row[:n]] for row, n in zip(x, LENGTHS, strict=True)])
    module, y = run(GatedFeedForward(2), x)
    gated = [
        [module.outer(F.silu(module.gate(v)) * module.inner(v)) for v in row[:n]]
        for row, n in zip(x, LENGTHS, strict=True)
    ]
    check(y, gated)


def test_skip_adds_zero_and_parallel_adds_its_branches(x) -> None:
    assert not run(Skip(), x)[1].any()
    module, y = run(Parallel((Conv(3), Conv(5), Skip())), x)
    first, second, _ = module.branches
    assert torch.allclose(y, first(x, Context(MASK)) + second(x, Context(MASK)))


def test_flip_reverses_within_each_length() -> None:
    x = torch.arange(14.0).view(2, 7, 1)
    flipped = Context(MASK).flip(x)[..., 0].tolist()
    assert flipped == [[6, 5, 4, 3, 2, 1, 0], [10, 9, 8, 7, 11, 12, 13]]

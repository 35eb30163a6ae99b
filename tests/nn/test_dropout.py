"""Dropout by bytes: how much it drops, what it keeps, and that evaluation is left alone."""

import pytest
import torch

from seqwright.nn.dropout import Dropout, dropout


@pytest.mark.parametrize("p", [0.002, 0.1, 0.5, 0.9])
def test_a_share_is_zero_and_the_mean_stays(p: float) -> None:
    torch.manual_seed(0)
    y = dropout(torch.ones(400_000), p)
    share = max(round(p * 256), 1) / 256
    assert float((y == 0).float().mean()) == pytest.approx(share, abs=3e-3)
    assert torch.equal(y.unique(), torch.tensor([0.0, 256 / (256 - 256 * share)]))
    assert float(y.mean()) == pytest.approx(1.0, abs=0.01)


def test_the_ends_are_torchs() -> None:
    x = torch.randn(5, 3)
    assert torch.equal(dropout(x, 0.0), x) and not dropout(x, 1.0).any()
    assert torch.equal(Dropout(0.5).eval()(x), x)


def test_gradients_pass_where_units_are_kept() -> None:
    x = torch.randn(3, 7, 5, requires_grad=True)
    y = Dropout(0.4)(x)
    y.sum().backward()
    torch.testing.assert_close(x.grad, (y != 0).float() * 256 / (256 - 102))


def test_what_is_drawn_depends_on_the_seed_and_the_shape_alone() -> None:
    x = torch.ones(6, 4, 9)
    found = []
    for given in (x, x.transpose(0, 1).contiguous().transpose(0, 1), x.bfloat16()):
        torch.manual_seed(3)
        found.append((dropout(given, 0.3) == 0, torch.rand(1)))
    assert all(torch.equal(zero, found[0][0]) and torch.equal(after, found[0][1]) for zero, after in found)
    units = dropout(torch.ones(1000, 8), 0.5)
    assert all(0.4 < float((units[:, i] == 0).float().mean()) < 0.6 for i in range(8)), "some byte of a word is fixed"

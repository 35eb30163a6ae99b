"""Attention spelt out gives what torch's fused one gives, and is what encoders use on a CPU."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from seqwright.data.checkpoint import locate
from seqwright.nn import cpu_attention
from seqwright.nn.cpu_attention import NAME, attention
from seqwright.nn.encoders import Encoder
from seqwright.testing.encoder import tiny_encoder


def drawn(dtype: torch.dtype = torch.float32) -> "tuple[Any, ...]":
    torch.manual_seed(0)
    q, k, v = (torch.randn(3, 2, 7, 8, dtype=dtype) for _ in range(3))
    allowed = torch.arange(7) < torch.tensor([7, 4, 1])[:, None, None, None]
    return q, k, v, allowed


@pytest.mark.parametrize("scale", [None, 0.7])
def test_it_is_torchs_attention(scale: "float | None", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_attention, "dropout", lambda weights, p: weights)
    q, k, v, allowed = drawn(torch.float64)
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed, scale=scale)
    torch.testing.assert_close(attention(q, k, v, allowed, 0.5, scale), expected)


def test_in_bfloat16_forward_and_back() -> None:
    exact, rounded = drawn(), [x.bfloat16() if x.is_floating_point() else x for x in drawn()]
    for each in (*exact[:3], *rounded[:3]):
        each.requires_grad_()
    y, x = attention(*exact), attention(*rounded)
    torch.testing.assert_close(y, x.float(), rtol=0.05, atol=0.05)
    y.sum().backward()
    x.sum().backward()
    torch.testing.assert_close(exact[2].grad, rounded[2].grad.float(), rtol=0.05, atol=0.05)


def test_weights_are_dropped_and_padding_stays_unseen() -> None:
    q, k, _, allowed = drawn()
    v = torch.eye(7).expand(3, 2, 7, 7)
    weights = torch.stack([attention(q, k, v, allowed, 0.5) for _ in range(300)])
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
    torch.testing.assert_close(weights.mean(0), expected, rtol=0.4, atol=0.05)
    assert 0.45 < float((weights[:, 0] == 0).float().mean()) < 0.55 and not weights[:, 2, ..., 1:].any()


def test_encoders_use_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Encoder.read(locate(tiny_encoder(tmp_path)).folder)
    assert encoder.model.config._attn_implementation == NAME
    ids, mask = torch.randint(5, 20, (2, 6)), torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    seen: list[torch.Tensor] = []

    def watched(*given: Any) -> torch.Tensor:
        seen.append(given[3])
        return attention(*given)

    monkeypatch.setattr(cpu_attention, "attention", watched)
    spelt = encoder.states(ids, mask, cuts=[encoder.depth])[encoder.depth]
    assert len(seen) == encoder.depth
    encoder.model.set_attn_implementation("sdpa")
    usual = encoder.states(ids, mask, cuts=[encoder.depth])[encoder.depth]
    torch.testing.assert_close(spelt[mask], usual[mask], rtol=1e-4, atol=1e-4)

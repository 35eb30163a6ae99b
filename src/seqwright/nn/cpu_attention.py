"""Attention spelt out where torch's fused one is slow: on a CPU in bfloat16, and with dropout.

Measured on one core with 4 heads of 32 and texts of 16 to 128 steps in bfloat16: training 3 to 10 times as fast, for
the fused gradient is slow, and evaluation 1.3 to 1.5 times. In float32 without dropout the fused one is the faster.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from seqwright.nn.dropout import dropout

NAME = "seqwright"  # by which `transformers` knows it


def attention(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor, p: float = 0.0, scale: float | None = None) -> Tensor:
    """softmax(q k' scale) v over the keys that are allowed, a share `p` of the weights dropped; (B, H, T, D).

    Args:
        allowed: bool, broadcasts to (B, H, T, T); every query may see some key.
        scale: 1 / sqrt(D) by default.
    """
    if q.device.type != "cpu" or (q.dtype != torch.bfloat16 and not p):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=allowed, dropout_p=p, scale=scale)
    scores = torch.matmul(q * (q.shape[-1] ** -0.5 if scale is None else scale), k.transpose(-2, -1))
    scores = scores.masked_fill(~allowed, torch.finfo(scores.dtype).min)
    weights = scores.softmax(-1, dtype=torch.promote_types(scores.dtype, torch.float32)).to(v.dtype)
    return torch.matmul(dropout(weights, p) if p else weights, v)


def install(model: Any) -> None:
    """Let a model of `transformers` attend so, if its family lets that be chosen."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    if getattr(model, "_supports_attention_backend", False):
        AttentionInterface.register(NAME, _called)
        AttentionMaskInterface.register(NAME, sdpa_mask)
        model.set_attn_implementation(NAME)


def _called(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """As `transformers` calls an attention; what is not plain goes to torch's by its own way."""
    plain = key.shape == query.shape and attention_mask is not None and attention_mask.dtype == torch.bool
    if not plain or more.get("position_bias") is not None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        return sdpa_attention_forward(module, query, key, value, attention_mask, dropout, scaling, **more)
    assert attention_mask is not None
    return attention(query, key, value, attention_mask, dropout, scaling).transpose(1, 2).contiguous(), None

"""Families of pretrained encoders: how each one's embeddings, layers and masks are called.

`transformers` runs a model as a whole; a cut needs its parts. Every family is one entry of `FAMILIES`, plain
functions of the loaded model. Batches are padded on the right, whatever side the family was trained with: positions
count from the first real step, relative ones do not care, and a mask keeps padding out of all attention.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Family:
    """How a family's model is taken apart.

    Args:
        blocks: its layers in order; a layer that shares its weights stands here more than once.
        embed: (model, ids (B, T), segments (B, T) or None) -> (B, T, D).
        around: (model, x, mask, segments) -> what every layer wants besides x.
        final: the norm after the last layer, if there is one.
        causal: step t sees steps up to t only.
        cls_at: where the step stands that sums the text up.
        projections: names of the linear maps of attention, for low-rank additions.
        flipped: layers take (T, B, D).
        transposed: the projections keep their weights as (in, out).
    """

    blocks: Callable[[Any], list[nn.Module]]
    embed: Callable[[Any, Tensor, Tensor | None], Tensor]
    around: "Callable[[Any, Tensor, Tensor, Tensor | None], Arguments]"
    final: Callable[[Any], nn.Module | None] = lambda model: None
    causal: bool = False
    cls_at: str = "first"
    projections: tuple[str, ...] = ("query", "key", "value")
    flipped: bool = False
    transposed: bool = False


def _real(mask: Tensor) -> Tensor:
    """(B, 1, 1, T) bool: the keys that may be seen; in a row without a real step all, for softmax needs one."""
    return (mask | ~mask.any(1, keepdim=True))[:, None, None, :]


def _both_ways(model: Any, x: Tensor, mask: Tensor, segments: Tensor | None) -> Arguments:
    return {"attention_mask": _real(mask)}


def _backward(model: Any, x: Tensor, mask: Tensor, segments: Tensor | None) -> Arguments:
    steps = torch.arange(mask.shape[1], device=mask.device)
    seen = steps[None, :] <= steps[:, None]  # (T, T): step t sees t and what came before it
    if (window := getattr(model.config, "sliding_window", None)) and _slides(model.config):
        seen = seen & (steps[None, :] > steps[:, None] - window)
    return {"attention_mask": _real(mask) & seen}


def _slides(config: Any) -> bool:
    # Families that mix sliding and full layers name them; texts here are far shorter than any window but a toy's.
    return "full_attention" not in (getattr(config, "layer_types", None) or [])


def _with_segments(model: Any, ids: Tensor, segments: Tensor | None) -> Tensor:
    embeddings = model.embeddings
    if segments is not None and embeddings.token_type_embeddings.num_embeddings < 2:
        segments = None  # RoBERTa has one segment
    first = (
        getattr(embeddings, "padding_idx", None) if hasattr(embeddings, "create_position_ids_from_input_ids") else None
    )
    positions = torch.arange(ids.shape[1], device=ids.device).unsqueeze(0)
    if first is not None:  # RoBERTa's positions begin behind its padding's
        positions = positions + first + 1
    return embeddings(input_ids=ids, token_type_ids=segments, position_ids=positions)


def _bert(**differs: Any) -> Family:
    return Family(lambda m: list(m.encoder.layer), _with_segments, _both_ways, **differs)


# DistilBERT, ALBERT, ELECTRA ---------------------------------------------------------------------


def _distilbert_embed(model: Any, ids: Tensor, segments: Tensor | None) -> Tensor:
    return model.embeddings(ids)


def _albert_embed(model: Any, ids: Tensor, segments: Tensor | None) -> Tensor:
    return model.encoder.embedding_hidden_mapping_in(_with_segments(model, ids, segments))


def _albert_blocks(model: Any) -> list[nn.Module]:
    groups, depth = model.encoder.albert_layer_groups, model.config.num_hidden_layers
    return [groups[i * len(groups) // depth] for i in range(depth)]


def _electra_embed(model: Any, ids: Tensor, segments: Tensor | None) -> Tensor:
    x = _with_segments(model, ids, segments)
    return model.embeddings_project(x) if hasattr(model, "embeddings_project") else x


# XLNet -------------------------------------------------------------------------------------------


def _xlnet_embed(model: Any, ids: Tensor, segments: Tensor | None) -> Tensor:
    return model.word_embedding(ids)


def _xlnet_around(model: Any, x: Tensor, mask: Tensor, segments: Tensor | None) -> Arguments:
    """Relative positions, and masks as 1 where nothing is seen; a step always sees itself."""
    batch, steps = mask.shape
    hidden = (~mask).to(x.dtype).transpose(0, 1)[None]  # (1, T, B)
    hidden = hidden.expand(steps, steps, batch)
    if model.attn_type == "uni":
        after = torch.ones(steps, steps, device=x.device, dtype=x.dtype).triu(1)
        hidden = hidden.maximum(after[:, :, None])
    itself = torch.eye(steps, device=x.device, dtype=x.dtype)[:, :, None]
    hidden = (hidden - itself).clamp(min=0)[..., None]  # (T, T, B, 1)
    apart = None
    if segments is not None:
        across = segments.transpose(0, 1)
        differ = (across[:, None] != across[None]).to(x.dtype)
        apart = torch.stack([1 - differ, differ], -1)  # (T, T, B, 2)
    places = model.relative_positional_encoding(steps, steps, bsz=batch, device=x.device).to(x.dtype)
    return {"output_g": None, "attn_mask_h": hidden, "attn_mask_g": None, "r": places, "seg_mat": apart}


# Causal language models --------------------------------------------------------------------------


def _gpt2_embed(model: Any, ids: Tensor, segments: Tensor | None) -> Tensor:
    return model.wte(ids) + model.wpe(torch.arange(ids.shape[1], device=ids.device))


def _llama_embed(model: Any, ids: Tensor, segments: Tensor | None) -> Tensor:
    return model.embed_tokens(ids)


def _llama_around(model: Any, x: Tensor, mask: Tensor, segments: Tensor | None) -> Arguments:
    positions = torch.arange(mask.shape[1], device=x.device).unsqueeze(0)
    return _backward(model, x, mask, segments) | {"position_embeddings": model.rotary_emb(x, positions)}


_LLAMA = Family(
    lambda m: list(m.layers),
    _llama_embed,
    _llama_around,
    final=lambda m: m.norm,
    causal=True,
    cls_at="last",
    projections=("q_proj", "k_proj", "v_proj"),
)

FAMILIES: dict[str, Family] = {
    "bert": _bert(),
    "roberta": _bert(),
    "xlm-roberta": _bert(),
    "camembert": _bert(),
    "distilbert": Family(
        lambda m: list(m.transformer.layer), _distilbert_embed, _both_ways, projections=("q_lin", "k_lin", "v_lin")
    ),
    "albert": Family(_albert_blocks, _albert_embed, _both_ways),
    "electra": Family(lambda m: list(m.encoder.layer), _electra_embed, _both_ways),
    "xlnet": Family(
        lambda m: list(m.layer),
        _xlnet_embed,
        _xlnet_around,
        cls_at="last",
        projections=("layer_1", "layer_2"),  # its attention has bare tensors for projections, not linear maps
        flipped=True,
    ),
    "gpt2": Family(
        lambda m: list(m.h),
        _gpt2_embed,
        _backward,
        final=lambda m: m.ln_f,
        causal=True,
        cls_at="last",
        projections=("c_attn",),
        transposed=True,
    ),
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "qwen2": _LLAMA,
    "qwen3": _LLAMA,
}

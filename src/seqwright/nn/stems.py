"""Stems: from an input stream of the batch to (B, T, D) and its mask.

``forward(batch, side)`` reads its streams, of `side` ".a" or ".b" where two inputs are compared.
"""

import math
from functools import singledispatch
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.interface import PADDING, Interface, Stream
from seqwright.arch.network import (
    Channels,
    Characters,
    KernelFeatures,
    NgramBag,
    Pixels,
    Subwords,
    Words,
    WordsAndCharacters,
)
from seqwright.errors import SpaceError
from seqwright.nn.build import unregistered

Batch = dict[str, Tensor]


class TokenStem(nn.Module):
    """x_t = E[token_t], rows of the table N(0, 1 / D) and zero for padding."""

    def __init__(self, name: str, stream: Stream, width: int) -> None:
        super().__init__()
        self.name = name
        self.embedding = nn.Embedding(stream.size, width, padding_idx=PADDING)
        _small(self.embedding.weight)

    def forward(self, batch: Batch, side: str = "") -> tuple[Tensor, Tensor]:
        return self.embedding(batch[self.name + side]), batch[f"{self.name}{side}.mask"]


class WordsAndCharactersStem(nn.Module):
    """x_t = E[word_t] + mean_k G[ngram_tk] (Bojanowski et al. 2017, arXiv:1607.04606)."""

    def __init__(self, words: Stream, characters: Stream, width: int) -> None:
        super().__init__()
        self.words = nn.Embedding(words.size, width, padding_idx=PADDING)
        self.ngrams = nn.Parameter(torch.empty(characters.size, width))
        _small(self.words.weight)
        _small(self.ngrams)

    def forward(self, batch: Batch, side: str = "") -> tuple[Tensor, Tensor]:
        ngrams = batch["word_characters" + side]  # (B, T, K)
        mean = F.embedding_bag(ngrams.flatten(0, 1), self.ngrams, mode="mean", padding_idx=PADDING)
        return self.words(batch["words" + side]) + mean.unflatten(0, ngrams.shape[:2]), batch[f"words{side}.mask"]


class NgramBagStem(nn.Module):
    """x_1 = sum_f weight_f E[f]: a whole text as one step (Joulin et al. 2017, arXiv:1607.01759).

    The table starts near zero, so that n-grams never seen in training say nothing, as in a linear model. Adam
    would give a rare n-gram's row steps as large as a common one's, and learn the training set by heart; with
    an epsilon above the usual gradient (`adam_epsilon`) a row moves as far as there is evidence for it.
    """

    adam_epsilon = 1e-4

    def __init__(self, stream: Stream, width: int) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(stream.size, width) * 0.01)

    def forward(self, batch: Batch, side: str = "") -> tuple[Tensor, Tensor]:
        weight = batch[f"ngrams{side}.weight"].to(self.embedding.dtype)
        total = F.embedding_bag(
            batch["ngrams" + side], self.embedding, mode="sum", per_sample_weights=weight, padding_idx=PADDING
        )
        return _one_step(total)


class ChannelsStem(nn.Module):
    """x_j = W [c_{js-k/2} .. c_{js+k/2}] + b: (B, T, C) -> (B, ceil(T / s), D), with a mask of that length."""

    def __init__(self, stream: Stream, width: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.projection = nn.Conv1d(stream.size, width, kernel, stride, padding=kernel // 2)

    def forward(self, batch: Batch, side: str = "") -> tuple[Tensor, Tensor]:
        mask = batch[f"channels{side}.mask"]
        series = batch["channels" + side].to(self.projection.weight.dtype)
        x = self.projection((series * mask.unsqueeze(-1)).transpose(1, 2)).transpose(1, 2)
        return x, mask[:, :: self.stride]


class PixelsStem(nn.Module):
    """x_hw = W [the K x K pixels around (h s, w s)] + b, row by row: (B, C, H, W) -> (B, ceil(H / s) ceil(W / s), D).

    In the memory of a channels-last image, so that what follows in two dimensions reads it without a copy.
    """

    def __init__(self, stream: Stream, width: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.projection = nn.Conv2d(stream.size, width, kernel, stride, padding=kernel // 2)

    def forward(self, batch: Batch, side: str = "") -> tuple[Tensor, Tensor]:
        x = self.projection(batch["image" + side].to(self.projection.weight.dtype))
        x = x.flatten(2).transpose(1, 2)
        return x, torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)


class KernelFeaturesStem(nn.Module):
    """x_1 = W f + b of a series' pooled kernel responses f, standardised where they are prepared."""

    def __init__(self, stream: Stream, width: int) -> None:
        super().__init__()
        self.projection = nn.Linear(stream.size, width)

    def forward(self, batch: Batch, side: str = "") -> tuple[Tensor, Tensor]:
        return _one_step(self.projection(batch["kernels" + side].to(self.projection.weight.dtype)))


def _one_step(x: Tensor) -> tuple[Tensor, Tensor]:
    return x.unsqueeze(1), torch.ones(x.shape[0], 1, dtype=torch.bool, device=x.device)


def _small(table: Tensor) -> None:
    with torch.no_grad():
        table.normal_(std=1 / math.sqrt(table.shape[1]))
        table[PADDING].zero_()


@singledispatch
def stem(spec: Any, interface: Interface, width: int) -> nn.Module:
    """The module of a stem.

    Raises:
        SpaceError: no module is registered for this type of spec, or the interface lacks a stream it reads.
    """
    raise unregistered("stem", stem.registry, spec)


@stem.register
def _(spec: Words | Subwords | Characters, interface: Interface, width: int) -> nn.Module:
    (stream,) = _streams(spec, interface)
    return TokenStem(spec.reads[0], stream, width)


@stem.register
def _(spec: WordsAndCharacters, interface: Interface, width: int) -> nn.Module:
    return WordsAndCharactersStem(*_streams(spec, interface), width=width)


@stem.register
def _(spec: NgramBag, interface: Interface, width: int) -> nn.Module:
    return NgramBagStem(*_streams(spec, interface), width=width)


@stem.register
def _(spec: Channels, interface: Interface, width: int) -> nn.Module:
    if interface.per_step and spec.stride > 1:
        raise SpaceError(f"Channels(stride={spec.stride}) drops steps, but every step needs an output. Use stride=1.")
    return ChannelsStem(*_streams(spec, interface), width=width, kernel=spec.kernel, stride=spec.stride)


@stem.register
def _(spec: Pixels, interface: Interface, width: int) -> nn.Module:
    return PixelsStem(*_streams(spec, interface), width=width, kernel=spec.kernel, stride=spec.stride)


@stem.register
def _(spec: KernelFeatures, interface: Interface, width: int) -> nn.Module:
    return KernelFeaturesStem(*_streams(spec, interface), width=width)


def _streams(spec: Any, interface: Interface) -> list[Stream]:
    """The streams that a stem reads, in the order it names them."""
    known = dict(interface.streams)
    if missing := [name for name in spec.reads if name not in known]:
        raise SpaceError(
            f'The stem {type(spec).__name__} reads the stream "{missing[0]}", which the data does not give. '
            f"It gives: {', '.join(known) or 'none'}. Prepare that stream, or choose another stem."
        )
    return [known[name] for name in spec.reads]

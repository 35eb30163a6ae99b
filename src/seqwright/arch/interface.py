"""The interface: what the data decides about a network - its input streams and its output.

A batch is a dict of tensors. Stream `s` gives `batch[s]` and, where it has steps, `batch[s + ".mask"]`, (B, T),
true at real steps. By form:

========== ======================== =========================================================
form       batch[s]                 padding
========== ======================== =========================================================
tokens     (B, T) int64             0; 1 is unknown, 2 the separator of a joined pair
characters (B, T, K) int64          0; the hashed character n-grams of each step
bag        (B, F) int64             0, and `batch[s + ".weight"]` (B, F) float32 is 0 there
channels   (B, T, C) float32        0
features   (B, F) float32           none
image      (B, C, H, W) float32     none: the images of a batch have one size
pieces     (B, T) int64             0: ids of a pretrained encoder's own vocabulary
========== ======================== =========================================================

Pieces have `batch[s + ".segments"]` (B, T) int64 where a pair is joined. What a frozen encoder makes of them may be
given beside them, so that nobody computes it again: `batch[s + "@3"]` (B, T, D) the hidden states after three layers.

A pair has each stream three times: `words` (joined), `words.a` and `words.b`.
"""

from dataclasses import dataclass
from typing import Literal

Form = Literal["tokens", "characters", "bag", "channels", "features", "image", "pieces"]

PADDING, UNKNOWN, SEPARATOR = 0, 1, 2  # token ids; a vocabulary's own begin at 3


@dataclass(frozen=True)
class Stream:
    """One input: its form, its size (vocabulary, buckets, channels, features) and the longest T it may have.

    Pieces belong to a checkpoint: `source` is its folder, `digest` the first 12 hex digits of its weights' digest, and
    the encoder in it has `depth` layers of `width` units. An image has `size` channels of `height` x `width` pixels.
    """

    form: Form
    size: int
    length: int = 1
    source: str = ""
    digest: str = ""
    depth: int = 0
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Interface:
    """Input streams by name, and the output: `classes` logits for the whole sequence or for every step."""

    streams: tuple[tuple[str, Stream], ...]
    classes: int
    per_step: bool = False
    sides: int = 1

    def stream(self, name: str) -> Stream:
        return dict(self.streams)[name]

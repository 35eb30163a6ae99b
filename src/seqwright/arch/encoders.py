"""Pretrained encoders and the heads that are put on them, as plain frozen data.

`Pretrained` is a stem: an encoder trained elsewhere, read from a checkpoint. `HeadedEncoder` is a whole network in the
stages of Kenneweg et al. 2024 (arXiv:2403.18547): encoder -> attention -> convolution -> recurrence -> readout ->
dense stack -> logits, where every stage but the first and the last two may be `Skip`.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from seqwright.arch.blocks import Skip
from seqwright.arch.kinds import kind
from seqwright.space.nodes import among

_NOTHING = Skip()

# The encoder, and how much of it is trained -----------------------------------------------------


@kind
@dataclass(frozen=True)
class Frozen:
    """The encoder stays as it came: its hidden states are computed once and kept."""


@kind
@dataclass(frozen=True)
class Tuned:
    """The top layers train on, once the head has learned from the frozen encoder (Kumar et al. 2022, arXiv:2202.10054).

    `share` of the layers, from the top; each layer's rate is `decay` times that of the one above it
    (Howard & Ruder 2018, arXiv:1801.06146). The head has the recipe's rate; so have all these
    layers where `learning_rate` is None. Embeddings stay as they are.
    """

    share: float = among(0.25, 0.5, 1.0, default=1.0)
    learning_rate: float | None = among(3e-5, 1e-4, 3e-4, default=1e-4)
    decay: float = among(0.8, 0.9, 1.0, default=1.0)


@kind
@dataclass(frozen=True)
class Lora:
    """Low-rank additions to the attention's projections train, nothing else (Hu et al. 2021, arXiv:2106.09685)."""

    rank: int = among(4, 8, 16, default=8)
    learning_rate: float = among(3e-4, 1e-3, 3e-3, default=1e-3)


@kind
@dataclass(frozen=True)
class Pretrained:
    """An encoder trained elsewhere, with a tokenizer of its own.

    Args:
        encoder: the first 12 hex digits of its weights' digest, never a path; "" for whichever the data are
            prepared for.
        layers: how many of its last layers' hidden states are concatenated.
        tuning: `Frozen`, `Tuned` or `Lora`.
    """

    reads: ClassVar[tuple[str, ...]] = ("pretrained",)

    encoder: str = ""
    layers: int = among(1, 2, 4)
    tuning: Any = Frozen()


def tuned_from(spec: Pretrained, depth: int) -> int:
    """The cut below which nothing trains, even once the encoder has thawed: `depth` where it stays frozen."""
    match spec.tuning:
        case Tuned(share=share):
            return depth - min(depth, max(1, int(share * depth + 0.5)))
        case Lora():
            return 0
        case _:
            return depth


def read_cuts(spec: Pretrained, depth: int) -> tuple[int, ...]:
    """The cuts whose states are concatenated: those after the last `layers` layers, or all where there are fewer."""
    return tuple(range(max(1, depth - spec.layers + 1), depth + 1))


def cuts(spec: Pretrained, depth: int, thawed: bool | None = None) -> tuple[int, ...]:
    """The cuts whose frozen states are worth keeping for a stem, in order.

    Never cut 0: the embeddings are looked up as fast as anything kept is read.

    Args:
        depth: layers of the encoder.
        thawed: before it thaws those that the head reads, after it the one that training starts from, and those below
            that the head reads; None for both.
    """
    read, start = set(read_cuts(spec, depth)), tuned_from(spec, depth)
    after = {start, *(cut for cut in read if cut < start)} - {0} if start < depth else read
    return tuple(sorted(read | after if thawed is None else after if thawed else read))


# The stages of a head ---------------------------------------------------------------------------


@kind
@dataclass(frozen=True)
class AttentionStage:
    """Post-norm Transformer layers of the encoder's width (Vaswani et al. 2017, arXiv:1706.03762)."""

    heads: int = among(1, 2, 4, 8, 16)
    layers: int = among(1, 2, 3, 4, 5)


@kind
@dataclass(frozen=True)
class ConvStage:
    """Convolutions of one width; `skip` adds the first one's output to the last's."""

    width: int = among(*range(5, 201))
    layers: int = among(1, 2, 3, 4, 5)
    kernel: int = among(3, 5, 7, 9, 11)
    skip: bool = among(False, True, ordered=False)


@kind
@dataclass(frozen=True)
class RecurrentStage:
    """LSTM or GRU layers."""

    cell: str = among("lstm", "gru", ordered=False)
    hidden: int = among(32, 64, 128, 256, default=128)
    layers: int = among(1, 2)
    bidirectional: bool = among(False, True, ordered=False)


@kind
@dataclass(frozen=True)
class ClsToken:
    """The step that sums a text up for the encoder: [CLS], wherever it stands; the last step of a causal one."""


@kind
@dataclass(frozen=True)
class Dense:
    """`layers` linear maps, the last to the logits; all the others have `width` units and the activation."""

    layers: int = among(1, 2, 3, 4, 5)
    width: int = among(*range(5, 201), default=128)


@kind
@dataclass(frozen=True)
class HeadedEncoder:
    """A pretrained encoder and its head.

    Args:
        attention, convolution, recurrence: a stage, or `Skip`.
        readout: `ClsToken`, `Mean`, `Max`, `Last` or `AttentionPool`.
        norm: a layer norm on what the readout gives, before the dense stack.
        pairing: as for `Network`; `compared` reads two texts alone and gives the dense stack [u, v, abs(u-v), u*v].
    """

    stem: Pretrained = Pretrained()
    attention: Any = _NOTHING
    convolution: Any = _NOTHING
    recurrence: Any = _NOTHING
    readout: Any = ClsToken()
    dense: Dense = Dense()
    activation: str = among("relu", "gelu", "tanh", ordered=False)
    norm: bool = among(False, True, ordered=False)
    pairing: Literal["joined", "compared"] = "joined"

    @property
    def streams(self) -> tuple[str, ...]:
        """The input streams that this network reads."""
        sides = (".a", ".b") if self.pairing == "compared" else ("",)
        return tuple(name + side for name in self.stem.reads for side in sides)

    @property
    def pooled(self) -> bool:
        """Whether the dense stack reads a fixed function of the encoder's states: their mean, maximum or one step."""
        plain = all(stage == _NOTHING for stage in (self.attention, self.convolution, self.recurrence))
        return plain and type(self.readout).__name__ in ("Mean", "Max", "Last", "ClsToken")

"""The top records: how stem, body, readout and head make a network.

`Network` is the whole: a stem turns one input stream into (B, T, D), the body's layers keep that shape,
the readout makes (B, D) of it (or leaves every step standing), the head gives the logits.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from seqwright.arch.kinds import kind
from seqwright.space.nodes import among

# Stems: which streams a network reads, and how --------------------------------------------------


@kind
@dataclass(frozen=True)
class Words:
    """An embedding of whole words."""

    reads: ClassVar[tuple[str, ...]] = ("words",)


@kind
@dataclass(frozen=True)
class Subwords:
    """An embedding of byte-pair subwords: no word is unknown."""

    reads: ClassVar[tuple[str, ...]] = ("subwords",)


@kind
@dataclass(frozen=True)
class Characters:
    """An embedding of single characters: spelling, morphology, noise; long sequences."""

    reads: ClassVar[tuple[str, ...]] = ("characters",)


@kind
@dataclass(frozen=True)
class WordsAndCharacters:
    """Words, plus the hashed character n-grams of each (Bojanowski et al. 2017, arXiv:1607.04606)."""

    reads: ClassVar[tuple[str, ...]] = ("words", "word_characters")


@kind
@dataclass(frozen=True)
class NgramBag:
    """A bag of hashed word and character n-grams, TF-IDF weighted, as a sequence of one step."""

    reads: ClassVar[tuple[str, ...]] = ("ngrams",)


@kind
@dataclass(frozen=True)
class Channels:
    """A linear projection of a series' channels, `kernel` steps at a time and every `stride` steps."""

    reads: ClassVar[tuple[str, ...]] = ("channels",)

    kernel: int = among(1, 3, 7)
    stride: int = among(1, 2, 4)


@kind
@dataclass(frozen=True)
class KernelFeatures:
    """Pooled responses to fixed random convolution kernels (Dempster et al. 2021, arXiv:2012.08791), one step."""

    reads: ClassVar[tuple[str, ...]] = ("kernels",)


@kind
@dataclass(frozen=True)
class Pixels:
    """A linear projection of an image, `kernel` x `kernel` pixels at a time and every `stride` of them, row by row."""

    reads: ClassVar[tuple[str, ...]] = ("image",)

    kernel: int = among(1, 3, 7, default=3)
    stride: int = among(1, 2, 4)


# Body ------------------------------------------------------------------------------------------


@kind
@dataclass(frozen=True)
class Layer:
    """A token mixer, then a channel mixer, each added to the residual stream."""

    mixer: Any
    channel: Any


@kind
@dataclass(frozen=True)
class Body:
    """Layers of one width D. `norm` says where they normalise, `statistics` over what."""

    layers: tuple[Any, ...]
    width: int = among(32, 64, 128, 256, default=128)
    norm: str = among("pre", "post", "none", ordered=False)
    statistics: str = among("layer", "batch", ordered=False)


# Readouts --------------------------------------------------------------------------------------


@kind
@dataclass(frozen=True)
class Mean:
    """The mean over steps."""


@kind
@dataclass(frozen=True)
class Max:
    """The largest value of every unit over steps."""


@kind
@dataclass(frozen=True)
class Last:
    """The last step that is not padding."""


@kind
@dataclass(frozen=True)
class Cls:
    """A learned step put in front of the sequence and read at the end (Devlin et al. 2019, arXiv:1810.04805)."""


@kind
@dataclass(frozen=True)
class AttentionPool:
    """A learned query per head that weighs the steps (Lin et al. 2017, arXiv:1703.03130)."""

    heads: int = among(1, 4)


@kind
@dataclass(frozen=True)
class PerStep:
    """Every step stands: one output each."""


# Head and whole --------------------------------------------------------------------------------


@kind
@dataclass(frozen=True)
class Mlp:
    """`layers` hidden layers of `width` units and GELU, then one linear map to the logits."""

    layers: int = among(0, 1, 2)
    width: int = among(64, 128, 256, default=128)


@kind
@dataclass(frozen=True)
class Network:
    """stem -> body -> readout -> head.

    `pairing` is for tasks with two inputs: `joined` reads them as one sequence with a separator,
    `compared` reads each alone with shared weights and hands the head [u, v, abs(u-v), u*v].
    """

    stem: Any
    body: Body
    readout: Any
    head: Mlp = Mlp()
    pairing: Literal["joined", "compared"] = "joined"

    @property
    def streams(self) -> tuple[str, ...]:
        """The input streams that this network reads."""
        sides = (".a", ".b") if self.pairing == "compared" else ("",)
        return tuple(name + side for name in self.stem.reads for side in sides)

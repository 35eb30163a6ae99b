"""A candidate: an architecture and the recipe that trains it. Both are searchable."""

from dataclasses import dataclass
from typing import Any

from seqwright.arch.kinds import kind
from seqwright.space.nodes import among


@kind
@dataclass(frozen=True)
class Recipe:
    """How a network is trained: AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101) and its company.

    Continuous settings are log-spaced grids, so that ids, counts and enumeration are exact.
    `input_dropout` is the share of tokens replaced by the unknown one (of channels zeroed, for series);
    `class_balance` weighs each class by its frequency to the power of minus that.
    """

    learning_rate: float = among(3e-4, 1e-3, 3e-3, 1e-2, 3e-2, default=1e-3)
    weight_decay: float = among(0.0, 1e-4, 1e-3, 1e-2, 1e-1, default=1e-2)
    batch_size: int = among(16, 32, 64, default=32)
    warmup_steps: int = among(10, 50, default=50)
    dropout: float = among(0.0, 0.1, 0.3, 0.5, default=0.1)
    input_dropout: float = among(0.0, 0.1, 0.3)
    label_smoothing: float = among(0.0, 0.1)
    class_balance: float = 0.0


@kind
@dataclass(frozen=True)
class Candidate:
    """What a trial trains. Its id is `arch.codec.identity(candidate)`: 12 hex digits."""

    architecture: Any
    recipe: Recipe = Recipe()

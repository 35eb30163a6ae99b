"""The seam of one-shot search: `train` dispatches on how a supernet is to be trained.

A method registers a function for its record, ``@train.register`` over (training: Paths, supernet, recipe, work), in a
file that `oneshot/__init__.py` imports.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import singledispatch
from pathlib import Path
from typing import Any

import torch

from seqwright.arch.candidate import Recipe
from seqwright.arch.interface import Interface
from seqwright.arch.supernet import Supernet
from seqwright.data.examples import Encoded
from seqwright.errors import SpaceError, did_you_mean
from seqwright.train.fit import Plan


@dataclass(frozen=True)
class Work:
    """What a supernet learns from, for how long, and where its state lies.

    Args:
        train, valid: prepared examples with all the streams that any of its networks reads.
        score: (probabilities, targets, weights of examples or None) -> higher is better.
        examples: to be seen in all, by all its networks together: a batch that passes four of them counts four times.
        plan: seed, precision, `stop_at` and `save_every_s` are to be kept to; `steps` are those of one network.
        state: the training state to write, in the format of `train.checkpoint`, and to go on from where it exists.
        begin: the state of another supernet with whose weights to begin, as far as they fit; None for chance.
    """

    interface: Interface
    train: Encoded
    valid: Encoded
    score: Callable[[Any, Any, Any], float]
    examples: int
    plan: Plan
    device: torch.device
    state: Path | None = None
    begin: Path | None = None


@dataclass(frozen=True)
class Trained:
    """What came of it.

    Args:
        score: on validation, of a derived network on the shared weights: for the record only, never a verdict.
        probabilities: what that network answers on validation.
        examples, seconds: seen and spent since the very start, by this call and those that it continues.
        found: `Trial.found`: "prior", "derived".
    """

    score: float
    probabilities: Any
    examples: int
    seconds: float
    curve: list[tuple[float, ...]] = field(default_factory=list[tuple[float, ...]])
    notes: list[str] = field(default_factory=list[str])
    found: dict[str, Any] = field(default_factory=dict[str, Any])


@singledispatch
def train(training: Any, supernet: Supernet, recipe: Recipe, work: Work) -> Trained:
    """Train a supernet as `training`, its own, says. Ends at `work.plan.stop_at` with what it has.

    Raises:
        SpaceError: nothing is registered for this kind of training, or the space shares no weights in this way.
        Diverged: the loss became infinite or not a number.
    """
    known = sorted(cls.__name__ for cls in train.registry if cls is not object)
    given = type(training).__name__
    raise SpaceError(
        f"No training of supernets is registered for {given}.{did_you_mean(given, known)} Registered are: "
        f"{', '.join(known)}. Register your own with @train.register."
    )

"""Small generated data, and a way to train an architecture on it, for the tests of training."""

from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seqwright.arch.candidate import Recipe
from seqwright.data.examples import Encoded, Examples
from seqwright.data.prepare import Preparation
from seqwright.nn.build import build
from seqwright.train.fit import Plan, Run, fit

WORDS = ["red", "green", "blue", "round", "square", "small", "big", "old", "new"]
STREAMS = ("words", "subwords", "characters", "word_characters", "ngrams")
RECIPE = Recipe(learning_rate=3e-3, batch_size=8, warmup_steps=5, dropout=0.3, input_dropout=0.1, label_smoothing=0.1)


@dataclass(frozen=True)
class Data:
    preparation: Preparation
    encoded: Encoded
    classes: int
    per_step: bool = False


@cache
def texts(rows: int = 48) -> Data:
    """The class is the key word's."""
    rng = np.random.default_rng(0)
    keys = rng.integers(0, 3, rows)
    given = [f"{' '.join(rng.choice(WORDS, rng.integers(1, 7)))} key{key}" for key in keys]
    weights = rng.random(rows).astype(np.float32) + 0.5
    return _prepared(Examples({"text": given}, keys, weights), STREAMS, 3)


@cache
def sentences(rows: int = 32) -> Data:
    """The tag of a word is whether it follows "red"."""
    rng = np.random.default_rng(0)
    given = [rng.choice(WORDS, rng.integers(1, 7)).tolist() for _ in range(rows)]
    tags = [np.array([int(i > 0 and s[i - 1] == "red") for i in range(len(s))]) for s in given]
    return _prepared(Examples({"tokens": given}, tags), ("words", "word_characters"), 2, per_step=True)


@cache
def waves(rows: int = 32) -> Data:
    """The class is the frequency."""
    rng = np.random.default_rng(0)
    keys = rng.integers(0, 2, rows)
    steps = [np.arange(rng.integers(12, 20)) for _ in keys]
    given = [np.stack([np.sin((1 + k) * t), rng.normal(size=len(t))], 1) for k, t in zip(keys, steps, strict=True)]
    return _prepared(Examples({"series": [g.astype(np.float32) for g in given]}, keys), ("channels", "kernels"), 2)


def _prepared(examples: Examples, streams: tuple[str, ...], classes: int, per_step: bool = False) -> Data:
    preparation = Preparation.fit(examples, streams)
    return Data(preparation, preparation.encode(examples), classes, per_step)


def accuracy(probabilities: Any, targets: Any) -> float:
    if isinstance(probabilities, list):
        return float(np.mean(np.concatenate([p.argmax(-1) for p in probabilities]) == targets.values))
    return float((probabilities.argmax(-1) == targets).mean())


def train(
    data: Data,
    architecture: Any,
    plan: Plan,
    recipe: Recipe = RECIPE,
    state: "Path | None" = None,
    score: Any = accuracy,
    held_out: bool = True,
) -> Run:
    """Train a fresh network on the first three quarters of the data, judged on the last."""
    rows = np.arange(len(data.encoded))
    cut = 3 * len(rows) // 4
    learn, judge = data.encoded.take(rows[:cut]), data.encoded.take(rows[cut:])
    torch.manual_seed(plan.seed)
    interface = data.preparation.interface(data.classes, per_step=data.per_step)
    network = build(architecture, interface, recipe.dropout)
    valid = judge if held_out else None
    return fit(network, recipe, learn, valid, score, plan, architecture.streams, data.classes, state)


constant = partial(Plan, looks=4, seed=3)

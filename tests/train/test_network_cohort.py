"""A whole network in a cohort ends as if it had trained alone, whatever it is made of."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_data import RECIPE, Data, accuracy, sentences, texts, waves

from seqwright.arch.blocks import (
    Attention,
    Conv,
    FeedForward,
    GatedFeedForward,
    Gru,
    Lstm,
    MinGru,
    Parallel,
    Rnn,
    Skip,
    Ssm,
)
from seqwright.arch.network import (
    AttentionPool,
    Body,
    Channels,
    Characters,
    Cls,
    KernelFeatures,
    Last,
    Layer,
    Max,
    Mean,
    Mlp,
    Network,
    NgramBag,
    PerStep,
    Words,
    WordsAndCharacters,
)
from seqwright.arch.recurrent_cells import CellNode, RecurrentCell
from seqwright.arch.recurrent_graph import gru_cell
from seqwright.arch.transformer_blocks import BranchedConv, DconvAttention, GatedLinear, LightConv
from seqwright.arch.wired import Graph, Pool, Wired
from seqwright.errors import SpaceError
from seqwright.nn.build import build
from seqwright.train.cohort import fit_cohort, shape_key
from seqwright.train.fit import Diverged, Plan, Run, fit
from seqwright.train.seat import Member

SETTINGS: list[dict[str, Any]] = [
    {"dropout": 0.2, "learning_rate": 3e-3},
    {"dropout": 0.2, "learning_rate": 1e-2, "weight_decay": 0.1, "label_smoothing": 0.0},  # the same seed, so noise
    {"dropout": 0.0, "input_dropout": 0.0, "class_balance": 0.5, "warmup_steps": 2},
    {"dropout": 0.5, "seed": 1, "input_dropout": 0.3},
]


SKIP, WORDS, MEAN = Skip(), Words(), Mean()


def network(mixer: Any, channel: Any = SKIP, stem: Any = WORDS, readout: Any = MEAN, **body: Any) -> Network:
    return Network(stem, Body((Layer(mixer, channel),), 32, **body), readout, Mlp(1, 16))


def halves(data: Data) -> "tuple[Any, Any]":
    rows = np.arange(len(data.encoded))
    return data.encoded.take(rows[: 3 * len(rows) // 4]), data.encoded.take(rows[3 * len(rows) // 4 :])


def member(
    data: Data, architecture: Any, steps: int = 8, seed: int = 0, state: "Path | None" = None, **settings: Any
) -> Member:
    plan = {name: settings.pop(name) for name in ("stop_at", "patience", "schedule") if name in settings}
    recipe = replace(RECIPE, **settings)
    torch.manual_seed(seed)
    interface = data.preparation.interface(data.classes, per_step=data.per_step)
    made = build(architecture, interface, recipe.dropout)
    chosen = Plan(steps, looks=4, seed=seed, save_every_s=0.0, **plan)
    return Member(made, recipe, chosen, "", architecture.streams, state, architecture)


def alone(data: Data, one: Member) -> Run:
    return fit(
        one.network, one.recipe, *halves(data), accuracy, one.plan, one.streams, data.classes, one.state, one.about
    )


def together(data: Data, members: "list[Member]") -> "list[Any]":
    return fit_cohort(members, *halves(data), accuracy, data.classes)


def same(one: Any, other: Run, tolerance: float = 1e-3) -> None:
    assert isinstance(one, Run), one
    assert (one.steps, one.trained, one.notes) == (other.steps, other.trained, other.notes)
    np.testing.assert_allclose(np.array(one.curve)[:, :2], np.array(other.curve)[:, :2], rtol=tolerance)
    for mine, theirs in zip(one.probabilities, other.probabilities, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=tolerance)
    own, theirs = one.network.state_dict(), other.network.state_dict()
    assert own.keys() == theirs.keys()
    for name in own:
        # What has no gradient but rounding errors goes wherever Adam takes them: a bias before a norm or a softmax.
        if not name.endswith("key.bias") and "blocks" not in name:
            np.testing.assert_allclose(own[name].numpy(), theirs[name].numpy(), atol=tolerance, err_msg=name)


def check(data: Data, architecture: Any) -> None:
    found = together(data, [member(data, architecture, **settings) for settings in SETTINGS])
    for run, settings in zip(found, SETTINGS, strict=True):
        same(run, alone(data, member(data, architecture, **settings)))


WIRED = Graph((Wired(Conv(3), 1, ()), Wired(Pool("max", 3), 1, (True,)), Wired(Pool("mean", 3), 1, (True, False))))
CELL = RecurrentCell((CellNode(0, "tanh"), CellNode(1, "relu"), CellNode(0, "identity")), "tanh", "ends", 16, True)
BLOCKS = {
    "rnn": Rnn(16),
    "lstm": Lstm(16, bidirectional=True),
    "gru": Gru(16, bidirectional=True),
    "minimal gru": MinGru(16, bidirectional=True),
    "state space": Ssm(16, bidirectional=True),
    "convolution": Conv(5, 2),
    "depthwise": Conv(3, 1, depthwise=True),
    "attention": Attention(2),
    "attention nearby": Attention(1, 8, "learned"),
    "side by side": Parallel((Conv(3), Gru(16))),
    "pools and norms over the batch": WIRED,
    "searched cell": CELL,
    "drawn cell": gru_cell(hidden=16),
    "convolved attention": DconvAttention(1, 3),
    "light convolution": Parallel((LightConv(5, 4), GatedLinear())),
    "branched convolution": BranchedConv(2, 5),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_whatever_it_mixes_with(name: str) -> None:
    check(texts(), network(BLOCKS[name], FeedForward(1)))


WHOLES = {
    "post": (texts, network(Skip(), GatedFeedForward(1), norm="post")),
    "cls": (texts, network(Attention(1), readout=Cls(), norm="none")),
    "statistics": (texts, network(Conv(3), readout=Last(), norm="post", statistics="batch")),
    "words and characters": (texts, network(Conv(3), stem=WordsAndCharacters(), readout=Max())),
    "characters": (texts, network(Conv(3), stem=Characters(), readout=AttentionPool(4))),
    "tags": (sentences, network(Gru(16), readout=PerStep())),
    "strides": (waves, network(Conv(3), stem=Channels(3, 2))),
    "kernels": (waves, network(Skip(), FeedForward(1), stem=KernelFeatures())),
}


@pytest.mark.parametrize("name", WHOLES)
def test_whatever_it_reads_and_gives(name: str) -> None:
    data, architecture = WHOLES[name]
    check(data(), architecture)


PLAIN = network(Conv(3))


def test_each_ends_by_itself() -> None:
    """One stops early, one diverges, one has a cosine of its own length; the others train on."""
    settings: list[dict[str, Any]] = [
        {"learning_rate": 1e-7, "steps": 40, "patience": 2},
        {"learning_rate": 1e30, "warmup_steps": 0},
        {"steps": 20, "schedule": "cosine"},
        {"steps": 40, "seed": 2},
    ]
    found = together(texts(), [member(texts(), PLAIN, **one) for one in settings])
    assert found[0].notes[0].startswith("stopped early") and isinstance(found[1], Diverged)
    with pytest.raises(Diverged) as raised:
        alone(texts(), member(texts(), PLAIN, **settings[1]))
    assert str(found[1]) == str(raised.value)
    assert len({run.steps for run in found if isinstance(run, Run)}) == 3
    for i in (0, 2, 3):
        same(found[i], alone(texts(), member(texts(), PLAIN, **settings[i])))


def test_continued_alone_and_together(tmp_path: Path) -> None:
    """From states that were written together, and alone; and at different steps of one cohort."""
    architecture = network(Gru(16), norm="post", statistics="batch")
    whole = [alone(texts(), member(texts(), architecture, 12, seed)) for seed in range(3)]
    together(texts(), [member(texts(), architecture, 4 + 4 * s, s, tmp_path / f"{s}") for s in (0, 1)])
    alone(texts(), member(texts(), architecture, 4, 2, tmp_path / "2"))
    for s, run in enumerate(
        together(texts(), [member(texts(), architecture, 12, s, tmp_path / f"{s}") for s in (0, 2)])
    ):
        same(run, whole[2 * s])
    same(alone(texts(), member(texts(), architecture, 12, 1, tmp_path / "1")), whole[1])


def test_the_clock_and_what_was_inherited_are_told() -> None:
    late = member(texts(), PLAIN, 10**6, stop_at=time.monotonic() - 1)
    (run,) = together(texts(), [replace(late, about={"inherited": 7, "began": "began elsewhere"})])
    assert run.steps == 1 and run.inherited == 7 and run.notes == ["cut short by the clock", "began elsewhere"]


def test_what_cannot_train_so_is_told() -> None:
    bag = member(texts(), network(Skip(), FeedForward(1), stem=NgramBag()))
    strange = member(texts(), PLAIN)
    strange.network.add_module("more", type("Strange", (torch.nn.Module,), {"__module__": "elsewhere"})())
    still = member(texts(), PLAIN)
    next(still.network.parameters()).requires_grad_(False)
    for one in (bag, strange, still, replace(member(texts(), PLAIN), architecture=None)):
        assert shape_key(one) is None
        with pytest.raises(SpaceError, match="Train it alone"):
            together(texts(), [one])
    assert shape_key(member(texts(), PLAIN)) == shape_key(member(texts(), PLAIN, seed=1, dropout=0.5))
    assert shape_key(member(texts(), PLAIN)) != shape_key(member(texts(), network(Conv(3, 2))))
    assert shape_key(member(texts(), PLAIN)) != shape_key(member(texts(), PLAIN, batch_size=4))

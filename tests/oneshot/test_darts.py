"""Training a mixture: it finds what the data need, goes on after a kill as if there had been none, and ends in time."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqwright.arch.blocks import Conv, FeedForward, Skip
from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.cells import cells
from seqwright.arch.codec import dumps, from_data, loads
from seqwright.arch.darts import DARTS, Darts
from seqwright.arch.interface import Interface, Stream
from seqwright.arch.network import Body, Layer, Max, Mlp, Network, Words
from seqwright.arch.published_spaces import around, stacked
from seqwright.arch.recurrent_cells import recurrent_cells
from seqwright.arch.supernet import Supernet
from seqwright.data.examples import Encoded, Ragged
from seqwright.oneshot import darts
from seqwright.oneshot.darts import risen
from seqwright.oneshot.job import Trained, Work, train
from seqwright.space.fill import why_not
from seqwright.space.narrow import fix
from seqwright.space.nodes import one_of, vary
from seqwright.study.record import CUT_SHORT
from seqwright.train.fit import Plan

RECIPE = Recipe(learning_rate=1e-2, batch_size=32, warmup_steps=10, dropout=0.0)
PLAIN = {"dilation": 1, "depthwise": False}
LAYER = vary(
    Layer, mixer=one_of(vary(Conv, kernel=5, **PLAIN), Skip), channel=one_of(vary(FeedForward, expand=1), Skip)
)
SPACE = vary(
    Candidate,
    architecture=vary(
        Network,
        stem=Words(),
        body=vary(Body, layers=(LAYER,), width=16, norm="pre", statistics="layer"),
        readout=Max(),
        head=Mlp(layers=0),
    ),
    recipe=RECIPE,
)
CELLS = stacked(*[cells(("sep3", "identity"), ("add",), 2)] * 2)
for path, value in (("/width", "16"), ("/repeats", "1")):
    CELLS = fix(CELLS, path, value)
RECURRENT = around(recurrent_cells(2, first="tanh", output="mean", hidden=8, bidirectional=False))
INTERFACE = Interface((("words", Stream("tokens", 8, 8)),), 3)
MIXER = "/architecture/body/layers/0/mixer"


def made(seed: int, rows: int) -> Encoded:
    """The class is the word behind the marker: no network that sees single words knows it."""
    rng = np.random.default_rng(seed)
    words = rng.integers(4, 7, (rows, 8))
    places = rng.integers(0, 7, rows)
    words[np.arange(rows), places] = 7
    targets = words[np.arange(rows), places + 1] - 4
    return Encoded({"words": Ragged.of(list(words), np.int64)}, targets, None, np.arange(rows))


TRAIN, VALID = made(0, 300), made(1, 150)


def run(training: Darts, examples: int, space: Any = SPACE, state: Path | None = None, **plan: Any) -> Trained:
    work = Work(
        INTERFACE, TRAIN, VALID, lambda p, t, _: float((p.argmax(-1) == t).mean()), examples,
        Plan(steps=0, seed=3, **plan), torch.device("cpu"), state,
    )  # fmt: skip
    return train(training, Supernet(space, training), RECIPE, work)


@pytest.mark.parametrize("name", DARTS)
def test_every_training_finds_the_operation_that_the_data_need(name: str) -> None:
    found = run(DARTS[name], 4800)
    prior = found.found["prior"][MIXER]
    assert prior["conv"] > prior["skip"]
    best = from_data(found.found["derived"][0])
    assert isinstance(best.body.layers[0].mixer, Conv) and why_not(SPACE, Candidate(best, RECIPE)) is None
    assert found.examples <= 4864 and found.score > 0.6
    assert [point[0] for point in found.curve] == sorted(point[0] for point in found.curve)
    assert bool(found.found["eigenvalues"]) == (name == "r-darts")
    assert loads(dumps(Supernet(SPACE, DARTS[name]))) == Supernet(SPACE, DARTS[name])


@pytest.mark.parametrize(
    ("space", "training"),
    [
        (CELLS, Darts(partial=4, order=2)),
        (CELLS, Darts(gate="sigmoid", selection="perturbation")),
        (RECURRENT, Darts(order=2, selection="perturbation")),
    ],
    ids=["partial cells", "measured cells", "measured recurrence"],
)
def test_cells_are_trained_too(space: Any, training: Darts) -> None:
    found = run(training, 640, space)
    assert all(why_not(space, from_data(data)) is None for data in found.found["derived"])
    assert set(found.found["prior"]) and 0 <= found.score <= 1


@pytest.mark.parametrize("training", [Darts(), Darts(selection="perturbation")], ids=["alpha", "perturbation"])
def test_what_was_killed_goes_on_as_if_nothing_had_been(
    training: Darts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = run(training, 1920, state=tmp_path / "straight")
    learn, steps = darts.MixtureLearner.learn, []

    def killed(self: Any, step: int, *rest: Any) -> None:
        steps.append(step)
        if len(steps) in (9, 14, 27):
            raise KeyboardInterrupt
        learn(self, step, *rest)

    monkeypatch.setattr(darts.MixtureLearner, "learn", killed)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            run(training, 1920, state=tmp_path / "parts", save_every_s=0.0)
    parts = run(training, 1920, state=tmp_path / "parts", save_every_s=0.0)
    assert len(steps) <= straight.examples // 64 + 3 + (8 if training.selection == "perturbation" else 0)
    assert replace(parts, seconds=0, probabilities=0) == replace(straight, seconds=0, probabilities=0)


def test_it_ends_when_its_time_is_over() -> None:
    began = time.monotonic()
    found = run(Darts(), 10**7, stop_at=began + 1.0)
    assert CUT_SHORT in found.notes and found.found["derived"] and time.monotonic() - began < 4


def test_the_curvature_has_risen_when_its_mean_has() -> None:
    assert not risen([1.0] * 20) and not risen([1.0] * 4 + [9.0] * 3)
    assert risen([1.0] * 8 + [3.0]) and not risen([1.0] * 8 + [2.4])
    assert risen([1.0] * 4 + [9.0] * 4) and risen([-1.0] * 8 + [-3.0])

"""A pretrained encoder thaws in the middle of training; interrupted anywhere, the same weights come out, to the bit."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_data import Data, accuracy, constant, train

from seqwright.arch.candidate import Recipe
from seqwright.arch.encoders import ConvStage, Dense, Frozen, HeadedEncoder, Lora, Pretrained, Tuned
from seqwright.arch.network import Mean
from seqwright.data.activations import Activations
from seqwright.data.checkpoint import locate
from seqwright.data.examples import Examples
from seqwright.data.prepare import Preparation
from seqwright.evaluate.features import attach
from seqwright.nn.build import build
from seqwright.nn.pretrained import PretrainedStem
from seqwright.nn.trained import trained
from seqwright.testing.encoder import TEXTS, tiny_encoder
from seqwright.train import checkpoint
from seqwright.train.fit import Plan, Run
from seqwright.train.learner import Learner

THAW = 6
RECIPE = Recipe(learning_rate=3e-3, batch_size=8, warmup_steps=5, dropout=0.3, input_dropout=0.1, label_smoothing=0.1)
TUNINGS = {
    "half": Tuned(share=0.5, learning_rate=1e-3, decay=0.8),
    "whole": Tuned(share=1.0, learning_rate=1e-3),
    "one rate": Tuned(share=1.0, learning_rate=None),
    "lora": Lora(rank=4, learning_rate=1e-2),
    "frozen": Frozen(),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """The class is whether there is a cat in it."""
    rng = np.random.default_rng(0)
    words = [word for word in " ".join(TEXTS).split() if word != "cat"]
    classes = rng.integers(0, 2, 48)
    given = [" ".join([*rng.choice(words, rng.integers(1, 8)), *["cat"] * int(c)]) for c in classes]
    examples = Examples({"text": given}, classes)
    encoder = locate(tiny_encoder(tmp_path_factory.mktemp("encoder")))
    preparation = Preparation.fit(examples, ("words", "pretrained"), checkpoint=encoder)
    return Data(preparation, preparation.encode(examples), 2)


def headed(tuning: object, **more: object) -> HeadedEncoder:
    return HeadedEncoder(stem=Pretrained(tuning=tuning), readout=Mean(), dense=Dense(layers=2, width=16), **more)


def plan(steps: int, **more: object) -> Plan:
    return constant(steps, **({"thaw_at": THAW} | more))


def same(one: Run, other: Run) -> None:
    assert (one.score, one.best_step, one.steps, one.curve) == (other.score, other.best_step, other.steps, other.curve)
    own, theirs = trained(one.network), trained(other.network)
    assert own.keys() == theirs.keys()
    for name in own:
        assert torch.equal(own[name], theirs[name]), name


def states(one: Path, other: Path) -> None:
    """Two states hold the same tensors: weights, their average, the optimiser's moments."""
    expected, found = checkpoint.read(one), checkpoint.read(other)
    assert expected is not None and found is not None and expected[0].keys() == found[0].keys()
    for name, value in expected[0].items():
        if not name.startswith("best/"):
            assert torch.equal(found[0][name], value), name


@pytest.mark.parametrize("tuning", TUNINGS)
def test_continued_equals_uninterrupted(data: Data, tuning: str, tmp_path: Path) -> None:
    """Ended before the thaw, at it, just after and long after, as a promotion would find it."""
    architecture = headed(TUNINGS[tuning])
    whole = train(data, architecture, plan(16), RECIPE, tmp_path / "whole")
    for broken_at in (4, THAW, THAW + 1, 12):
        broken = tmp_path / f"{broken_at}"
        train(data, architecture, plan(broken_at), RECIPE, broken)
        continued = train(data, architecture, plan(16), RECIPE, broken)
        states(tmp_path / "whole", broken)
        if broken_at % 4 == 0:  # ending between two looks takes a look more, which may find better weights
            same(continued, whole)


@pytest.mark.parametrize("tuning", ["half", "whole", "lora"])
def test_killed_anywhere_equals_uninterrupted(
    data: Data, tuning: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a kill leaves it: a state written in the middle, and an end that never came."""
    architecture = headed(TUNINGS[tuning], convolution=ConvStage(width=8, layers=1, kernel=3, skip=False))
    whole = train(data, architecture, plan(12), RECIPE)
    written = checkpoint.write

    class Killed(Exception):
        pass

    for killed_at in (3, THAW, THAW + 1, 10):
        state = tmp_path / f"{killed_at}"

        def until(path, tensors, facts, killed_at=killed_at):
            written(path, tensors, facts)
            if facts["step"] == killed_at:
                raise Killed

        monkeypatch.setattr(checkpoint, "write", until)
        with pytest.raises(Killed):
            train(data, architecture, replace(plan(12), save_every_s=0.0), RECIPE, state)
        monkeypatch.setattr(checkpoint, "write", written)
        same(train(data, architecture, plan(12), RECIPE, state), whole)


@pytest.mark.parametrize("tuning", ["half", "lora"])
def test_a_refit_is_frozen_first_as_well(data: Data, tuning: str, tmp_path: Path) -> None:
    """A cosine over a known length, with the rate of the layers that join warming up later."""
    architecture = headed(TUNINGS[tuning])
    refit = Plan(16, schedule="cosine", looks=16, seed=1, thaw_at=THAW)
    train(data, architecture, refit, RECIPE, tmp_path / "whole")
    train(data, architecture, replace(refit, stop_at=0.0), RECIPE, tmp_path / "broken")  # out of time at once
    train(data, architecture, refit, RECIPE, tmp_path / "broken")
    states(tmp_path / "whole", tmp_path / "broken")


def test_the_ladder_equals_its_highest_rung(data: Data, tmp_path: Path) -> None:
    architecture = headed(TUNINGS["half"])
    whole = train(data, architecture, plan(24, thaw_at=8), RECIPE)
    for steps in (8, 12, 24):
        continued = train(data, architecture, plan(steps, thaw_at=8), RECIPE, tmp_path / "state")
    same(continued, whole)


@pytest.mark.parametrize("tuning", ["half", "whole", "one rate", "lora"])
def test_the_encoder_is_as_it_came_until_it_thaws(data: Data, tuning: str, tmp_path: Path) -> None:
    """And changes after; else the tests above would prove nothing."""
    architecture, interface = headed(TUNINGS[tuning]), data.preparation.interface(2)
    torch.manual_seed(3)
    fresh = build(architecture, interface)
    before = train(data, architecture, plan(THAW), RECIPE, tmp_path / "state").network
    after = train(data, architecture, plan(THAW + 4), RECIPE, tmp_path / "state").network
    start = dict(fresh.named_parameters())
    own = [name for name in start if name.startswith("stem.")]
    assert own and all(torch.equal(start[name], dict(before.named_parameters())[name]) for name in own)
    kept = checkpoint.read(tmp_path / "state")
    assert kept is not None
    trains = [name for name in own if f"weights/{name}" in kept[0]]
    assert trains and len(trains) == len([p for p in after.stem.parameters() if p.requires_grad])
    moved = [name for name in trains if not torch.equal(start[name], kept[0][f"weights/{name}"])]
    assert len(moved) > 0.8 * len(trains)  # a key's bias never moves: softmax does not see it


def test_kept_hidden_states_and_computed_ones_train_alike(data: Data, tmp_path: Path) -> None:
    architecture = headed(TUNINGS["half"])
    interface = data.preparation.interface(2)
    cache = Activations(tmp_path / "cache", 2**26)
    kept = attach(data.encoded, interface, ("pretrained",), (2, 4), cache, precision="float32")
    for steps in (THAW, THAW + 6):
        one = train(data, architecture, plan(steps), RECIPE)
        other = train(replace(data, encoded=kept), architecture, plan(steps), RECIPE)
        for (_, loss, _), (_, near, _) in zip(one.curve, other.curve, strict=True):
            assert loss == pytest.approx(near, rel=2e-2)  # kept as bfloat16


@pytest.mark.parametrize(("tuning", "stops"), [("half", False), ("lora", False), ("frozen", True)])
def test_early_stopping_waits_for_the_thaw(data: Data, tuning: str, stops: bool) -> None:
    """A head that learns no more has not shown yet what its encoder can do; a frozen one has."""
    got_worse = iter(range(100, 0, -1))
    patient = plan(40, thaw_at=24, patience=3)
    run = train(data, headed(TUNINGS[tuning]), patient, RECIPE, score=lambda *_: float(next(got_worse)))
    # Looks are at 4, 8, ...: the first is the best, three without a better one follow, counted anew from the thaw.
    assert run.steps == (16 if stops else 36)
    assert run.best_step == 4
    assert "stopped early: no better score in 3 looks" in run.notes


def test_weights_of_before_the_thaw_are_delivered_where_tuning_made_it_worse(data: Data) -> None:
    """The best weights may be of a time when the encoder was frozen: then its layers are as they came."""
    got_worse = iter(range(100, 0, -1))
    run = train(data, headed(TUNINGS["half"]), plan(16), RECIPE, score=lambda *_: float(next(got_worse)))
    assert run.best_step == 4
    frozen = train(data, headed(TUNINGS["half"]), plan(4), RECIPE)
    expected, found = frozen.network.state_dict(), run.network.state_dict()
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_rates_are_what_the_tuning_says(data: Data) -> None:
    """By layer, from the top down; each joins with a warm-up of its own, whatever the head's rate is by then."""
    recipe = replace(RECIPE, warmup_steps=4)
    interface = data.preparation.interface(2)
    for tuning, rates in (
        (TUNINGS["half"], [1e-3, 8e-4]),
        (TUNINGS["whole"], [1e-3] * 4),
        (TUNINGS["one rate"], [3e-3] * 4),
        (TUNINGS["lora"], [1e-2] * 4),
    ):
        network = build(headed(tuning), interface)
        (stem,) = (module for module in network.modules() if isinstance(module, PretrainedStem))
        learner = Learner(network, recipe)
        encoder = {id(p) for p in stem.parameters()}
        assert learner.waits
        assert not any(id(p) in encoder for group in learner.optimizer.param_groups for p in group["params"])
        learner.thaw(11)
        assert not learner.waits
        for step, warm in ((11, 0.25), (12, 0.5), (14, 1.0), (40, 1.0)):
            learner.set_rate(step, None)
            rate_of = {id(p): group["lr"] for group in learner.optimizer.param_groups for p in group["params"]}
            for below, block in enumerate(reversed(list(stem.blocks))):
                ours = [rate_of[id(p)] for p in block.parameters() if p.requires_grad]
                assert ours == pytest.approx([warm * rates[below]] * len(ours))
            assert all(rate_of[id(p)] == 3e-3 for p in network.head.parameters())


@pytest.mark.parametrize("tuning", TUNINGS)
def test_a_state_holds_only_what_trains(data: Data, tuning: str, tmp_path: Path) -> None:
    architecture = headed(TUNINGS[tuning])
    train(data, architecture, plan(THAW), RECIPE, tmp_path / "frozen")
    train(data, architecture, plan(THAW + 2), RECIPE, tmp_path / "thawed")
    frozen, thawed = checkpoint.read(tmp_path / "frozen"), checkpoint.read(tmp_path / "thawed")
    assert frozen is not None and thawed is not None
    layers = {"half": {2, 3}, "frozen": set()}.get(tuning, {0, 1, 2, 3})
    assert not any("stem." in name for name in frozen[0])
    weights = [name.removeprefix("weights/") for name in thawed[0] if name.startswith("weights/")]
    own = [name for name in weights if name.startswith("stem.")]
    assert {int(name.split(".")[2]) for name in own} == ({layer - min(layers) for layer in layers} if layers else set())
    assert tuning != "lora" or all("lora_" in name for name in own)
    for part in ("average", "best"):
        assert {name.removeprefix(f"{part}/") for name in thawed[0] if name.startswith(f"{part}/")} == set(weights)


def test_tuning_learns_what_a_frozen_encoder_does_not_give(data: Data) -> None:
    """The whole, end to end: after thawing the score rises above the frozen one's, though not from every beginning."""
    longer: dict[str, Any] = {"thaw_at": 40, "patience": None}
    recipe, tuned = replace(RECIPE, dropout=0.0), headed(Tuned(1.0, 3e-3))
    runs = [train(data, tuned, plan(120, seed=s, **longer), recipe, score=accuracy) for s in range(3)]
    best = max(runs, key=lambda run: run.score)
    assert best.score > max(0.8, *(point[2] for point in best.curve[:10]))

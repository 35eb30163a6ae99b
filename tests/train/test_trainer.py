"""What the trainer does and notices: early stops, divergence, collapse, the clock, the rates."""

import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from training_data import RECIPE, constant, sentences, texts, train

from seqwright.arch.candidate import Recipe
from seqwright.arch.network import Body, Mean, Mlp, Network, NgramBag, PerStep, Words
from seqwright.data.examples import Encoded
from seqwright.errors import InputError
from seqwright.train.device import device_of
from seqwright.train.fit import PATIENCE, Diverged, Plan, collapsed, looks_of, steps_of
from seqwright.train.noise import corrupt
from seqwright.train.optimizer import optimizer_of, rate

BAG = Network(NgramBag(), Body((), width=16), Mean(), Mlp(layers=0))


def test_it_learns() -> None:
    assert train(texts(), BAG, constant(60, patience=None)).score == 1.0
    tagger = Network(Words(), Body((), width=16), PerStep(), Mlp(layers=0))
    run = train(sentences(), tagger, constant(20))
    assert run.score > 0.5 and [len(p) for p in run.probabilities] == sentences().encoded.targets.lengths[24:].tolist()


def test_the_best_weights_are_kept() -> None:
    scores = iter([0.1, 0.9, 0.2, 0.3])
    run = train(texts(), BAG, constant(16), score=lambda p, t: next(scores))
    assert (run.score, run.best_step) == (0.9, 8)
    assert [point[2] for point in run.curve] == [0.1, 0.9, 0.2, 0.3]
    best = train(texts(), BAG, constant(8), score=lambda p, t: 0.0 if p is None else float(len(p))).network
    # A constant score keeps the first look; what was kept at step 8 is the average at step 8.
    scores = iter([0.1, 0.9])
    short = train(texts(), BAG, constant(8), score=lambda p, t: next(scores)).network
    for name, value in run.network.state_dict().items():
        assert torch.equal(value, short.state_dict()[name])
    assert any(not torch.equal(v, short.state_dict()[n]) for n, v in best.state_dict().items())


def test_early_stop() -> None:
    run = train(texts(), BAG, constant(1000), score=lambda p, t: 0.5)
    assert run.steps == 4 * (1 + PATIENCE) and run.best_step == 4
    assert run.notes[0] == f"stopped early: no better score in {PATIENCE} looks"
    assert train(texts(), BAG, constant(60, patience=None), score=lambda p, t: 0.5).steps == 60


def test_divergence_is_an_error_with_its_place() -> None:
    mad = replace(RECIPE, learning_rate=1e30, warmup_steps=0)
    with pytest.raises(Diverged, match=r"the loss became (nan|inf) at step \d+ \(learning rate 1e\+30\)"):
        train(texts(), Network(Words(), Body((), width=16), Mean(), Mlp(layers=2, width=16)), constant(50), recipe=mad)


def test_collapse_is_noted() -> None:
    valid = texts().encoded
    one = np.tile([0.8, 0.1, 0.1], (len(valid), 1))
    assert collapsed(one, valid) == ["collapsed to one class"]
    one[0] = [0.1, 0.8, 0.1]
    assert collapsed(one, valid) == []
    uniform = Encoded({}, np.zeros(20, np.int64), None, np.arange(20))
    assert collapsed(np.tile([0.9, 0.1], (20, 1)), uniform) == []  # there is nothing else to answer


def test_the_clock_stops_it_with_a_score() -> None:
    run = train(texts(), BAG, constant(10**6, stop_at=time.monotonic() - 1, looks=10**6))
    assert run.steps == 1 and run.notes[0] == "cut short by the clock" and 0 <= run.score <= 1


def test_without_validation_the_last_weights_stand() -> None:
    run = train(texts(), BAG, constant(5), held_out=False)
    assert run.probabilities is None and run.best_step == run.steps == 5


def test_a_cosine_ends_near_zero_and_a_constant_rate_does_not() -> None:
    shares = [rate(step, 50, 1000) for step in range(1, 1001)]
    assert shares[0] == 1 / 50 and max(shares) == pytest.approx(1.0, abs=1e-3)
    assert shares[-1] < 1e-4 and all(a >= b for a, b in pairwise(shares[49:]))
    assert rate(10**6, 50, None) == 1.0 and rate(25, 50, None) == 0.5
    assert rate(1, 50, 20) == 0.5  # warm-up is a tenth of a short run at most
    assert rate(1, 0, None) == 1.0


def test_steps_are_whole_looks() -> None:
    assert steps_of(1, 32, 25) == 25
    assert steps_of(32 * 25 + 1, 32, 25) == 50
    assert looks_of(10, 32) == 25 and looks_of(10**6, 32) == 200
    # A promotion's looks fall on those of a longer run.
    assert all(steps_of(n, 16, 30) % 30 == 0 for n in range(1, 5000, 37))


def test_only_matrices_decay() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
    groups = optimizer_of(network, Recipe(weight_decay=0.1)).param_groups
    assert {(g["weight_decay"], p.dim()) for g in groups for p in g["params"]} == {(0.1, 2), (0.0, 1)}


def test_input_dropout_hides_tokens_and_nothing_else() -> None:
    torch.manual_seed(0)
    words = torch.randint(3, 20, (8, 50))
    words[:, 40:] = 0
    batch = {"words": words, "words.mask": words > 0, "targets": torch.ones(8), "bag": words, "bag.weight": 1.0 * words}
    before = {name: value.clone() for name, value in batch.items()}
    corrupt(batch, 0.3)
    for name in ("words.mask", "targets", "bag"):
        assert torch.equal(batch[name], before[name])
    hidden = batch["words"] != words
    assert (batch["words"][hidden] == 1).all() and 0.2 < hidden[:, :40].float().mean() < 0.4
    assert not hidden[:, 40:].any(), "padding stays padding"
    kept = batch["bag.weight"][batch["bag.weight"] > 0] / before["bag.weight"][batch["bag.weight"] > 0]
    assert kept.numpy() == pytest.approx(1 / 0.7)
    corrupt(batch, 0.0)


def test_device_errors_teach() -> None:
    assert device_of("cpu").type == "cpu"
    with pytest.raises(InputError, match=r'Device "gpu" cannot be used: .*Give --device auto, cpu or cuda\.'):
        device_of("gpu")
    if not torch.cuda.is_available():
        assert device_of("auto").type == "cpu"
        with pytest.raises(InputError, match=r'Device "cuda" cannot be used'):
            device_of("cuda")


def test_plan_is_the_record_of_how() -> None:
    assert Plan(5) == Plan(5, "constant", 100, 0, "float32", None, PATIENCE, 20.0)

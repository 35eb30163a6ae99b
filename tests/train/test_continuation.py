"""Interrupted anywhere and continued, training ends with the same weights, to the bit."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from training_data import constant, sentences, texts, train, waves

from seqwright.arch.blocks import Attention, Conv, FeedForward, Gru, Lstm, MinGru, Skip, Ssm
from seqwright.arch.network import (
    AttentionPool,
    Body,
    Channels,
    Cls,
    KernelFeatures,
    Layer,
    Max,
    Mean,
    Mlp,
    Network,
    NgramBag,
    PerStep,
    Subwords,
    Words,
    WordsAndCharacters,
)
from seqwright.train import checkpoint
from seqwright.train.fit import Plan, Run


def body(mixer: object, width: int = 16, **more: str) -> Body:
    return Body((Layer(mixer, FeedForward(expand=1)),), width=width, **more)


CASES = {
    "lstm, subwords": (texts, Network(Subwords(), body(Lstm(hidden=8, bidirectional=True)), AttentionPool(heads=1))),
    "attention, cls": (texts, Network(Words(), body(Attention(heads=1)), Cls(), Mlp(layers=1, width=8))),
    "bag": (texts, Network(NgramBag(), Body((), width=16), Mean(), Mlp(layers=1, width=8))),
    "scan": (texts, Network(WordsAndCharacters(), body(MinGru(hidden=8)), Max(), Mlp(layers=0))),
    "batch statistics": (waves, Network(Channels(), body(Conv(kernel=3), statistics="batch"), Mean(), Mlp(layers=0))),
    "kernels": (waves, Network(KernelFeatures(), Body((), width=16), Mean(), Mlp(layers=0))),
    "state space": (waves, Network(Channels(kernel=3), body(Ssm(state=8)), Mean(), Mlp(layers=0))),
    "tagging": (sentences, Network(WordsAndCharacters(), Body((Layer(Gru(hidden=8), Skip()),), width=16), PerStep())),
}


def same(one: Run, other: Run) -> None:
    assert (one.score, one.best_step, one.steps, one.curve) == (other.score, other.best_step, other.steps, other.curve)
    own, theirs = one.network.state_dict(), other.network.state_dict()
    assert own.keys() == theirs.keys()
    for name in own:
        assert torch.equal(own[name], theirs[name]), name


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("broken_at", [1, 6, 8])
def test_continued_equals_uninterrupted(case: str, broken_at: int, tmp_path: Path) -> None:
    """Every tensor of the state: weights, their average, the optimiser's moments."""
    data, architecture = CASES[case]
    whole = train(data(), architecture, constant(12), state=tmp_path / "whole")
    train(data(), architecture, constant(broken_at), state=tmp_path / "broken")
    continued = train(data(), architecture, constant(12), state=tmp_path / "broken")
    expected, found = checkpoint.read(tmp_path / "whole"), checkpoint.read(tmp_path / "broken")
    assert expected is not None and found is not None and expected[0].keys() == found[0].keys()
    for name, value in expected[0].items():
        if not name.startswith("best/"):
            assert torch.equal(found[0][name], value), name
    if broken_at % 4 == 0:  # ending between two looks takes a look more, which may find better weights
        same(continued, whole)


@pytest.mark.parametrize("case", ["lstm, subwords", "batch statistics", "tagging"])
def test_killed_between_looks_equals_uninterrupted(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a kill leaves it: a state written in the middle, and an end that never came."""
    data, architecture = CASES[case]
    whole = train(data(), architecture, constant(12))
    written = checkpoint.write

    class Killed(Exception):
        pass

    for killed_at in (1, 3, 7, 10):
        state = tmp_path / f"{killed_at}"

        def until(path, tensors, facts, killed_at=killed_at):
            written(path, tensors, facts)
            if facts["step"] == killed_at:
                raise Killed

        monkeypatch.setattr(checkpoint, "write", until)
        with pytest.raises(Killed):
            train(data(), architecture, replace(constant(12), save_every_s=0.0), state=state)
        monkeypatch.setattr(checkpoint, "write", written)
        same(train(data(), architecture, constant(12), state=state), whole)


def test_one_three_nine_equals_nine(tmp_path: Path) -> None:
    """Successive halving promotes from the state: the same as having trained so long at once."""
    data, architecture = CASES["attention, cls"]
    whole = train(data(), architecture, constant(36))
    for steps in (4, 12, 36):
        continued = train(data(), architecture, constant(steps), state=tmp_path / "state")
    same(continued, whole)
    assert len(whole.curve) == 9


def test_a_cosine_run_continues_exactly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, architecture = CASES["bag"]
    plan = Plan(12, schedule="cosine", looks=12, seed=1)
    whole = train(data(), architecture, plan)
    written = checkpoint.write

    def until(path, tensors, facts):
        written(path, tensors, facts)
        if facts["step"] == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "write", until)
    with pytest.raises(KeyboardInterrupt):
        train(data(), architecture, replace(plan, save_every_s=0.0), state=tmp_path / "state")
    monkeypatch.setattr(checkpoint, "write", written)
    same(train(data(), architecture, plan, state=tmp_path / "state"), whole)


def test_a_finished_run_given_again_says_the_same(tmp_path: Path) -> None:
    """The state of the end was written, the trial was not recorded: it costs nothing and ends alike."""
    data, architecture = CASES["bag"]
    once = train(data(), architecture, constant(8), state=tmp_path / "state")
    again = train(data(), architecture, constant(8), state=tmp_path / "state")
    same(again, once)
    assert (again.trained, again.seconds) == (once.trained, pytest.approx(once.seconds, rel=0.5))


def test_another_seed_is_another_run() -> None:
    """Or the tests above would prove nothing."""
    data, architecture = CASES["lstm, subwords"]
    one = train(data(), architecture, constant(8)).network.state_dict()
    other = train(data(), architecture, constant(8, seed=4)).network.state_dict()
    assert any(not torch.equal(one[name], other[name]) for name in one)

"""A member of a cohort ends as if it had trained alone."""

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqwright.arch.candidate import Recipe
from seqwright.data.examples import Encoded, Ragged
from seqwright.errors import SpaceError
from seqwright.nn.dropout import Dropout
from seqwright.train import checkpoint, stacked_noise
from seqwright.train.cohort import Member, fit_cohort, shape_key
from seqwright.train.dense_stack import structure
from seqwright.train.fit import Diverged, Plan, Run, fit
from seqwright.train.loss import cross_entropy, stacked_cross_entropy

FEATURES, CLASSES = 12, 3


class Headed(nn.Module):
    """A head that reads features which a batch brings; `pieces` are there for their lengths alone."""

    def __init__(self, head: nn.Module, stream: str = "pooled") -> None:
        super().__init__()
        self.stream, self.head = stream, head

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        return self.head(batch[self.stream])


def head(width: int = 8, layers: int = 2, dropout: float = 0.2, norm: bool = False, act: Any = nn.ReLU) -> nn.Module:
    widths = [FEATURES, *[width] * (layers - 1), CLASSES]
    stages: list[nn.Module] = [nn.LayerNorm(FEATURES)] if norm else []
    for i, (a, b) in enumerate(pairwise(widths)):
        stages += [Dropout(dropout), nn.Linear(a, b)]
        if i < layers - 1:
            stages.append(act())
    return nn.Sequential(*stages)


def data(rows: int = 75, seed: int = 0, weights: bool = True) -> Encoded:
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, CLASSES, rows)
    clear = rng.normal(size=(rows, FEATURES)).astype(np.float32)
    clear[np.arange(rows), targets] += 1.5
    pieces = Ragged.of([np.ones(n, np.int64) for n in rng.integers(1, 30, rows)])
    streams = {"pooled": clear, "other": clear[:, ::-1].copy(), "pieces": pieces}
    share = rng.random(rows).astype(np.float32) + 0.5 if weights else None
    return Encoded(streams, targets, share, np.arange(rows))


TRAIN, VALID = data(), data(40, 1)


def accuracy(probabilities: Any, targets: Any) -> float:
    return float((probabilities.argmax(-1) == targets).mean())


def member(
    make: Callable[[], nn.Module] = head,
    seed: int = 0,
    steps: int = 60,
    state: Path | None = None,
    stream: str = "pooled",
    plan: "dict[str, Any] | None" = None,
    **recipe: Any,
) -> Member:
    torch.manual_seed(seed)
    settings = {"learning_rate": 1e-2, "batch_size": 16, "warmup_steps": 5} | recipe
    chosen = Plan(steps, looks=10, seed=seed, **(plan or {}))
    return Member(Headed(make(), stream), Recipe(**settings), chosen, stream, (stream, "pieces"), state)


def alone(one: Member, train: Encoded = TRAIN, valid: Encoded | None = VALID) -> Run:
    return fit(one.network, one.recipe, train, valid, accuracy, one.plan, one.streams, CLASSES, one.state)


def together(*members: Member, train: Encoded = TRAIN, valid: Encoded | None = VALID) -> list[Any]:
    return fit_cohort(members, train, valid, accuracy, CLASSES)


def same(one: Run, other: Run, tolerance: float = 2e-4) -> None:
    assert (one.score, one.best_step, one.steps, one.trained) == (
        other.score,
        other.best_step,
        other.steps,
        other.trained,
    )
    assert one.notes == other.notes
    np.testing.assert_allclose(np.array(one.curve), np.array(other.curve), rtol=tolerance, atol=tolerance)
    own, theirs = one.network.state_dict(), other.network.state_dict()
    assert own.keys() == theirs.keys()
    for name in own:
        assert own[name].shape == theirs[name].shape
        np.testing.assert_allclose(own[name].numpy(), theirs[name].numpy(), rtol=tolerance, atol=tolerance)
    if one.probabilities is not None:
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=tolerance)


KINDS: dict[str, list[dict[str, Any]]] = {
    "settings": [
        {"seed": 0, "learning_rate": 1e-2},
        {"seed": 0, "learning_rate": 3e-3, "weight_decay": 0.0},
        {"seed": 1, "weight_decay": 0.1, "label_smoothing": 0.1},
        {"seed": 2, "class_balance": 0.5, "warmup_steps": 20},
        {"seed": 2, "batch_size": 32},
        {"stream": "other"},
    ],
    "dropout": [{"seed": s, "make": lambda p=p: head(dropout=p)} for s, p in ((0, 0.0), (0, 0.1), (0, 0.5), (1, 0.3))],
    "widths": [{"seed": s, "make": lambda w=w: head(w)} for s, w in ((0, 5), (0, 8), (0, 31), (1, 17), (2, 8))],
    "depths": [{"make": lambda n=n: head(layers=n)} for n in (1, 2, 3, 3, 1)],
    "norms": [{"make": lambda w=w, n=n: head(w, norm=n)} for w, n in ((5, True), (9, True), (9, False))],
    "gelu": [{"make": lambda w=w: head(w, act=nn.GELU)} for w in (5, 9)],
    "tanh": [{"make": lambda w=w: head(w, act=nn.Tanh), "steps": 100} for w in (5, 9, 17)],
    "lengths": [{"steps": n, "plan": p} for n, p in ((20, {}), (60, {}), (45, {}), (60, {"schedule": "cosine"}))],
    "one": [{}],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["shared", "draws"])
def test_a_cohort_equals_its_members_alone(kind: str, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "draws":
        monkeypatch.setattr(stacked_noise.Masks, "_shared", stacked_noise.Masks._one_by_one)
    found = together(*(member(**settings) for settings in KINDS[kind]))
    for run, settings in zip(found, KINDS[kind], strict=True):
        same(run, alone(member(**settings)))
    assert any(run.score > 0.5 for run in found), "nothing was learnt, so nothing was tested"


def test_a_norm_inside_keeps_its_width() -> None:
    def normed(width: int) -> nn.Module:
        return nn.Sequential(nn.Linear(FEATURES, width), nn.LayerNorm(width), nn.GELU(), nn.Linear(width, CLASSES))

    assert structure(normed(4)) != structure(normed(5))
    settings = [{"make": lambda w=w: normed(w)} for w in (4, 5, 5)]
    for run, setting in zip(together(*(member(**s) for s in settings)), settings, strict=True):
        same(run, alone(member(**setting)))


def test_without_weights_and_without_validation() -> None:
    train = data(weights=False)
    for run, seed in zip(together(member(), member(seed=1), train=train, valid=None), (0, 1), strict=True):
        assert run.probabilities is None and run.best_step == 60
        one = alone(member(seed=seed), train, None)
        for name, value in one.network.state_dict().items():
            np.testing.assert_allclose(run.network.state_dict()[name].numpy(), value.numpy(), atol=2e-4)


def test_each_stops_early_by_itself() -> None:
    """The weak rate never gets better for so long; the others train on."""
    settings = [
        {"learning_rate": 1e-6, "steps": 400},
        {"steps": 400},
        {"seed": 3, "steps": 400, "plan": {"patience": 2}},
    ]
    found = together(*(member(**s) for s in settings))
    assert found[0].notes[0].startswith("stopped early") and found[0].steps < 400
    assert len({run.steps for run in found}) > 1
    for run, setting in zip(found, settings, strict=True):
        same(run, alone(member(**setting)), 2e-3)


def test_one_that_diverges_leaves_the_others_alone() -> None:
    mad = {"learning_rate": 1e30, "warmup_steps": 0}
    good, bad, other = together(member(), member(**mad), member(seed=1))
    assert isinstance(bad, Diverged)
    with pytest.raises(Diverged) as raised:
        alone(member(**mad))
    assert str(bad) == str(raised.value)
    same(good, alone(member()))
    same(other, alone(member(seed=1)))


def test_continued_equals_uninterrupted(tmp_path: Path) -> None:
    """From a state of its own, from one that training alone wrote, and the other way round, in one cohort."""
    whole = [alone(member(seed=s)) for s in range(4)]
    together(*(member(seed=s, steps=n, state=tmp_path / f"{s}") for s, n in ((0, 20), (1, 30))))
    alone(member(seed=2, steps=20, state=tmp_path / "2"))
    continued = together(*(member(seed=s, state=tmp_path / f"{s}") for s in range(4)))
    for run, straight in zip(continued, whole, strict=True):
        same(run, straight)
    together(member(seed=0, steps=40, state=tmp_path / "back"), member(seed=1, steps=40))
    same(alone(member(seed=0, state=tmp_path / "back")), whole[0])
    again = together(*(member(seed=s, state=tmp_path / f"{s}") for s in range(4)))
    for run, straight in zip(again, whole, strict=True):
        same(run, straight)


def test_killed_between_looks_equals_uninterrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several states were written in the middle, and an end never came."""
    written = checkpoint.write

    class Killed(Exception):
        pass

    def until(path, tensors, facts):
        written(path, tensors, facts)
        if facts["step"] == 17:
            raise Killed

    monkeypatch.setattr(checkpoint, "write", until)
    often = {"plan": {"save_every_s": 0.0}}
    with pytest.raises(Killed):
        together(*(member(seed=s, state=tmp_path / f"{s}", **often) for s in range(3)))
    monkeypatch.setattr(checkpoint, "write", written)
    for s, run in enumerate(together(*(member(seed=s, state=tmp_path / f"{s}") for s in range(3)))):
        same(run, alone(member(seed=s)))


def test_the_clock_stops_all_with_a_score() -> None:
    late = {"plan": {"stop_at": time.monotonic() - 1}, "steps": 10**6}
    for run in together(member(**late), member(make=lambda: head(layers=3), **late), member(seed=1, **late)):
        assert run.steps == 1 and run.notes[0] == "cut short by the clock" and 0 <= run.score <= 1


def test_seconds_are_shares() -> None:
    began = time.monotonic()
    found = together(*(member(seed=s) for s in range(5)))
    assert 0 < sum(run.seconds for run in found) < time.monotonic() - began


def test_what_cannot_be_stacked_is_told() -> None:
    thawed = member()
    thawed.network.register_parameter("more", nn.Parameter(torch.zeros(3)))
    odd = [
        thawed,
        member(make=lambda: nn.Sequential(nn.Linear(FEATURES, CLASSES), nn.Sigmoid(), nn.BatchNorm1d(CLASSES))),
        member(make=lambda: nn.Sequential(nn.Linear(FEATURES, CLASSES, bias=False))),
        replace(member(), plan=Plan(10, precision="bfloat16")),
    ]
    for one in odd:
        assert shape_key(one) is None
        with pytest.raises(SpaceError, match="Train it alone"):
            together(member(), one)
    assert shape_key(member(make=lambda: head(5))) == shape_key(member(make=lambda: head(31, dropout=0.5), seed=4))
    assert shape_key(member(make=lambda: nn.Linear(FEATURES, CLASSES))) is not None


def test_stacked_losses_are_those_of_each() -> None:
    torch.manual_seed(0)
    logits, targets, weights = torch.randn(4, 6, 5), torch.randint(-1, 5, (4, 6)), torch.rand(4, 6)
    smoothing, balance = torch.tensor([0.0, 0.1, 0.2, 0.0]), torch.rand(4, 5)
    found = stacked_cross_entropy(logits, targets, weights, smoothing, balance)
    for k in range(4):
        one = cross_entropy(logits[k], targets[k], weights[k], float(smoothing[k]), balance[k])
        assert float(found[k]) == pytest.approx(float(one), rel=1e-5)

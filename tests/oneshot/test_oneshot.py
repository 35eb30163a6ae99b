"""A supernet as a trial: trained by paths, continued after a kill, and read by those who inherit its weights."""

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch

from seqwright.arch import codec
from seqwright.arch.blocks import Conv, FeedForward, Gru, Skip
from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.darts import Darts
from seqwright.arch.network import Body, Layer, Mean, Mlp, Network, NgramBag, Words
from seqwright.arch.show import line
from seqwright.arch.spaces import named
from seqwright.arch.supernet import Paths, Supernet, weights_of
from seqwright.data.examples import Examples
from seqwright.errors import SpaceError, StudyError
from seqwright.evaluate import trial, workbench
from seqwright.evaluate.workbench import Workbench
from seqwright.oneshot import darts, paths
from seqwright.oneshot.inherit import inherited
from seqwright.oneshot.job import train
from seqwright.oneshot.paths import path, prior_of, sandwich
from seqwright.search.leaderboard import leaderboard
from seqwright.space.moves import sample
from seqwright.space.nodes import Choice, Stack, one_of, vary
from seqwright.space.prior import Prior
from seqwright.study.record import Fidelity, Proposal, Trial
from seqwright.study.rows import trial_from_data, trial_to_data
from seqwright.tasks.text_classification import TextClassification
from seqwright.train import checkpoint

RECIPE = Recipe(learning_rate=1e-2, batch_size=16, warmup_steps=10)
SMALL = Choice((8, 16), ordered=True)
LAYER = vary(Layer, mixer=one_of(vary(Gru, hidden=SMALL), vary(Conv, dilation=1)), channel=one_of(FeedForward, Skip))
BODY = vary(Body, layers=Stack(LAYER, 1, 2), width=SMALL, norm="pre")
SPACE = vary(
    Candidate,
    architecture=vary(Network, stem=one_of(Words, NgramBag), body=BODY, readout=Mean(), head=Mlp(layers=0)),
    recipe=RECIPE,
)
UNIFORM, SANDWICH = (Candidate(Supernet(SPACE, Paths(rule)), RECIPE) for rule in ("uniform", "sandwich"))
TEXTS = [f"{colour} {shape}" for colour in ("red", "blue") for shape in ("round", "square", "small", "big")] * 8


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return built(tmp_path_factory.mktemp("data"))


def built(folder: Path, weights: "np.ndarray | None" = None) -> Workbench:
    index = np.arange(len(TEXTS))
    examples = Examples({"text": TEXTS}, (index % 8 < 4).astype(np.int64), weights, None, index)
    folds = [(index[index % 4 != k], index[index % 4 == k]) for k in range(2)]
    task = TextClassification(("a", "b"))
    return workbench.build(folder, task, examples, None, folds, 1, index, seed=0)


def run(bench: Workbench, folder: Path, candidate: Candidate, stage: str, examples: int = 0, **more: Any) -> Any:
    common = {"number": 0, "folds": 1, "seed": 0, "precision": "float32", "device": "cpu", "stage": stage}
    given = {"prepared": str(bench.folder), "run_folder": str(folder), "examples": examples} | common | more
    return trial.run(candidate=codec.to_data(candidate), **given)


def state(folder: Path, candidate: Candidate, fold: int = 0) -> Path:
    return trial.state_path(folder, codec.identity(candidate), "supernet", 0, fold)


def test_a_supernet_is_a_value_and_says_what_it_reads() -> None:
    for candidate in (UNIFORM, SANDWICH, Candidate(Supernet(SPACE, Paths("uniform", weights_of(SPACE, Prior({})))))):
        assert codec.loads(codec.dumps(candidate)) == candidate
    assert codec.identity(UNIFORM) != codec.identity(SANDWICH)
    assert UNIFORM.architecture.streams == ("words", "ngrams")
    assert set(Supernet(named("pairs")).streams) >= {"words", "words.a", "words.b", "ngrams"}
    assert Supernet(named("text")).root == "/architecture" and Supernet(named("text").fields[0][1]).root == ""
    assert "supernet of 33,280 networks, sandwich paths" in line(SANDWICH)


def test_paths_are_drawn_as_the_prior_says_and_a_sandwich_is_of_like_kinds() -> None:
    weighed = Paths("uniform", weights_of(SPACE, Prior({"/architecture/stem": {"words": 0, "ngrambag": 1}})))
    assert codec.from_data(codec.to_data(weighed)) == weighed
    supernet = Supernet(SPACE, weighed)
    assert {type(path(supernet, prior_of(supernet), Random(k)).stem) for k in range(20)} == {NgramBag}
    for k in range(20):
        largest, *between, smallest = sandwich(SANDWICH.architecture, prior_of(SANDWICH.architecture), Random(k))
        assert largest.body.width == 16 and len(largest.body.layers) == 2
        assert smallest.body.width == 8 and len(smallest.body.layers) == 1 and len(between) == 2
        for other in (*between, smallest):
            assert other.stem == largest.stem
            for mine, theirs in zip(other.body.layers, largest.body.layers, strict=False):
                assert type(mine.mixer) is type(theirs.mixer) and type(mine.channel) is type(theirs.channel)


@pytest.mark.parametrize("candidate", [UNIFORM, SANDWICH], ids=["uniform", "sandwich"])
def test_a_trained_supernets_networks_have_learned(bench: Workbench, tmp_path: Path, candidate: Candidate) -> None:
    told = run(bench, tmp_path, candidate, "supernet", examples=16 * 400)
    assert told["score"] == 1.0 and len(told["found"]["derived"]) == 4 and told["curve"]
    parent = codec.identity(candidate)
    rng = Random(7)
    scores = []
    for _ in range(12):
        scored = run(bench, tmp_path, sample(SPACE, rng), "shared", parent=parent)
        assert scored["seconds"] < 5 and scored["costs"]["parameters"] > 0
        scores.append(scored["score"])
    assert np.mean(scores) > 0.9


@pytest.mark.parametrize("training", [Paths(), Darts()])
def test_a_look_at_a_part_of_weighted_examples(training: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "LOOK_ROWS", 5)
    monkeypatch.setattr(darts, "LOOK_ROWS", 5)
    weighted = built(tmp_path / "data", np.linspace(0.5, 2.0, len(TEXTS)).astype(np.float32))
    told = run(weighted, tmp_path, Candidate(Supernet(SPACE, training), RECIPE), "supernet", examples=16 * 8)
    assert len(told["curve"]) > 1


def test_a_killed_training_goes_on_to_the_same_weights(bench: Workbench, tmp_path: Path) -> None:
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    run(bench, straight, SANDWICH, "supernet", examples=64 * 30)

    class Killed(Exception):
        pass

    steps = 0
    with pytest.MonkeyPatch.context() as patch:
        from seqwright.oneshot import shared_learner

        usual = shared_learner.SharedLearner.step

        def step(self: Any, number: int) -> None:
            nonlocal steps
            if number == 18:
                raise Killed
            usual(self, number)
            steps += 1

        patch.setattr(shared_learner.SharedLearner, "step", step)
        patch.setattr(shared_learner, "WRITING", float("inf"))  # a state after each step
        with pytest.raises(Killed):
            run(bench, killed, SANDWICH, "supernet", examples=64 * 30, save_every_s=0.0)
    before = checkpoint.read(state(killed, SANDWICH))
    assert before is not None and before[1]["step"] == 17 == steps
    run(bench, killed, SANDWICH, "supernet", examples=64 * 30)
    one, other = checkpoint.read(state(straight, SANDWICH)), checkpoint.read(state(killed, SANDWICH))
    assert one is not None and other is not None and one[0].keys() == other[0].keys()
    assert all(torch.equal(one[0][name], other[0][name]) for name in one[0])
    assert all(name.startswith("weights/") for name in one[0])


def test_it_stops_by_the_clock_and_another_begins_with_its_weights(bench: Workbench, tmp_path: Path) -> None:
    import time

    told = run(bench, tmp_path, UNIFORM, "supernet", examples=10**7, stop_at=time.time() + 1.5)
    assert told["notes"] == ["cut short by the clock"] and told["seconds"] < 10
    wider = Candidate(Supernet(SPACE, Paths("uniform", (("/x", (("a", 1.0),)),))), RECIPE)
    told = run(bench, tmp_path, wider, "supernet", examples=16, parent=codec.identity(UNIFORM))
    assert any(note.startswith("began with") and "of the supernet before" in note for note in told["notes"])
    old, new = checkpoint.read(state(tmp_path, UNIFORM)), checkpoint.read(state(tmp_path, wider))
    assert old is not None and new is not None
    kept = [name for name in old[0] if torch.equal(old[0][name], new[0][name])]
    assert 0 < len(kept) < len(old[0])  # one step has changed the rest


def test_folds_have_a_supernet_each(bench: Workbench, tmp_path: Path) -> None:
    run(bench, tmp_path, UNIFORM, "supernet", examples=64, folds=2)
    assert state(tmp_path, UNIFORM, 0).exists() and state(tmp_path, UNIFORM, 1).exists()
    chosen = sample(SPACE, Random(0))
    assert 0 <= run(bench, tmp_path, chosen, "shared", parent=codec.identity(UNIFORM), folds=2)["score"] <= 1


def test_what_cannot_be_inherited_is_said(bench: Workbench, tmp_path: Path) -> None:
    chosen = sample(SPACE, Random(0))
    with pytest.raises(StudyError, match="names the supernet whose weights it inherits"):
        run(bench, tmp_path, chosen, "shared")
    with pytest.raises(StudyError, match=r"weights of the supernet are gone .* Train it again"):
        run(bench, tmp_path, chosen, "shared", parent=codec.identity(UNIFORM))
    run(bench, tmp_path, UNIFORM, "supernet", examples=16)
    other = Network(Words(), Body((Layer(Gru(64), Skip()),) * 3, 16), Mean(), Mlp(layers=0))
    with pytest.raises(StudyError, match="this network is not in the space of that supernet"):
        inherited(other, bench.interface, state(tmp_path, UNIFORM))
    with pytest.raises(StudyError, match="trains a Supernet, not a Network"):
        run(bench, tmp_path, chosen, "supernet")
    with pytest.raises(SpaceError, match=r"No training of supernets is registered for Mean\..*: .*Paths"):
        train(Mean(), UNIFORM.architecture, RECIPE, None)  # type: ignore[arg-type]


def test_inherited_scores_are_for_the_record_only() -> None:
    chosen = sample(SPACE, Random(0))
    supernet = Trial(Proposal(UNIFORM, Fidelity(10**6, stage="supernet")), 0.99, found={"prior": {"/a": {"b": 0.5}}})
    shared = Trial(Proposal(chosen, Fidelity(0, stage="shared")), 0.98)
    alone = Trial(Proposal(chosen, Fidelity(10)), 0.5)
    assert leaderboard([supernet, shared, alone]) == [alone]
    again = trial_from_data(trial_to_data(supernet), supernet.proposal)
    assert again == supernet and "found" not in trial_to_data(alone)

"""Children begin with their parents' weights: the same however often they are begun, and told as such."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqwright.arch import codec
from seqwright.arch.blocks import Conv, FeedForward, Gru, Lstm
from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.network import Body, Layer, Mean, Mlp, Network, Words
from seqwright.data.examples import Examples
from seqwright.evaluate import trial, workbench
from seqwright.evaluate.full import FullEvaluator
from seqwright.evaluate.inheritance import begin
from seqwright.evaluate.workbench import Workbench
from seqwright.nn.build import build
from seqwright.study.record import Fidelity, Proposal
from seqwright.tasks.text_classification import TextClassification
from seqwright.train import checkpoint

TEXTS = [f"{colour} {shape}" for colour in ("red", "blue") for shape in ("round", "square", "small", "big")] * 5
RECIPE = Recipe(learning_rate=1e-3, batch_size=16, warmup_steps=10)


def made(mixer: Any, width: int = 8) -> Candidate:
    return Candidate(Network(Words(), Body((Layer(mixer, FeedForward(1)),), width), Mean(), Mlp(layers=0)), RECIPE)


PARENT, WIDER, OTHER = made(Conv(3)), made(Conv(5), 16), made(Gru(4))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    index = np.arange(len(TEXTS))
    examples = Examples({"text": TEXTS}, (index % 8 < 4).astype(np.int64), None, None, index)
    folds = [(index[index % 4 != k], index[index % 4 == k]) for k in range(2)]
    task = TextClassification(("a", "b"))
    return workbench.build(tmp_path_factory.mktemp("data"), task, examples, None, folds, 2, index, seed=0)


def run(bench: Workbench, folder: Path, candidate: Candidate, examples: int = 800, **more: Any) -> dict[str, Any]:
    common = {"number": 0, "folds": 2, "stage": "full", "seed": 0, "precision": "float32", "device": "cpu"}
    given = {"prepared": str(bench.folder), "run_folder": str(folder), "examples": examples} | common | more
    return trial.run(candidate=codec.to_data(candidate), **given)


def state(folder: Path, candidate: Candidate, fold: int = 0) -> dict[str, Any]:
    kept = checkpoint.read(trial.state_path(folder, codec.identity(candidate), "full", 0, fold))
    assert kept is not None
    return kept[0] | {"facts": {k: v for k, v in kept[1].items() if k != "seconds"}}


def test_a_child_begins_where_its_parent_ended(bench: Workbench, tmp_path: Path) -> None:
    """Each fold from its own parent; what its parent had seen counts; continued and begun anew it is the same."""
    parent = codec.identity(PARENT)
    learned = run(bench, tmp_path, PARENT)
    assert not [note for note in learned["notes"] if note.startswith("began")]
    for fold in range(2):
        torch.manual_seed(0)
        network = build(WIDER.architecture, bench.interface).eval()
        path = trial.state_path(tmp_path, parent, "full", 0, fold)
        about = begin(network, WIDER, path)
        kept = checkpoint.read(path)
        assert kept is not None and about["inherited"] == kept[1]["best_step"] * RECIPE.batch_size > 0
        elder = build(PARENT.architecture, bench.interface).eval()
        elder.load_state_dict({n.removeprefix("best/"): v for n, v in kept[0].items() if n.startswith("best/")})
        batch = {"words": torch.tensor([[3, 4, 5, 0], [6, 7, 0, 0]])}
        batch["words.mask"] = batch["words"] > 0
        assert (network(batch) - elder(batch)).abs().max() < 1e-5

    told = run(bench, tmp_path, WIDER, parent=parent)
    assert "began computing what its parent computed" in told["notes"]
    assert told["costs"]["best_examples"] > learned["costs"]["best_examples"]
    assert told["curve"][0][1] < learned["curve"][0][1]  # its first loss is that of one who has learned
    straight = state(tmp_path, WIDER)
    for fold in range(2):
        trial.state_path(tmp_path, codec.identity(WIDER), "full", 0, fold).unlink()
    run(bench, tmp_path, WIDER, examples=400, parent=parent)
    again = run(bench, tmp_path, WIDER, parent=parent)
    assert (again["score"], again["curve"], again["notes"]) == (told["score"], told["curve"], told["notes"])
    continued = state(tmp_path, WIDER)
    assert continued.keys() == straight.keys() and continued["facts"] == straight["facts"]
    assert all(torch.equal(continued[n], straight[n]) for n in straight if n != "facts")


def test_other_moves_inherit_what_fits_and_a_missing_parent_is_said(bench: Workbench, tmp_path: Path) -> None:
    run(bench, tmp_path, PARENT, examples=400)
    told = run(bench, tmp_path, OTHER, examples=400, parent=codec.identity(PARENT))
    assert "began with its parent's weights, where they fit" in told["notes"]
    alone = run(bench, tmp_path / "scratch", OTHER, examples=400)
    orphan = run(bench, tmp_path / "orphan", OTHER, examples=400, parent="0" * 12)
    assert orphan["curve"] == alone["curve"] != told["curve"]
    assert "began from scratch: its parent's weights are not kept any more" in orphan["notes"]


def test_only_who_starts_from_a_parent_is_told_of_one(tmp_path: Path) -> None:
    evaluator = FullEvaluator(executor=None, prepared=tmp_path, run_folder=tmp_path)  # pyright: ignore
    child = Proposal(made(Lstm(4)), Fidelity(100), parent="abc", start="parent", number=1)
    assert evaluator.order(child)["parent"] == "abc"
    assert evaluator.order(child.at(Fidelity(300), start="checkpoint"))["parent"] is None

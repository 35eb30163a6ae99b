"""Prepared data as workers see it: scores that mind sample weights, folders that were made anew."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from seqwright.arch import codec
from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.network import Body, Mean, Mlp, Network, NgramBag
from seqwright.data.examples import Examples
from seqwright.errors import StudyError
from seqwright.evaluate import trial, workbench
from seqwright.evaluate.workbench import Workbench
from seqwright.tasks.series_classification import SeriesClassification
from seqwright.tasks.text_classification import TextClassification

TEXTS = [f"{colour} {shape}" for colour in ("red", "blue") for shape in ("round", "square", "small", "big")] * 5
TARGETS = np.array([text.startswith("red") for text in TEXTS], np.int64)


def built(folder: Path, texts: "list[str]" = TEXTS, weights: "np.ndarray | None" = None) -> Workbench:
    examples = Examples({"text": texts}, TARGETS[: len(texts)], weights, None, np.arange(len(texts)))
    index = np.arange(len(texts))
    fold = (index[index % 4 > 0], index[index % 4 == 0])
    return workbench.build(folder, TextClassification(("a", "b")), examples, None, [fold], 1, index, seed=0)


def test_scores_mind_weights(tmp_path: Path) -> None:
    weights = np.where(TARGETS == 1, 3.0, 1.0).astype(np.float32)
    bench = built(tmp_path, weights=weights)
    always_one = np.tile([0.1, 0.9], (len(TEXTS), 1))
    assert bench.score(always_one, TARGETS) == 0.5
    assert bench.score_at(np.arange(len(TEXTS)), always_one) == pytest.approx(0.75)
    said = 0.75 * np.log(0.9) + 0.25 * np.log(0.1)
    assert bench.likelihood_at(np.arange(len(TEXTS)), always_one) == pytest.approx(said)
    assert built(tmp_path / "even").likelihood_at(np.arange(4), np.full((4, 2), 0.5)) == pytest.approx(np.log(0.5))


def test_a_trial_is_scored_with_weights(tmp_path: Path) -> None:
    """All weight of validation lies on rows of the class that a network which learnt nothing else answers."""
    weights = np.where(TARGETS == 1, 1.0, 1e-6).astype(np.float32)  # in training too, so class 1 is all it learns
    bench = built(tmp_path / "prepared", weights=weights)
    candidate = Candidate(
        Network(NgramBag(), Body((), width=32), Mean(), Mlp(layers=0)), Recipe(learning_rate=1e-4, warmup_steps=1)
    )
    told = trial.run(
        prepared=str(bench.folder),
        run_folder=str(tmp_path),
        candidate=codec.to_data(candidate),
        number=0,
        examples=50_000,
        folds=1,
        stage="full",
        seed=0,
    )
    assert told["score"] == pytest.approx(1.0, abs=1e-4)
    assert told["metrics"]["accuracy"] == told["score"]


def test_only_the_streams_asked_for(tmp_path: Path) -> None:
    development = built(tmp_path).development
    assert set(development.only(("ngrams",)).streams) == {"ngrams", "ngrams.weight"}
    assert set(development.only(("words",)).streams) == {"words"}
    assert len(development.only(()).take([1, 2])) == 2


def test_a_folder_made_anew_is_read_anew(tmp_path: Path) -> None:
    folder = tmp_path / "prepared"
    assert len(built(folder).development) == len(TEXTS)
    assert workbench.load(folder) is workbench.load(folder)
    shutil.rmtree(folder)
    assert len(built(folder, TEXTS[:16]).development) == 16
    shutil.rmtree(folder)
    with pytest.raises(StudyError, match="holds no prepared data"):
        workbench.load(folder)


def test_raw_examples_come_back_as_they_were(tmp_path: Path) -> None:
    series = [np.full((3, 2), 0.1, np.float32), np.zeros((0, 2), np.float32), np.full((1, 2), np.nan, np.float32)]
    given = Examples({"series": series}, np.array([0, 1, 1]), np.array([1, 2, 0.5], np.float32), None, np.arange(3))
    workbench.save_examples(tmp_path, "some", given)
    found = workbench.load_examples(tmp_path, "some")
    for before, after in zip(series, found.inputs["series"], strict=True):
        assert before.dtype == after.dtype
        np.testing.assert_array_equal(before, after)  # shapes too: an empty series keeps its channels
    assert found.targets.tolist() == [0, 1, 1] and found.weights is not None and found.weights.tolist() == [1, 2, 0.5]


@pytest.mark.parametrize("place", range(4))
def test_baselines_of_series_bear_an_empty_one(tmp_path: Path, place: int) -> None:
    rng = np.random.default_rng(0)
    series = [rng.normal(size=(0 if i == 3 else 12, 2)).astype(np.float32) for i in range(24)]
    given = Examples({"series": series}, np.arange(24) % 2, rows=np.arange(24))
    workbench.save_examples(tmp_path, "some", given)
    found = workbench.load_examples(tmp_path, "some")
    baseline = SeriesClassification(("a", "b")).baselines()[place]
    assert baseline.fit(found, 5.0, lambda said: None)(found).shape == (24, 2)

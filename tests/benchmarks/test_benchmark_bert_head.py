"""The experiment with heads: methods differ in what they should, results survive, differences are paired."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.bert_head_methods import METHODS, RATES, Form, candidate_of, space_of

from benchmarks import bert_head, bert_head_methods, bert_head_report
from seqwright.arch.encoders import Frozen
from seqwright.evaluate.workbench import Workbench
from seqwright.space.census import questions, size
from seqwright.tasks.text_classification import TextClassification
from seqwright.testing.encoder import tiny_encoder

TINY = Form("quick", trials=2, seeds=1, rungs=1, epochs=1, steps=1, folds=1)
SET = "text/trec6-500"
COLOURS = ("red", "green", "blue")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of the form of text/trec6, of 540 rows: more than the small version keeps."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("data")
    (folder / "text" / "trec6").mkdir(parents=True)
    for name, rows in (("train", 540), ("test", 60)):
        classes = rng.integers(len(COLOURS), size=rows)
        lines = [f"{COLOURS[c]}\tthe cat number {i} of the {COLOURS[c]} town" for i, c in enumerate(classes)]
        (folder / "text" / "trec6" / f"{name}.tsv").write_text("\n".join(["label\ttext", *lines]) + "\n")
    return folder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_encoder(tmp_path_factory.mktemp("encoder"), texts=["the cat number of the town", *COLOURS]))


@pytest.fixture(scope="module")
def bench(data: Path, encoder: str, tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return bert_head.prepare(SET, data, tmp_path_factory.mktemp("out") / "prepared", 0, TINY, encoder)


def test_a_small_version_has_500_rows_of_train_and_all_of_test(bench: Workbench):
    assert len(bench.development) == pytest.approx(500, abs=len(COLOURS))
    assert len(bench.examples("test")) == 60 and bench.searched == 1


@pytest.mark.parametrize("mode", bert_head.MODES)
def test_all_searches_have_the_same_questions_of_training(bench: Workbench, mode: str):
    def training(space: Any) -> dict[str, Any]:
        return {path: q.options for path, q in questions(space).items() if "/recipe" in path or "/tuning" in path}

    searched = [method for method in METHODS if method.space]
    first, *others = (training(space_of(method, bench, mode, small=True)) for method in searched)
    assert first["/recipe/learning_rate"] == RATES and all(other == first for other in others)
    linear = {method.name: size(space_of(method, bench, mode, small=True)) for method in searched[:2]}
    rates = len(RATES) * (1 if mode == "frozen" else len(bert_head_methods.ENCODER_RATES))
    assert set(linear.values()) == {rates}


def test_fixed_heads_keep_their_rates_where_the_encoder_is_tuned(bench: Workbench):
    published = [method.candidate for method in METHODS if method.candidate]
    for given in published:
        tuned, frozen = (candidate_of(given, bench, mode, small=False) for mode in ("tuned", "frozen"))
        assert tuned.recipe == given.recipe and frozen.architecture.stem.tuning == Frozen()
        assert frozen.recipe.learning_rate > 10 * given.recipe.learning_rate


def test_a_run_is_resumed_and_repeats_itself(data: Path, encoder: str, tmp_path: Path, monkeypatch: Any, capsys: Any):
    monkeypatch.setattr(bert_head, "QUICK", TINY)
    monkeypatch.setattr(bert_head, "METHODS", (METHODS[1], METHODS[2], METHODS[4]))
    asked = ["--data", str(data), "--out", str(tmp_path), "--sets", SET, "--mode", "frozen", "--quick"]
    asked += ["--encoder", encoder, "--workers", "1"]
    assert bert_head.main(asked) == 0
    results = tmp_path / bert_head.RESULTS
    first = [line for line in results.read_text().splitlines() if line]
    rows = [json.loads(line) for line in first]
    assert [row["method"] for row in rows] == [METHODS[i].name for i in (1, 2, 4)]
    assert [row["trials"] for row in rows] == [2, 2, 1] and all(len(row["answers"]) == 60 for row in rows)
    said = capsys.readouterr().out
    assert "against the tuned linear head" in said and "too few runs to tell" in said
    results.write_text("\n".join([first[0], first[2], first[1][:40]]))  # a kill while the second was written
    assert bert_head.main(asked) == 0
    again = bert_head.known(results, TINY, rows[0]["encoder"])
    assert {key[2]: row["answers"] for key, row in again.items()} == {row["method"]: row["answers"] for row in rows}
    before = results.read_text()
    assert bert_head.main(asked) == 0 and results.read_text() == before


def test_an_unknown_set_or_folder_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert bert_head.main(["--data", str(tmp_path), "--out", str(tmp_path), "--sets", "text/none"]) == 2
    assert "pairs/rte-500" in capsys.readouterr().out
    assert bert_head.main(["--data", str(tmp_path), "--out", str(tmp_path), "--sets", "pairs/*"]) != 0
    assert "Give the folder above text/" in capsys.readouterr().out


def row(method: str, seed: int, answers: list[int], name: str = SET) -> dict[str, Any]:
    targets = [0, 1] * 50
    task = TextClassification(("a", "b")).as_data()
    right = float(np.mean(np.array(answers) == targets))
    told = {"task": task, "score": right, "answers": answers, "targets": targets, "trials": 2, "collapsed": 1}
    return {"set": name, "mode": "frozen", "method": method, "seed": seed, "heads": 2, "wall_s": 60.0, **told}


def test_differences_are_paired_over_the_seeds_that_both_have():
    right, constant = [0, 1] * 50, [0] * 100
    control = [row(bert_head_report.CONTROL, seed, constant) for seed in (0, 1)]
    found = bert_head_report.difference([row("x", 0, right), row("x", 1, constant), row("x", 2, right)], control)
    assert found is not None and found.value == pytest.approx(0.25) and found.low > 0.15
    same = bert_head_report.difference(control, control)
    assert same is not None and (same.low, same.high) == (0.0, 0.0)
    assert bert_head_report.difference([row("x", 3, right)], control) is None


def test_what_architecture_adds_is_the_mean_over_sets_and_seeds():
    right, constant = [0, 1] * 50, [0] * 100
    runs = [(seed, name) for seed in range(3) for name in ("text/cola", "pairs/rte")]
    control = [row(bert_head_report.CONTROL, seed, constant, name) for seed, name in runs]
    ours = [row("x over y", seed, right, name) for seed, name in runs]
    pooled = [row(bert_head_report.POOLED, seed, right, name) for seed, name in runs]
    methods = [bert_head_report.CONTROL, bert_head_report.POOLED, "x over y"]
    said = bert_head_report.words([*control, *pooled, *ours], methods)
    assert "6 runs, 2 sets" in said and "x over y: +0.5000 [+0.5000, +0.5000], better" in said
    assert f"beside {bert_head_report.POOLED}: +0.0000 [+0.0000, +0.0000], not told apart" in said
    assert "18 of 36 trials collapsed" in said

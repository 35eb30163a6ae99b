"""The final table and its words: no gain is said plainly, a loss more plainly, a failure is never left out."""

import numpy as np
import pytest

from seqwright.deliver.card import measured
from seqwright.deliver.evidence import DELIVERED, PORTFOLIO, Evidence, weigh
from seqwright.tasks.text_classification import TextClassification

TASK = TextClassification(("no", "yes"))
ROWS = 200
TARGETS = np.random.default_rng(0).integers(0, 2, ROWS)


def right(count: int) -> np.ndarray:
    """Answers of which the first `count` are right."""
    chosen = np.where(np.arange(ROWS) < count, TARGETS, 1 - TARGETS)
    return np.eye(2)[chosen]


def told(ours: int, theirs: int, **more) -> Evidence:
    answers = {DELIVERED: right(ours), "TF-IDF": right(theirs)}
    return weigh(TASK, TARGETS, answers | more.pop("answers", {}), {"TF-IDF": {"score": 0.5}}, **more)


def test_a_gain() -> None:
    evidence = told(180, 140)
    (said,) = evidence.verdicts()
    assert said.startswith("Better than the best baseline (TF-IDF) on test: accuracy +0.200, 95 % interval [+0.1")
    assert evidence.rows == ROWS and evidence.metric == "accuracy"


def test_no_gain_is_said_plainly() -> None:
    for ours in (181, 180, 179):
        (said,) = told(ours, 180).verdicts()
        assert said.startswith("No clear difference from the best baseline (TF-IDF) on test"), said


def test_a_loss_is_said_more_plainly() -> None:
    (said,) = told(140, 180).verdicts()
    assert said.startswith("WORSE than the best baseline (TF-IDF) on test: accuracy -0.200")
    assert said.endswith("Prefer that one.")


def test_the_portfolio_is_a_rival_too() -> None:
    evidence = told(180, 140, answers={PORTFOLIO: right(179)})
    assert [r.name for r in evidence.rivals] == [DELIVERED, PORTFOLIO, "TF-IDF"]
    assert evidence.verdicts()[1].startswith("No clear difference from the best portfolio member on test")


def test_examples_that_were_read_before_are_said_to_be() -> None:
    assert "were read 2 times before" in told(180, 140, readings=3).verdicts()[-1]
    assert told(180, 140, readings=3).as_data()["readings"] == 3


def test_a_failed_baseline_is_shown_as_failed() -> None:
    baselines = {"majority": {"score": 0.5}, "trees": {"name": "trees", "error": "killed by signal 9"}, "lost": {}}
    evidence = weigh(TASK, TARGETS, {DELIVERED: right(150), "majority": right(100)}, baselines)
    rows = {r.name: r for r in evidence.rivals}
    assert rows["trees"].error == "killed by signal 9" and rows["lost"].error == "gave no answers on test"
    assert evidence.gains["best baseline"][0] == "majority"
    assert evidence.verdicts()[0].startswith("NOT compared with trees, lost")
    lines = measured(evidence)
    assert any(line.startswith("| trees | failed: killed by signal 9 |") for line in lines)


def test_when_every_baseline_failed_no_gain_over_them_is_claimed() -> None:
    evidence = weigh(TASK, TARGETS, {DELIVERED: right(150)}, {"trees": {"error": "crashed"}})
    assert evidence.gains == {}
    (said,) = evidence.verdicts()
    assert said.startswith("Compared with NO baseline")


def test_what_a_baseline_said_stands_beside_it() -> None:
    baselines = {"TF-IDF": {"said": ["trained on 500 of 9,000 rows"]}}
    evidence = weigh(TASK, TARGETS, {DELIVERED: right(150), "TF-IDF": right(140)}, baselines)
    assert any("TF-IDF (trained on 500 of 9,000 rows)" in line for line in measured(evidence))


def test_gains_are_weighed_as_the_scores_are() -> None:
    weights = np.where(np.arange(ROWS) < 150, 1.0, 0.0)  # where both are right but for ours, the rows count nothing
    evidence = told(180, 150, weights=weights)
    rows = {r.name: r.metrics["accuracy"].value for r in evidence.rivals}
    assert rows == pytest.approx({DELIVERED: 1.0, "TF-IDF": 1.0})
    assert evidence.gains["best baseline"][1].value == pytest.approx(0.0)


def test_as_data_is_json_and_whole() -> None:
    import json

    data = json.loads(json.dumps(told(180, 140).as_data()))
    assert data["verdicts"] == told(180, 140).verdicts()
    assert data["gains"]["best baseline"]["value"] == pytest.approx(0.2)
    assert {r["name"] for r in data["rivals"]} == {DELIVERED, "TF-IDF"}
    assert set(data["rivals"][0]["metrics"]) == {m.name for m in TASK.metrics()}

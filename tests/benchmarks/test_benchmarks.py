"""What the benchmarks measure is what they say: generated answers are right, results survive, promises are computed."""

import json

import numpy as np
import pytest

from benchmarks import budgets, planted, tasks
from seqwright.deliver.options import Options
from seqwright.deliver.searching import narrowed
from seqwright.space.census import questions, size


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_recall_asks_for_the_value_that_the_marker_points_at():
    texts, values = planted.recall(rng(), 200)
    seen = set()
    for text, value in zip(texts, values, strict=True):
        words = text.split()
        (place,) = (i for i, word in enumerate(words) if word.startswith("marker"))
        kind = int(words[place].removeprefix("marker"))
        assert words[place + planted.STEPS[kind]] == f"value{value}"
        seen.add(kind)
    assert seen == set(range(len(planted.STEPS)))


def test_nesting_counts_the_deepest_bracket_of_a_balanced_text():
    texts, labels = planted.nesting(rng(), 200)
    for text, label in zip(texts, labels, strict=True):
        depths = np.cumsum([{"open": 1, "close": -1}.get(word, 0) for word in text.split()])
        assert depths[-1] == 0 and depths.min() >= 0
        assert depths.max() == label + 1
    assert set(labels) == set(range(6))


def test_a_rise_holds_what_a_fall_holds_in_another_order():
    series, labels = planted.change(rng(), 600, noise=0.0)
    assert set(labels) == {0, 1, 2} and {x.shape for x in series} == {(planted.LONGEST, 1)}
    for x, label in zip(series, labels, strict=True):
        (inside,) = np.nonzero(np.abs(x[:, 0]) > 1e-6)
        begin, end = inside[0], inside[-1] + 1
        first, second = (fast(x[part, 0]) for part in (slice(begin, begin + 12), slice(end - 12, end)))
        assert (first, second) in {0: [(False, False), (True, True)], 1: [(False, True)], 2: [(True, False)]}[label]


def fast(x: np.ndarray) -> bool:
    """Whether twelve steps hold more than a period and a half."""
    return bool(np.count_nonzero(np.diff(np.sign(x)) != 0) > 4)


def test_a_search_needs_no_part_that_is_banned_as_slow():
    for one in planted.TASKS:
        assert not {"attention", "lstm"} & set(labels_of(one))


def labels_of(one: planted.Planted) -> list[str]:
    space = narrowed(Options(fix=one.fix, ban=one.ban), one.kind.split("-")[0])
    return [label for question in questions(space).values() for label in question.labels()]


@pytest.mark.parametrize("one", planted.TASKS, ids=lambda one: one.name)
def test_the_space_of_a_planted_task_stays_large(one):
    space = narrowed(Options(fix=one.fix, ban=one.ban), one.kind.split("-")[0])
    assert size(space) > 1e9


def test_a_search_is_solved_at_its_first_good_trial():
    row = {"scores": [0.5, None, 0.9, 0.97]}
    assert planted.first_solved(row, 0.9) == 3
    assert planted.first_solved(row, 0.98) is None
    assert planted.best_of(row) == 0.97


def test_the_promise_is_ten_per_cent_and_five_seconds():
    assert budgets.Kept("texts", 60, 70.9).kept
    assert not budgets.Kept("texts", 60, 71.1).kept
    assert not budgets.Kept("texts", 60, 50, wrong="no bundle").kept


def test_sets_are_chosen_by_pattern():
    assert [one.name for one in tasks.chosen("text/trec6,pairs/*")] == ["text/trec6", "pairs/rte"]
    assert tasks.chosen("nothing") == []


def test_a_half_written_result_is_run_again(tmp_path):
    path = tmp_path / tasks.RESULTS
    path.write_text(
        json.dumps({"set": "text/cola", "budget": "5m", "seed": 0, "encoder": "none"}) + '\n{"set": "text/sn'
    )
    assert list(tasks.known(path)) == [("text/cola", "5m", 0, "none")]


def test_a_difference_is_told_in_its_own_standard_errors():
    row = {"difference": {"value": -0.02, "standard_error": 0.01}}
    assert tasks.standard_errors(row) == pytest.approx(-2)
    assert tasks.standard_errors({"difference": None}) is None

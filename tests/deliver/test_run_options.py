"""Options and budgets: all mistakes at once, and a budget that grows as told, however often one was killed."""

import json
from pathlib import Path

import numpy as np
import pytest

from seqwright.deliver.gather import Sources
from seqwright.deliver.identity import begin, budget_of, extend, finished, fresh_folder
from seqwright.deliver.options import Options
from seqwright.deliver.traceless import traceless
from seqwright.errors import BudgetError, InputError, StudyError


def test_all_mistakes_at_once() -> None:
    with pytest.raises(InputError) as caught:
        Options.of(strategy="evolutoin", schedule="hyperbond", split=(80, 10, 20), workers=-1, precision="float8")
    text = str(caught.value)
    assert text.count("\n") == 4
    assert '--strategy "evolutoin" is not known. Did you mean "evolution"? Give one of: evolution, random, tpe' in text
    assert '--schedule "hyperbond" is not known.' in text
    assert "--split 80/10/20 is not" in text and "Give for instance 80/10/10, or 90/10/0 for no test split." in text
    assert "--workers -1 is negative" in text and '--precision "float8"' in text


def test_a_prior_that_is_none_is_told_before_data_are_read() -> None:
    with pytest.raises(InputError) as caught:
        Options.of(prior=("lstm:3", "/layers/*/mixer=lstm:3", "/recipe/dropout"), strategy="rondom")
    text = str(caught.value)
    assert text.count(" is not PATH=LABEL:WEIGHT.") == 2 and "--strategy" in text


def test_an_option_that_does_not_exist() -> None:
    with pytest.raises(InputError, match=r'There is no option "budgte"\. Did you mean "budget"\?'):
        Options.of(budgte="10m")


@pytest.mark.parametrize("split", [(80, 20), (0, 90, 10), (50, 50, 50), (-10, 100, 10)])
def test_splits_that_are_none(split) -> None:
    with pytest.raises(InputError, match="--split"):
        Options.of(split=split)


@pytest.mark.parametrize("budget", ["", "0m", "-5m", "10", "10 parsecs", "1.5trials"])
def test_budgets_that_are_none(budget: str) -> None:
    with pytest.raises(BudgetError):
        Options.of(budget=budget)


def test_a_run_cannot_begin_with_an_addition(tmp_path: Path) -> None:
    """It would grow each time that a killed command is given again."""
    with pytest.raises(InputError, match=r"Leave out the .*seqwright resume FOLDER --budget \+10m"):
        Options.of(budget="+10m")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("budget", 600, "int, not text"),
        ("seed", "one", "str, not a whole number"),
        ("seed", 1.5, "float, not a whole number"),
        ("single", "no", "str, not True or False"),
        ("split", "80/10/10", "str, not a list"),
        ("split", ("80", "10", "10"), "not a list of numbers"),
        ("ban", [1], "not a list of texts"),
        ("fix", {"a": 1}, "dict, not a list"),
    ],
)
def test_values_of_another_type(name: str, value: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Options.of(**{name: value})


def test_values_as_people_write_them(tmp_path: Path) -> None:
    given = Options.of(seed=np.int64(3), ban="lstm", start=tmp_path, metric=None, text=["title", "body"], workers=2)
    expected = Options(seed=3, ban=("lstm",), start=str(tmp_path), text="title,body", workers=2)
    assert given == expected and json.loads(json.dumps(given.as_data()))["seed"] == 3
    with pytest.raises(InputError, match="trial_timeout_s=-1 is no limit"):
        Options.of(trial_timeout_s=-1)


def test_json_and_back() -> None:
    options = Options.of(budget="5m", ban=["lstm"], split=[70, 15, 15])
    assert Options.of(**options.as_data()) == options and options.ban == ("lstm",)
    assert "budget" not in options.fixed() and "seed" in options.fixed()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.tsv"
    path.write_text("text\tlabel\na\tb\n")
    return path


def test_the_budget_grows_as_told(tmp_path: Path, data: Path) -> None:
    def same():
        return begin(tmp_path / "run", Sources(data), Options(budget="4trials"))

    with same() as study:
        assert str(budget_of(study)) == "4 trials"
        study.event("delivered", {"budget": "4 trials", "score": 0.5, "stopped": False})
        assert finished(study)
        extend(study, "+2trials")
        assert str(budget_of(study)) == "6 trials" and not finished(study)
        extend(study, "+2trials")  # the same command after a kill
        assert str(budget_of(study)) == "6 trials"
        study.event("delivered", {"budget": "6 trials", "score": 0.5, "stopped": False})
        extend(study, "+2trials")  # a new one
        assert str(budget_of(study)) == "8 trials"
    with same() as study:
        assert str(budget_of(study)) == "8 trials"


def test_a_stopped_run_is_not_finished(tmp_path: Path, data: Path) -> None:
    with begin(tmp_path / "run", Sources(data), Options(budget="4trials")) as study:
        study.event("delivered", {"budget": "4 trials", "score": 0.5, "stopped": True})
        assert not finished(study)


def test_trials_and_time_do_not_add(tmp_path: Path, data: Path) -> None:
    with begin(tmp_path / "run", Sources(data), Options(budget="4trials")) as study:
        with pytest.raises(BudgetError, match="the one counts time, the other trials"):
            extend(study, "+10m")
        assert str(budget_of(study)) == "4 trials", "a mistake is not kept"


def test_other_data_or_options_are_another_run(tmp_path: Path, data: Path) -> None:
    begin(tmp_path / "run", Sources(data), Options()).close()
    with pytest.raises(StudyError, match=r"options\.seed is 0 there, 1 was asked"):
        begin(tmp_path / "run", Sources(data), Options(seed=1))
    begin(tmp_path / "run", Sources(data), Options(workers=1)).close()  # where it runs is no part of what it is
    data.write_text("text\tlabel\nc\td\n")
    with pytest.raises(StudyError, match="digests"):
        begin(tmp_path / "run", Sources(data), Options())


def test_fresh_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert fresh_folder("some/my data.tsv") == Path("runs/my-data")
    (tmp_path / "runs/my-data").mkdir(parents=True)
    assert fresh_folder("some/my data.tsv") == Path("runs/my-data-2")
    assert fresh_folder((["a"], ["b"])) == Path("runs/run")


def test_a_mistake_in_an_existing_folder_is_told_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(InputError, match="the mistake"), traceless(tmp_path):
        (tmp_path / "left").mkdir()
        raise InputError("the mistake")
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]

"""A contest counts what it says, goes on where it stopped, refuses what does not fit, and compares in one unit."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from seqwright.api import resume
from seqwright.arch.spaces import named
from seqwright.deliver.careers import Career, contenders_of, on_table, steps_of
from seqwright.deliver.comparison import Comparison, Problem
from seqwright.deliver.contest import compare
from seqwright.deliver.show import Quiet
from seqwright.errors import DataError, InputError, StudyError
from seqwright.evaluate import table_file
from seqwright.evaluate.known_tables import recognised
from seqwright.evaluate.table import Entry
from seqwright.space.census import every
from seqwright.testing.strategy import score

TINY = named("tiny")


class Said(Quiet):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An arbitrary landscape with shorter trainings that know a part of it, and one without."""
    folder = tmp_path_factory.mktemp("tables")
    paths = folder / "with.jsonl", folder / "without.jsonl"
    for path, rungs in zip(paths, ((1, 3, 9), ()), strict=True):
        table_file.begin(path, path.stem, TINY, looks=(10,), rungs=rungs)
        for candidate in every(TINY):
            worth = score(candidate)
            curve = (*((n, round(worth * 4) / 4 * n / 9, 1.0 * n) for n in rungs[:-1]), (9, worth, 9.0))
            table_file.add(path, candidate, Entry(worth, 9.0, curve if rungs else (), bool(rungs)))
    return paths


def test_contenders_are_named_and_all_mistakes_told_at_once() -> None:
    assert contenders_of("random, evolution+asha,bohb") == ("random", "evolution+asha", "bohb")
    with pytest.raises(InputError) as told:
        contenders_of("evolutoin,random+ahsa,bohb+none")
    said = str(told.value)
    assert 'Did you mean "evolution"?' in said and 'Did you mean "asha"?' in said and "means --schedule" in said
    for text, words in (("random", "Name two or more"), ("random,random", "Name each once")):
        with pytest.raises(InputError, match=words):
            contenders_of(text)


def test_a_curve_knows_improvements_of_whole_trainings_only() -> None:
    assert steps_of([(1, 0.5), (2, -np.inf), (3, 0.4), (4, 0.75)]) == ((1, 0.5), (4, 0.75))
    career = Career("p", "c", 0, ((2.0, 0.5), (4.0, 0.75)), 4, 1.0, 0.0)
    assert [career.best_at(cost) for cost in (1, 2, 3.9, 4)] == [None, 0.5, 0.5, 0.75]
    assert Career.from_data(json.loads(json.dumps(career.as_data()))) == career


def test_a_schedule_pays_for_short_trainings_by_their_share(tables: tuple[Path, Path]) -> None:
    known = recognised(tables[0])
    plain, halved = (on_table(known, name, 0, 12) for name in ("random", "random+asha"))
    assert plain.trials == 12 and plain.training_s == 12 * 9
    assert halved.trials > 2 * 12 and halved.training_s <= 12 * 9
    assert halved.steps[0][0] < 12 and plain.steps[0][0] == 1


def test_what_is_left_of_the_best_is_found_by_cost_and_ranked(tables: tuple[Path, Path], tmp_path: Path) -> None:
    found = compare(tables=tables, strategies="random,evolution", seeds=3, trials=20, folder=tmp_path / "c")
    assert found.looks() == [2, 5, 10, 20] and len(found.careers) == 12
    problem = found.problems[1]
    curve = found.curve(problem, "random")
    assert curve.cost[0] == 1 and curve.cost[-1] == 20 and (np.diff(curve.mean) <= 0).all()
    assert ((curve.low <= curve.mean) & (curve.mean <= curve.high)).all()
    best = max(score(candidate) for candidate in every(TINY))
    ends = [best - career.steps[-1][1] for career in found.of(problem.name, "random")]
    assert curve.mean[-1] == pytest.approx(np.mean(ends))
    assert sum(found.ranking().ranks) == pytest.approx(3)
    data = found.as_data()
    assert json.loads(json.dumps(data)) == data and data["problems"][0]["contenders"]["random"]["seeds"] == 3


def test_who_found_nothing_yet_counts_as_the_least_first_find() -> None:
    careers = (
        Career("p", "a", 0, ((1.0, 0.25), (3.0, 0.5)), 3, 1.0, 0.0),
        Career("p", "b", 0, ((3.0, 0.75),), 3, 1.0, 0.0),
    )
    found = Comparison(Path(), 3, ("a", "b"), (Problem("p"),), careers)
    assert found.found(Problem("p"), "b", np.array([1, 3])).tolist() == [[0.25, 0.75]]
    assert found.ranking().names == ("b", "a")


def test_what_is_done_is_not_done_again_and_more_may_be_added(tables: tuple[Path, Path], tmp_path: Path) -> None:
    folder, given = tmp_path / "c", {"tables": tables[1:], "trials": 8, "folder": tmp_path / "c"}
    first = compare(strategies="random,evolution", seeds=2, **given)
    lines = (folder / "careers.jsonl").read_text()
    (folder / "careers.jsonl").write_text(lines + '{"problem": "half')
    said = Said()
    more = compare(strategies="random,evolution,local", seeds=3, show=said, **given)
    assert said.lines[0] == (
        f"9 searches in {folder}, of which 4 are done already; if they are cut off, the same command with -o {folder} "
        "goes on there"
    )
    assert len(said.lines) == 6
    assert [c for c in more.careers if c.contender != "local" and c.seed < 2] == list(first.careers)
    with pytest.raises(StudyError, match="trials is 8 there, 9 was asked"):
        compare(strategies="random,evolution", seeds=2, **given | {"trials": 9})


def test_processes_find_the_same(tables: tuple[Path, Path], tmp_path: Path) -> None:
    both = [
        compare(tables=tables[1:], strategies="random,local", seeds=2, trials=9, folder=tmp_path / str(jobs), jobs=jobs)
        for jobs in (1, 2)
    ]
    assert both[0].as_data()["ranks"] == both[1].as_data()["ranks"]
    assert [c.steps for c in both[0].careers] == [c.steps for c in both[1].careers]


def test_what_does_not_fit_is_said_before_anything_is_run(tables: tuple[Path, Path], tmp_path: Path) -> None:
    folder = tmp_path / "c"
    for own in ("darts+asha", "transfer"):
        with pytest.raises(InputError, match=rf'"{re.escape(own)}" trains a supernet, and the table with holds'):
            compare(tables=tables[:1], strategies=f"spos,{own}", folder=folder)
    with pytest.raises(InputError, match="the table without knows whole trainings only"):
        compare(tables=tables, strategies="random,random+asha", folder=folder)
    with pytest.raises(InputError) as told:
        compare(strategies="random,local", seeds=0, trials=0, folder=folder)
    assert len(str(told.value).splitlines()) == 3
    with pytest.raises(InputError, match=r"tables do not: space"):
        compare(tables=tables, strategies="random,local", folder=folder, space="tiny")
    with pytest.raises(DataError):
        compare(tmp_path / "absent.csv", strategies="random,local", folder=folder)
    assert not folder.exists()
    folder.mkdir()
    (folder / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="holds something else"):
        compare(tables=tables, strategies="random,local", folder=folder)


def test_searches_on_data_pay_by_examples_and_train_nothing_twice(tmp_path: Path) -> None:
    rows = [f"{('good', 'bad')[n % 2]} w{n % 7},{n % 2}" for n in range(40)]
    (tmp_path / "d.csv").write_text("\n".join(["text,label", *rows]))
    given = {"trials": 2, "folder": tmp_path / "c", "examples": 320, "space": "tiny", "encoder": "none"}
    found = compare(tmp_path / "d.csv", strategies="random,evolution,random+halving", seeds=1, **given)
    plain, bred, halved = found.careers
    assert plain.steps == bred.steps and plain.trials == bred.trials == 2  # both begin with the portfolio
    assert halved.trials > 2 and halved.steps
    assert len((tmp_path / "c" / "trained.jsonl").read_text().splitlines()) < 2 + 2 + halved.trials
    assert not list((tmp_path / "c" / "searches").rglob("*.safetensors"))
    for name in ("c", "c/searches/random-0"):
        with pytest.raises(StudyError, match="goes on with the same `seqwright compare`"):
            resume(tmp_path / name)
    shutil.rmtree(tmp_path / "c" / "searches")
    (tmp_path / "c" / "careers.jsonl").unlink()
    again = compare(tmp_path / "d.csv", strategies="random,evolution,random+halving", seeds=1, **given)
    assert [c.steps for c in again.careers] == [c.steps for c in found.careers]

"""The planted table holds what was trained, goes on where it stopped, and counts who found as good a network."""

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from benchmarks import planted_table
from seqwright.arch.blocks import Skip
from seqwright.arch.candidate import Candidate
from seqwright.arch.network import Mean, Mlp, Network, Words
from seqwright.deliver.careers import Career
from seqwright.deliver.comparison import Comparison, Problem
from seqwright.evaluate.known_tables import recognised
from seqwright.space.census import contains, size
from seqwright.space.nodes import Choice, vary


def test_the_space_holds_the_plant_and_some_hundreds() -> None:
    planted = Candidate(planted_table.PLANT, planted_table.RECIPE)
    assert size(planted_table.space()) == 264 and contains(planted_table.space(), planted)


def test_labels_are_those_of_the_planted_network(tmp_path: Path) -> None:
    ids = np.random.default_rng(0).integers(planted_table.WORDS, size=(5, planted_table.LENGTH))
    assert np.array_equal(planted_table.planted(ids, 0), planted_table.planted(ids, 0))
    assert not np.array_equal(planted_table.planted(ids, 0), planted_table.planted(ids, 1))
    bench = planted_table.bench_of(tmp_path, 0)
    counts = np.bincount(bench.development.targets, minlength=planted_table.CLASSES)
    assert len(bench.development) == planted_table.TRAIN + planted_table.VALID and counts.min() > 0


def test_a_share_and_its_interval() -> None:
    assert planted_table.share(50, 100) == pytest.approx((0.5, 0.4038, 0.5962), abs=1e-4)
    assert planted_table.share(0, 10)[1] == 0.0 and planted_table.share(10, 10)[2] == 1.0


def test_who_reached_the_goal_is_counted_by_cost() -> None:
    careers = tuple(Career("p", "a", seed, ((2.0 + seed, 0.5), (8.0, 0.9)), 9, 1.0, 0.0) for seed in range(3))
    found = Comparison(Path(), 9, ("a",), (Problem("p", 1.0),), careers)
    assert [planted_table.reached(found, "a", 0.5, cost) for cost in (1, 2, 3, 4, 9)] == [0, 1, 2, 3, 3]
    assert planted_table.reached(found, "a", 0.9, 7) == 0


def test_a_small_one_from_end_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = (
        planted_table.PLANT,
        *(
            Network(Words(), planted_table.body(*mixers), Mean(), Mlp(layers=0))
            for mixers in ((Skip(),), (Skip(), Skip()))
        ),
    )
    few = vary(Candidate, architecture=Choice(kinds, names=("plant", "one", "two")), recipe=planted_table.RECIPE)
    monkeypatch.setattr(planted_table, "space", lambda: few)
    monkeypatch.setattr(planted_table, "RUNGS", (1_600, 3_200))
    path = planted_table.trained(tmp_path / "plant-0", 0, 1, Console())
    first = path.read_text()
    known = recognised(path)
    assert len(known.table) == 3 and planted_table.goal(known) == known.best > 0.5
    one, two = (known.table[Candidate(kind, planted_table.RECIPE)] for kind in kinds[1:])
    assert one == two, "twins are trained once"
    planted = known.table[Candidate(planted_table.PLANT, planted_table.RECIPE)]
    assert [point[0] for point in planted.curve] == [1_600, 3_200]
    asked = ["--strategies", "random,local", "--seeds", "4", "--trials", "3", "--out", str(tmp_path)]
    assert planted_table.main(asked) in (0, 1)
    assert path.read_text() == first, "what was trained is not trained again"
    assert "as are 1 of" in capsys.readouterr().out

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks.tables import interval, regrets

from seqwright.arch.candidate import Candidate, Recipe
from seqwright.errors import DataError
from seqwright.evaluate import nas_bench_201
from seqwright.evaluate.nas_bench_201 import NasBench201Cell, digits, read
from seqwright.evaluate.table import Entry, TableEvaluator
from seqwright.search.evolution import Evolution
from seqwright.search.random_search import RandomSearch
from seqwright.space.census import every, size
from seqwright.study.record import Proposal

FILE = Path(__file__).parents[2].parent / "shared/data/nas/nas_bench_201/nb201_200epoch_cifar10.csv"


def proposal(number: int, operation: str = "none") -> Proposal:
    return Proposal(Candidate(NasBench201Cell(edge_0_1=operation)), number=number)


def convolutions(candidate: Candidate) -> Entry:
    code = digits(candidate.architecture)
    return Entry(sum(code.count(d) * w for d, w in (("3", 3), ("2", 2), ("1", 1))), seconds=10.0)


def test_trials_end_in_the_order_of_the_simulated_clock():
    seconds = {"none": 5.0, "skip_connect": 1.0, "nor_conv_1x1": 3.0}
    evaluator = TableEvaluator(lambda c: Entry(1.0, seconds[c.architecture.edge_0_1]), slots=2)
    for number, operation in enumerate(seconds):
        evaluator.submit(proposal(number, operation))
    order = [(trials[0].proposal.number, evaluator.clock_s) for _ in range(3) if (trials := evaluator.collect())]
    assert order == [(1, 1.0), (2, 4.0), (0, 5.0)]
    assert evaluator.collect() == []


def test_what_the_table_cannot_answer_is_a_failed_trial():
    table = {proposal(0).candidate: 0.5, proposal(0, "skip_connect").candidate: float("nan")}
    evaluator = TableEvaluator(table)
    for number, operation in enumerate(("none", "skip_connect", "nor_conv_1x1")):
        evaluator.submit(proposal(number, operation))
    good, nan, absent = (evaluator.collect()[0] for _ in range(3))
    assert good.score == 0.5 and not good.failed
    assert nan.score == absent.score == float("-inf")
    assert "nan" in nan.error and "no such candidate" in absent.error


def test_a_function_that_raises_makes_a_failed_trial():
    evaluator = TableEvaluator(lambda c: 1 / 0)
    evaluator.submit(proposal(0))
    assert evaluator.collect()[0].error == "ZeroDivisionError: division by zero"


def test_cancelled_proposals_yield_no_trial_and_free_their_slot():
    evaluator = TableEvaluator(lambda c: Entry(1.0, 2.0), slots=1)
    for number in range(4):
        evaluator.submit(proposal(number))
    evaluator.cancel(0)
    evaluator.cancel(2)
    assert [evaluator.collect()[0].proposal.number for _ in range(2)] == [1, 3]
    assert evaluator.collect() == []


def write(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(("arch,val_acc_0,val_acc_1,val_acc_2,train_time", *rows)) + "\n")
    return path


def test_scores_are_means_over_the_seeds_that_were_run(tmp_path):
    table = read(write(tmp_path / "t.csv", "000102,84,85,,1023.5", "333333,90,91,95,7"))
    cell = NasBench201Cell(edge_0_3="skip_connect", edge_2_3="nor_conv_1x1")
    assert digits(cell) == "000102"
    assert table[Candidate(cell)] == Entry(84.5, 1023.5)
    assert sorted(e.score for e in table.values()) == [84.5, 92.0]


@pytest.mark.parametrize(
    "row", ["00010,84,85,86,1", "000105,84,85,86,1", "000102,,,,1", "000102,high,85,86,1", "000102"]
)
def test_a_bad_row_is_named(tmp_path, row):
    with pytest.raises(DataError, match=r"t.csv:2: not a cell"):
        read(write(tmp_path / "t.csv", row))


def test_a_missing_file_or_column_is_named(tmp_path):
    with pytest.raises(DataError, match="Cannot read"):
        read(tmp_path / "absent.csv")
    (tmp_path / "other.csv").write_text("arch,accuracy\n000000,1\n")
    with pytest.raises(DataError, match="no column train_time, val_acc_0"):
        read(tmp_path / "other.csv")


def test_evolution_beats_random_search_on_a_table_that_rewards_convolutions():
    table = {candidate: convolutions(candidate) for candidate in every(nas_bench_201.space())}
    assert len(table) == size(nas_bench_201.space()) == 5**6
    space = nas_bench_201.space()
    random = np.array([regrets(table, RandomSearch(space, seed=s), [100]) for s in range(8)])
    evolved = np.array([regrets(table, Evolution(space, seed=s, population=20, sample=5), [100]) for s in range(8)])
    assert interval((random - evolved).ravel())[0] > 0


@pytest.mark.skipif(not FILE.exists(), reason="the table is not here")
def test_the_real_table_is_whole():
    table = read(FILE)
    assert len(table) == 15_625 and Candidate(NasBench201Cell(), Recipe()) in table
    assert max(table.values(), key=lambda e: e.score).score == pytest.approx(91.6, abs=0.5)
    best = max(table, key=lambda c: table[c].score)
    assert digits(replace(best.architecture)).count("3") >= 3

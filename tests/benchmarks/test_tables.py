"""The tables benchmark counts what it says, goes on where it stopped, and judges its promises."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import tables
from seqwright.arch.candidate import Candidate, Recipe
from seqwright.errors import DataError, InputError
from seqwright.evaluate import nas_bench_macro, nas_bench_nlp
from seqwright.evaluate.known_tables import Known, found, opened
from seqwright.evaluate.nas_bench_201 import NasBench201Cell
from seqwright.evaluate.table import Entry, TableEvaluator
from seqwright.search.gp_encoding import EncodedGp
from seqwright.search.random_search import RandomSearch
from seqwright.space.census import size
from seqwright.study.record import Fidelity, Proposal


def runs(folder: Path, count: int = 12) -> Path:
    """A pool of cells in which longer chains end better and every epoch lowers the loss."""
    lines = []
    for k in range(count):
        cell = {f"node_{j}": {"op": "linear", "input": [f"node_{j - 1}" if j else "x"]} for j in range(k)}
        cell["h_new_0"] = {"op": "activation_tanh", "input": [f"node_{k - 1}" if k else "x", "h_prev_0"]}
        losses = [10.0 - 0.3 * k - 0.1 * epoch for epoch in range(9)]
        status = "loss is nan!" if k == 3 else "OK"
        row = {"recepie": json.dumps(cell), "num_params": 100 + k, "status": status, "val_losses": losses}
        lines.append(json.dumps(row | {"wall_times": [2.0] * 9}))
    path = folder / "runs.jsonl"
    path.write_text("\n".join(lines))
    return path


def test_a_promotion_pays_what_is_new_and_a_fresh_training_all():
    curve = ((1, 0.1, 10.0), (3, 0.2, 30.0), (9, 0.3, 90.0))
    candidate = Candidate(NasBench201Cell(), Recipe())
    seconds = {}
    for continues in (True, False):
        evaluator = TableEvaluator({candidate: Entry(0.3, 90.0, curve, continues)})
        for number, (examples, start) in enumerate(((1, "scratch"), (3, "checkpoint"), (9, "checkpoint"))):
            evaluator.submit(Proposal(candidate, Fidelity(examples), start=start, number=number))
        trials = [evaluator.collect()[0] for _ in range(3)]
        assert [trial.score for trial in trials] == [0.1, 0.2, 0.3]
        seconds[continues] = [trial.seconds for trial in trials]
    assert seconds == {True: [10.0, 20.0, 60.0], False: [10.0, 30.0, 90.0]}


def test_a_pool_is_read_with_its_curves_and_its_failures(tmp_path):
    pool = nas_bench_nlp.read(runs(tmp_path))
    entries = list(pool.table.values())
    assert size(pool.space()) == len(entries) == 12 and pool.epochs == 9
    assert np.isnan(entries[3].score) and entries[3].seconds == 18.0
    assert entries[5].at(4) == (pytest.approx(-(10.0 - 1.5 - 0.3)), 8.0)
    assert entries[5].at(0) == (pytest.approx(-(10.0 - 1.5 - 0.8)), 18.0)
    assert pool.features.min() == 0 and pool.features.max() == 1
    with pytest.raises(DataError, match="Give the jsonl"):
        nas_bench_nlp.read(tmp_path / "absent")


def test_a_surrogate_ranks_a_pool_by_its_features(tmp_path):
    pool = nas_bench_nlp.read(runs(tmp_path, 40))
    few = [8]
    guided = [tables.regrets(pool.table, EncodedGp(pool.space(), seed=s, begin=4, encoding=pool.encoding), few)[0]
              for s in range(4)]  # fmt: skip
    drawn = [tables.regrets(pool.table, RandomSearch(pool.space(), seed=s), few)[0] for s in range(4)]
    assert np.mean(guided) < np.mean(drawn)


def test_macro_is_read_by_its_digits(tmp_path):
    path = tmp_path / "macro.json"
    path.write_text(json.dumps({"02012100": {"mean_acc": 89.2}, "11111111": {"mean_acc": 92}}))
    table = nas_bench_macro.read(path)
    assert table[nas_bench_macro.network("02012100")] == Entry(89.2)
    assert size(nas_bench_macro.space()) == 3**8
    path.write_text('{"0201": 3}')
    with pytest.raises(DataError, match="Give the json"):
        nas_bench_macro.read(path)


def test_short_trainings_of_201_are_found_beside_it(tmp_path):
    (tmp_path / "nb201_200epoch_c.csv").write_text("arch,val_acc_0,train_time\n000000,10,200\n333333,90,400\n")
    cell = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    empty = cell.replace("nor_conv_3x3", "none")
    text = f"arch,cellstr,c-test,c-val\n0,{cell},85,80\n1,{empty},10,9\n"
    (tmp_path / "nb201_12epoch_c.csv").write_text(text)
    known = opened("nas-bench-201", tmp_path / "nb201_200epoch_c.csv")
    assert [rung.examples for rung in known.rungs] == [12, 200]
    best = max(known.table.values(), key=lambda entry: entry.score)
    assert best.at(12) == (80.0, 24.0) and best.at(200) == (90.0, 400.0)
    with pytest.raises(InputError, match="Did you mean"):
        opened("nas-bench-210", tmp_path)


def test_a_run_is_repeated_by_nobody_and_printed_whole(tmp_path, capsys):
    source, out = runs(tmp_path, 30), tmp_path / "out.jsonl"
    arguments = ["--data", str(source), "--strategies", "random,local", "--seeds", "2", "--out", str(out)]
    tables.main(arguments)
    first = out.read_text()
    rows = [json.loads(line) for line in first.splitlines()]
    assert {row["strategy"] for row in rows} == {"random"}, "a pool has no edits"
    assert {row["schedule"] for row in rows} == {"", *tables.SCHEDULED} and len(rows) == 10
    out.write_text(first + '{"table": "half')
    tables.main(arguments)
    assert out.read_text() == first, "what was half written is gone, and nothing was run again"
    assert "random + hyperband" in capsys.readouterr().out


def test_promises_are_judged_by_means():
    candidate = Candidate(NasBench201Cell(), Recipe())
    known = Known("nas-bench-201 x_cifar10", None, {candidate: Entry(1.0)}, looks=(200,))

    def row(name: str, *values: float):
        return [{"strategy": name, "schedule": "", "regrets": [value]} for value in values]

    said = dict(tables.promises(known, [*row("auto", 0.0, 0.016), *row("local", 0.01), *row("random", 0.4)]))
    assert list(said.values()) == [True, True]
    rows = [*row("auto", 0.03), *row("local", 0.01), *row("bananas", 0.02)]
    assert [holds for _, holds in tables.promises(known, rows)].count(False) == 2


def test_tables_are_found_in_a_folder_whatever_their_names(tmp_path):
    assert found(tmp_path) == []
    (tmp_path / "deep").mkdir()
    runs(tmp_path / "deep")
    (tmp_path / "cells_cifar100.csv").write_text("arch,val_acc_0,train_time\n012340,50.5,7.0\n")
    (tmp_path / "features.csv").write_text("architecture,a,b\nx,1,2\n")
    (tmp_path / "latin.csv").write_bytes(b"\xe9t\xe9,1\n")
    assert [known.name for known in found(tmp_path)] == ["nas-bench-201 cells_cifar100", "nas-bench-nlp runs"]

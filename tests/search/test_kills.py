"""Killed at any moment, a search goes on as if nothing had happened."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seqwright.search.leaderboard import leaderboard
from seqwright.study.record import Trial
from seqwright.study.store import Study

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parents[1] / "src"), str(HERE)])}


def begin(folder: Path, trials: int, asynchronous: bool) -> subprocess.Popen[str]:
    program = [sys.executable, str(HERE / "killed_search.py"), str(folder), str(trials), str(int(asynchronous))]
    return subprocess.Popen(program, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)


def finish(folder: Path, trials: int, asynchronous: bool) -> list[Trial]:
    process = begin(folder, trials, asynchronous)
    process.communicate(timeout=120)
    assert process.returncode == 0
    with Study.open(folder) as study:
        assert study.pending() == []
        return study.trials()


def interrupted(folder: Path, trials: int, asynchronous: bool, kills: int, seed: int) -> list[Trial]:
    """Kill the search `kills` times, each after a few more trials and a random moment, then let it end."""
    rng, done = random.Random(seed), 0
    for _ in range(kills):
        process = begin(folder, trials, asynchronous)
        assert process.stdout is not None
        for _ in range(rng.randint(0, 1 + (trials - done) // (kills + 1))):
            process.stdout.readline()
        time.sleep(rng.random() * 0.03)
        process.kill()
        process.wait()
        process.stdout.close()
        if (folder / "study.db").exists():
            with Study.begin(folder, {"seed": 3}) as study:
                assert len(study.trials()) >= done, "a finished trial was lost"
                done = len(study.trials())
    return finish(folder, trials, asynchronous)


@pytest.mark.parametrize("kills", [5, pytest.param(100, marks=pytest.mark.slow)])
def test_a_killed_search_ends_like_an_uninterrupted_one(tmp_path: Path, kills: int) -> None:
    trials = 40 if kills < 10 else 150
    whole = finish(tmp_path / "whole", trials, False)
    broken = interrupted(tmp_path / "broken", trials, False, kills, seed=kills)
    assert len(whole) == trials
    assert broken == whole
    assert leaderboard(broken) == leaderboard(whole)
    assert {trial.proposal.fidelity.examples for trial in whole} == {1, 3, 9}


def test_an_asynchronous_search_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    trials = interrupted(tmp_path, 30, True, kills=3, seed=0)
    assert [trial.proposal.number for trial in trials] == list(range(30))
    assert len({(str(trial.proposal.candidate), trial.proposal.fidelity) for trial in trials}) == 30

"""Killed with SIGKILL anywhere in the whole story, the same command ends with the same model, to the bit."""

import sys
from pathlib import Path

import pytest
from benchmarks.kills import prove
from rich.console import Console


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(("kills", "trials"), [(3, 4), pytest.param(100, 14, marks=pytest.mark.slow)])
def test_killed_story_ends_like_an_uninterrupted_one(tmp_path: Path, kills: int, trials: int) -> None:
    done, wrong = prove(tmp_path, kills, trials, seed=kills, most=14, console=Console(stderr=True))
    assert not wrong
    assert done.total == kills

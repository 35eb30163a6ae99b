"""Every example runs to its end and prints what it promises."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SAYS = {
    "own_space.py": ("candidates, such as", "256 is not one of 16, 32"),
    "own_block.py": ("the block keeps the contract", "trained together"),
    "own_strategy.py": ("the strategy keeps the contract", "Climb"),
    "classify_texts.py": ("best baseline", "All of it is in"),
    "classify_series.py": ("best baseline", "follows"),
}
ARGUMENTS = {"classify_texts.py": ["1trials"], "classify_series.py": ["1trials"]}


def run(folder: Path, name: str, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, str(ROOT / "examples" / name), *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", SAYS)
def test_example_runs(name: str, tmp_path: Path) -> None:
    said = run(tmp_path, name, *ARGUMENTS.get(name, []))
    assert all(words in said for words in SAYS[name]), said


def test_no_example_is_left_out() -> None:
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == {*SAYS, "language_names.py"}


def test_language_names_are_balanced_and_unambiguous(tmp_path: Path) -> None:
    pytest.importorskip("babel")
    run(tmp_path, "language_names.py", "out/names.tsv")
    with (tmp_path / "out" / "names.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    languages = [row["language"] for row in rows]
    assert len(set(languages)) == 20
    assert {languages.count(language) for language in set(languages)} == {500}
    assert len({row["name"].casefold() for row in rows}) == len(rows)


def test_an_exported_space_can_be_searched(tmp_path: Path) -> None:
    from seqwright.arch.spaces import load
    from seqwright.space.census import size

    said = run(tmp_path, "own_space.py", "space.json")
    assert f"{size(load(tmp_path / 'space.json')):,} candidates" in said

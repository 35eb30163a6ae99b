"""show, spaces, doctor and help."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Run

from seqwright.arch import codec
from seqwright.arch.candidate import Candidate
from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import describe, load, named
from seqwright.faces.fronts import _amount
from seqwright.space.census import contains

NAMES = ("text", "pairs", "tagging", "series", "transformers", "nasnet", "amoebanet-2d")
MEMBERS = [f"{space}/{name}" for space in NAMES for name, _ in portfolio(space)]


@pytest.mark.parametrize("what", MEMBERS)
def test_every_portfolio_member_as_a_module_that_runs(run: Run, what: str, tmp_path: Path) -> None:
    assert run("show", what, "--as", "torch", "-o", "model.py")[0] == 0
    done = subprocess.run([sys.executable, "-m", "py_compile", str(tmp_path / "model.py")], capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("what", ["text/text CNN", "amoebanet-2d/AmoebaNet-A, 3 at 24"])
def test_a_module_of_an_architecture_without_data_runs(run: Run, what: str, tmp_path: Path) -> None:
    run("show", what, "--as", "torch", "-o", "model.py")
    done = subprocess.run([sys.executable, str(tmp_path / "model.py")], capture_output=True, text=True, timeout=120)
    assert "tensor([[" in done.stdout, done.stderr


def test_views_of_a_bundle(run: Run, text_bundle: Path) -> None:
    assert run("show", text_bundle, "--as", "line")[1] == "words > [conv 3 + skip] > mean, width 16\n"
    assert "├── stem: words" in run("show", text_bundle)[1]
    assert run("show", text_bundle, "--as", "mermaid")[1].startswith("flowchart TD")
    assert run("show", text_bundle, "--as", "svg")[1].startswith("<svg")
    assert "class Model" in run("show", text_bundle, "--as", "torch")[1]


def test_json_is_read_back(run: Run) -> None:
    assert run("show", "text/text CNN", "--as", "json", "-o", "cnn.json")[0] == 0
    assert codec.from_data(json.loads(Path("cnn.json").read_text())) == dict(portfolio("text"))["text CNN"]
    assert run("show", "cnn.json", "--as", "line")[1] == run("show", "text/text CNN", "--as", "line")[1]


def test_what_cannot_be_shown(run: Run) -> None:
    code, _, err = run("show", "text/text CMN")
    assert code == 2
    assert err.startswith('seqwright: The portfolio of "text" has no "text CMN". Did you mean "text CNN"? It has: ')
    _, _, err = run("show", "nasnet-2d/nasnet-a")
    assert 'Did you mean "NASNet-A, ' in err and 'It has: "NASNet-A, 2 at 32", "NASNet-A, 6 at 32".' in err
    code, _, err = run("show", "nothing")
    assert code == 2
    assert err.startswith('seqwright: "nothing" is no folder, no file and no portfolio member.')
    Path("a.json").write_text("[1, 2")
    code, _, err = run("show", "a.json")
    assert code == 2
    assert err.startswith("seqwright: a.json is not JSON, so it holds no architecture. ")
    assert run("show", "text/text CNN", "--as", "svgg")[2] == (
        'seqwright: --as "svgg" is not known. Did you mean "svg"? Give one of: line, tree, mermaid, svg, torch, json.\n'
    )


def test_a_front_is_drawn_as_svg_only(run: Run) -> None:
    code, _, err = run("leaderboard", ".", "--front", "-o", "front.png")
    assert code == 2 and "Give a name that ends in .svg." in err and not Path("front.png").exists()


def test_costs_of_a_front_are_written_out() -> None:
    assert [_amount(cost) for cost in (4_194_700.0, 1234.5, 0.01234567)] == ["4,194,700", "1,234", "0.01235"]


def test_spaces(run: Run) -> None:
    lines = run("spaces")[1].splitlines()
    assert [line.split()[0] for line in lines] == [*describe()]
    rows = json.loads(run("spaces", "--json")[1])
    assert all(isinstance(row["size"], int) and row["size"] > 100 for row in rows)
    assert "/architecture/body/width  8 16" in run("spaces", "tiny")[1]
    for name in describe():
        assert run("spaces", "show", name)[0] == 0, name
    assert "/architecture/normal/combinations/0/first  identity " in run("spaces", "nasnet-2d")[1]


def test_a_space_as_json_is_a_space_again(run: Run) -> None:
    Path("mine.json").write_text(run("spaces", "text", "--json")[1])
    again = load("mine.json")
    assert all(contains(again, candidate) for _, candidate in portfolio("text") if isinstance(candidate, Candidate))
    assert codec.space_to_data(again) == codec.space_to_data(named("text"))
    assert run("spaces", "txt")[0] == 2


def test_doctor_finds_nothing_wrong_and_says_what_it_tried(run: Run) -> None:
    code, out, err = run("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(out)}
    assert {"seqwright", "packages", "cores", "memory", "disk", "GPU", "bfloat16", "training", "workers"} <= set(checks)
    assert checks["training"]["fine"] and checks["workers"]["fine"], err
    assert code == (0 if all(check["fine"] for check in checks.values()) else 1)


@pytest.mark.parametrize(
    "command", ["", "fit", "resume", "predict", "evaluate", "leaderboard", "show", "spaces", "export-optuna", "doctor"]
)
def test_help_has_an_example(run: Run, command: str) -> None:
    code, out, _ = run(*command.split(), "--help")
    assert code == 0
    assert f"seqwright {command or 'fit'}" in out.split("Options")[0].split("Usage", 1)[1].split("\n", 1)[1]

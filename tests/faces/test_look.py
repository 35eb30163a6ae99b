"""show, spaces, doctor and help."""

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from commands import Run

from seqwright.arch import codec
from seqwright.arch.candidate import Candidate
from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import describe, load, named
from seqwright.cli import app
from seqwright.faces.fronts import _amount
from seqwright.faces.scatter import scatter
from seqwright.space.census import contains
from seqwright.study.record import Fidelity, Proposal, Trial
from seqwright.study.store import Study

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
    code, _, err = run("show", "nasnet-2d")
    assert code == 2 and err == (
        'seqwright: "nasnet-2d" is a space, not a network. Give `seqwright spaces show nasnet-2d`, or one of its '
        'networks: `seqwright show "nasnet-2d/NASNet-A, 2 at 32"`.\n'
    )
    assert "`seqwright spaces show tiny`." in run("show", "tiny")[2]
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


def made(folder: Path, *stages: str, over: bool = True, budget: bool = True) -> None:
    """A run with a trial of each of these stages."""
    candidate = dict(portfolio("text"))["text CNN"]
    with Study.create(folder, {"options": {}}) as study:
        if budget:
            study.event("budget", "10trials")
        proposals = [Proposal(candidate, Fidelity(9, 1, stage), number=n) for n, stage in enumerate(stages)]
        study.propose(proposals)
        for proposal in proposals:
            failed = proposal.fidelity.stage == "supernet"
            study.record(Trial(proposal, 0.5, error="died" if failed else ""))
        if over:
            study.event("delivered", {"budget": "10 trials", "stopped": False})


def test_a_leaderboard_says_what_it_leaves_out_and_why_it_is_empty(run: Run) -> None:
    made(Path("some"), "full", "shared", "shared")
    assert "left out: 2 scored on the weights of a supernet" in run("leaderboard", "some")[1]
    made(Path("none"), "supernet", "shared")
    for more in ((), ("--front",)):
        code, out, _ = run("leaderboard", "none", *more)
        assert code == 0 and "1 failed, 1 were scored on the weights of a supernet. The run is finished." in out
        assert "seqwright resume none --budget +20trials" in out
    assert json.loads(run("leaderboard", "none", "--front", "--json")[1])["front"] == []
    made(Path("begun"), over=False)
    assert run("leaderboard", "begun")[1] == "No network of begun was trained to a score yet. Look again later.\n"


def test_a_search_of_a_comparison_is_not_resumed_alone(run: Run) -> None:
    made(Path("c/searches/random-0"), over=False, budget=False)
    code, _, err = run("resume", "c/searches/random-0")
    assert code == 1 and "is of a comparison, which goes on with the same `seqwright compare`." in err


def test_a_front_is_drawn_as_svg_only(run: Run) -> None:
    code, _, err = run("leaderboard", ".", "--front", "-o", "front.png")
    assert code == 2 and "Give a name that ends in .svg." in err and not Path("front.png").exists()


def test_the_stairs_of_a_front_only_rise_and_their_axis_is_labelled() -> None:
    several = [(1000.0, 0.8, "a"), (1100.0, 0.7, "b"), (1200.0, 0.9, "c")]  # b is better in another cost
    for front in (several, several[:1]):
        drawn = ElementTree.fromstring(scatter(front, front, "parameters"))
        (stairs,) = (path.get("d", "") for path in drawn.findall("{*}path") if path.get("fill") == "none")
        heights = [float(part) for part in re.findall(r"(?:V|M[\d.]+ )([\d.]+)", stairs)]
        assert heights == sorted(heights, reverse=True) and len(heights) == len(front)
        assert sum(text.get("y") == "402.0" for text in drawn.findall("{*}text")) >= 2
        assert len(drawn.findall("{*}circle")) == 2 * len(front)


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


def test_examples_of_help_fit_on_a_line_of_80() -> None:
    for command in app.registered_commands:
        text = inspect.getdoc(inspect.unwrap(command.callback)) or ""  # pyright: ignore[reportArgumentType]
        long = [line for line in text.splitlines() if line.lstrip().startswith("seqwright ") and len(line) > 80]
        assert not long


@pytest.mark.parametrize(
    "command", ["", "fit", "resume", "predict", "evaluate", "leaderboard", "show", "spaces", "export-optuna", "doctor"]
)
def test_help_has_an_example(run: Run, command: str) -> None:
    code, out, _ = run(*command.split(), "--help")
    assert code == 0
    assert f"seqwright {command or 'fit'}" in out.split("Options")[0].split("Usage", 1)[1].split("\n", 1)[1]

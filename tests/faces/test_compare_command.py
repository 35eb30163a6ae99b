"""`seqwright compare` on a table: what it prints, what it leaves, and what it answers to mistakes."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from commands import Run

from seqwright.arch.spaces import named
from seqwright.deliver.ranking import Ranking
from seqwright.evaluate import table_file
from seqwright.evaluate.table import Entry
from seqwright.faces.chart import Line, curves, ranks
from seqwright.space.census import every
from seqwright.testing.strategy import score


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.jsonl"
    table_file.begin(path, "tiny", named("tiny"), unit="points", looks=(10,))
    for candidate in every(named("tiny")):
        table_file.add(path, candidate, Entry(score(candidate), 2.0))
    return path


def test_it_prints_and_draws(run: Run, table: Path) -> None:
    asked = "compare", "--table", table, "--strategies", "random,evolution", "--seeds", 3, "--trials", 16, "-o", "c"
    code, out, err = run(*asked)
    assert code == 0, err
    assert "mean of 3 seeds" in out and "Friedman: p = " in out and "c/compare.html" in out
    assert "6/6  tiny: evolution, seed 2" in err
    page = Path("c/compare.html").read_text()
    assert page.count("<svg") == 2 and "what is left of the best in points" in page
    ElementTree.fromstring(Path("c/anytime-1.svg").read_text())
    code, out, _ = run(*asked, "--json", "-q")
    told = json.loads(out)
    assert code == 0 and set(told["ranks"]) == {"random", "evolution"} and told["trials"] == 16


def test_mistakes_are_answered(run: Run, table: Path) -> None:
    code, _, err = run("compare", "--table", table, "--strategies", "random,evolutoin", "-o", "c")
    assert code == 2 and err.startswith('seqwright: --strategies: "evolutoin" is not known. Did you mean "evolution"?')
    code, _, err = run("compare", "absent.csv", "--strategies", "random,evolutoin", "--trials", 0, "-o", "c")
    assert code == 2 and "evolutoin" in err and "--trials 0 is too few" in err
    code, _, err = run("compare", "absent.csv", "--space", "tinny", "-o", "c")
    assert code == 2 and err.startswith('seqwright: "tinny" is neither a file nor a named space. Did you mean "tiny"?')
    code, _, err = run("compare", "-o", "c")
    assert code == 2 and "Give either DATA to train on, or --table FILE" in err
    code, _, err = run("compare", "--table", "absent.csv", "-o", "c")
    assert code == 2 and "There is no file absent.csv" in err
    assert not Path("c").exists()


@pytest.mark.parametrize("values", [[1.0, 0.5, 0.0], [0.0, 0.0, 0.0], [2e-7, 1e-7, 1e-9], [-3.0, -2.0, 5.0]])
@pytest.mark.parametrize("log", [True, False])
def test_any_values_can_be_drawn(values: list[float], log: bool) -> None:
    lines = [Line(f"{n} & more", [1, 2, 3], values, [v - 0.1 for v in values], values) for n in range(12)]
    drawn = ElementTree.fromstring(curves(lines, "a < b", "x", "y", log=log))
    assert len(drawn.findall("{*}polyline")) == 12 and "nan" not in ElementTree.tostring(drawn, "unicode")


def test_names_that_are_long_and_a_single_cost_can_be_seen() -> None:
    name = "differential+async-hyperband"
    drawn = ElementTree.fromstring(curves([Line(name, [1], [0.5], [0.5], [0.5])], "a", "x", "y"))
    (at,) = (float(text.get("x", "nan")) for text in drawn.findall("{*}text") if text.text == name)
    assert at + 6.5 * len(name) < float(drawn.get("width", "nan"))
    assert len(drawn.findall("{*}circle")) == 1


def test_the_table_is_whole_on_a_narrow_terminal(run: Run, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    names = "gp-encoding", "differential", "evolution"
    asked = "compare", "--table", table, "--strategies", ",".join(names), "--trials", 12, "-q"
    for seeds in (1, 2):
        code, out, err = run(*asked, "--seeds", seeds, "-o", "c")
        assert code == 0, err
        assert "…" not in out and all(f" {name} " in out for name in names) and "own share" in out
        assert ("of a single seed" in " ".join(out.split()), "±" in out) == (seeds == 1, seeds > 1)


def test_ranks_are_drawn_with_a_bar_for_each_run_of_equals() -> None:
    found = Ranking(("a", "b", "c", "d"), (1.2, 1.9, 3.0, 3.9), 0.001, 1.2, 20)
    drawn = ElementTree.fromstring(ranks(found))
    bars = [path for path in drawn.findall("{*}path") if path.get("stroke-width") == "4"]
    assert found.alike() == [(0, 1), (1, 2), (2, 3)] and len(bars) == 3

"""What a run shows while it goes: plain lines that do not flood, and a line that moves on a terminal."""

import io

from rich.console import Console

from seqwright.arch.portfolio import portfolio
from seqwright.data.finding import Finding
from seqwright.faces.lines import Lines
from seqwright.faces.live import Live
from seqwright.study.record import CUT_SHORT, UNJUDGED, Fidelity, Proposal, Trial

CANDIDATE = portfolio("text")[1][1]


def trial(number: int, score: float, examples: int = 100, error: str = "") -> Trial:
    return Trial(Proposal(CANDIDATE, Fidelity(examples), number=number), score, error=error)


def test_a_thousand_trials_are_a_few_lines() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    lines.stage("search", 60.0, 5.0)
    for number in range(1000):
        lines.trial(trial(number, 0.5 + 0.1 * (number == 500)))
    lines.stage("refit", None, 6.0)
    said = stream.getvalue().splitlines()
    assert said[0] == "search, until 1:00"
    assert [line.split()[1:5] for line in said[1:-2]] == [
        ["trial", "1", "0.5000", "best"],
        ["trial", "501", "0.6000", "best"],
    ]
    assert said[-2:] == ["search: 1000 trials, best 0.6000", "refit"]


def test_one_that_nothing_was_left_out_for_has_no_score() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    lines.stage("refit", None, 0.0)
    lines.trial(Trial(Proposal(CANDIDATE, Fidelity(100, 1, "refit"), number=0), 0.0, notes=(UNJUDGED,)))
    lines.stage("test", None, 1.0)
    said = stream.getvalue()
    assert "trial 1  on every row  " in said and "refit: 1 trial\n" in said
    assert "0.0000" not in said and "best" not in said


def test_a_candidate_trained_further_is_the_best_even_with_a_lower_score() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    lines.trial(trial(0, 0.9, examples=100))
    lines.trial(trial(1, 0.8, examples=300))
    lines.trial(trial(2, 0.85, examples=100))
    assert len(stream.getvalue().splitlines()) == 2


def test_what_an_earlier_command_found_is_still_to_be_beaten() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    lines.stage("search", None, 9.0)
    lines.earlier([trial(0, 0.7), trial(1, 0.9), trial(2, 0.95, error="killed by signal 9")])
    lines.trial(trial(3, 0.8))
    lines.stage("refit", None, 12.0)
    said = stream.getvalue()
    assert "trial 4  0.8000  " in said and "0.8000 best" not in said and "search: 1 trial, best 0.9000" in said


def test_a_refit_is_as_long_as_it_needs_and_the_best_is_no_half_one() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    lines.stage("refit", None, 0.0)
    for number, (score, examples, notes) in enumerate([(0.86, 100, ()), (0.85, 300, ()), (0.9, 500, (CUT_SHORT,))]):
        lines.trial(Trial(Proposal(CANDIDATE, Fidelity(examples, 1, "refit"), number=number), score, notes=notes))
    lines.stage("test", None, 1.0)
    assert "refit: 3 trials, best 0.8600" in stream.getvalue()


def test_failures_and_findings_are_told() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    lines.found(Finding("warned", "3 texts are empty", "--text"))
    lines.baseline({"name": "majority class", "score": 0.25, "seconds": 0.1, "said": []})
    lines.baseline({"name": "1-NN", "error": "MemoryError\nand more"})
    lines.trial(trial(0, float("-inf"), error="out of memory\nmore"))
    assert stream.getvalue().splitlines()[:3] == [
        "warning: 3 texts are empty  (--text)",
        "majority class: 0.2500 on validation",
        "1-NN: failed: out of memory".replace("out of memory", "MemoryError"),
    ]
    assert stream.getvalue().splitlines()[3].endswith("trial 1  failed: out of memory")


def test_a_terminal_shows_the_time_left_and_keeps_brackets() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=110, color_system=None)
    with Live(console, 600.0) as live:
        live.found(Finding("said", "text from column [body]", "--text"))
        live.stage("search", 390.0, 100.0)
        live.trial(trial(0, 0.75))
        live.trial(trial(1, 0.0, error="diverged"))
        live.stage("refit", 580.0, 400.0)
    said = stream.getvalue()
    assert "text from column [body]  --text" in said
    assert "8:20 left" in said or "8:19 left" in said
    assert "[parallel" in said
    assert "search: 2 trials, 1 failed, best 0.7500" in said

"""The budget as a contract: what each part may take, who is refitted and how often."""

import itertools
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from seqwright.arch.spaces import named
from seqwright.deliver.allot import allot, clock
from seqwright.deliver.finalists import FINALISTS, SAFETY, SEEDS, finalists, refits
from seqwright.deliver.machine import GUESS, machine_of
from seqwright.deliver.options import Options
from seqwright.deliver.run import Run
from seqwright.deliver.show import Quiet
from seqwright.search.budget import Budget
from seqwright.space.census import every
from seqwright.study.record import Fidelity, Proposal, Trial
from seqwright.study.store import Study

STOPPED = ("stopped early: no better score in 6 looks",)
CANDIDATES = list(itertools.islice(every(named("tiny")), 8))


def trial(number: int, score: float, examples: int = 100, rate: float = 100.0, candidate: int = -1, **more) -> Trial:
    proposal = Proposal(CANDIDATES[candidate if candidate >= 0 else number], Fidelity(examples), number=number)
    return Trial(proposal, score, costs={"examples_per_s": rate, "best_examples": float(examples)}, **more)


@pytest.mark.parametrize("seconds", [10, 30, 60, 120, 600, 7200])
def test_parts_follow_one_another_and_leave_a_reserve(seconds: float) -> None:
    plan = allot(seconds)
    assert plan.baselines_s is not None and plan.search_s is not None and plan.refit_s is not None
    assert 0 < plan.baselines_s <= 0.2 * seconds
    assert plan.baselines_s < plan.search_s <= plan.refit_s <= seconds - min(3.0, 0.3 * seconds)
    assert clock(plan.refit_s) in plan.quote()


def test_without_a_clock_nothing_ever_ends() -> None:
    plan = allot(None)
    assert plan.search_s is plan.refit_s is plan.baselines_s is None
    assert plan.quote().startswith("no clock")


class Told:
    """A study that says only how much was spent."""

    def __init__(self, spent_s: float) -> None:
        self.spent = spent_s

    def spent_s(self) -> float:
        return self.spent


def run(spent_s: float, stopped: bool = False) -> Run:
    return Run(Told(spent_s), Options(), Budget(60.0), allot(60.0), Quiet(), lambda: stopped)  # pyright: ignore


def test_a_run_knows_what_is_left() -> None:
    assert run(10).left(40.0) == 30.0 and run(50).left(40.0) == 0.0 and run(50).left(None) is None
    assert run(10, stopped=True).left(40.0) == run(10, stopped=True).left(None) == 0.0
    assert run(10).at(40.0) == pytest.approx(time.time() + 30.0, abs=1.0)
    assert not run(40).over(40.0, grace_s=0.5)() and run(41).over(40.0, grace_s=0.5)()
    assert not run(1e9).over(None)() and run(0, stopped=True).over(None)()


def test_one_who_stops_binds_no_later_command(tmp_path: Path) -> None:
    """The rungs of all later commands follow from how fast the machine was said to be."""
    executor: Any = SimpleNamespace(slots=2)
    with Study.create(tmp_path, {}) as study:
        stopped = Run(study, Options(), Budget(60.0), allot(60.0), Quiet(), lambda: True)
        assert machine_of(stopped, None, executor)["slots"] == 2  # pyright: ignore
        assert not study.events("machine")
        late = Run(study, Options(), Budget(1.0), allot(1.0), Quiet(), lambda: False)
        assert machine_of(late, None, executor)["examples_per_s"] == GUESS  # pyright: ignore
        assert study.events("machine")


def test_clock() -> None:
    assert [clock(s) for s in (0, 45, 720, 7200.4)] == ["0:00", "0:45", "12:00", "2:00:00"]


TARGETS = np.array([0, 0, 1, 1, 1, 0, 1, 0])


def judged(**right: str) -> dict:
    """Answers by hand: "x" where a candidate is right, "." where it is wrong."""
    hits = {int(name[1:]): np.array([mark == "x" for mark in marks]) for name, marks in right.items()}
    return {
        number: (np.arange(8), np.eye(2)[np.where(hit, TARGETS, 1 - TARGETS)].astype(np.float32))
        for number, hit in hits.items()
    }


def chosen(trials: list[Trial], answers: dict, most: int = FINALISTS) -> list[int]:
    def score(index: np.ndarray, probabilities) -> float:
        return float((probabilities.argmax(-1) == TARGETS[index]).mean())

    return [t.proposal.number for t in finalists(trials, lambda t: answers.get(t.proposal.number), score, most)]


def test_finalists_are_those_that_complement_each_other() -> None:
    trials = [trial(0, 0.75), trial(1, 0.75), trial(2, 0.625)]
    answers = judged(n0="xxxxxx..", n1="xxxxxx..", n2="...xxxxx")
    # Averaged, candidates that are sure and disagree leave a tie to class 0, so 2 mends what 0 gets wrong of it.
    assert chosen(trials, answers)[0] == 0
    assert 1 not in chosen(trials, answers), "a twin in its mistakes adds nothing"


def test_one_that_is_always_right_needs_nobody() -> None:
    trials = [trial(0, 0.5), trial(1, 1.0)]
    assert chosen(trials, judged(n0="xxxx....", n1="xxxxxxxx")) == [1]


def test_failed_trials_and_lost_answers() -> None:
    trials = [trial(0, 0.9, error="killed by signal 9"), trial(1, 0.5), trial(2, 0.6)]
    assert chosen(trials, {}) == [2], "without answers, the best by score"
    assert chosen(trials, judged(n0="xxxxxxxx", n1="xxxx....")) == [1]
    assert chosen([], {}) == []


def test_a_candidate_is_a_finalist_once_at_its_highest_fidelity() -> None:
    trials = [trial(0, 0.9, candidate=0), trial(1, 0.7, examples=900, candidate=0)]
    assert chosen(trials, judged(n0="xxxxxxx.", n1="xxxxxx..")) == [1]


def planned(trials: list[Trial], seconds: "float | None", slots: int = 2) -> list[Proposal]:
    return refits(trials, trials, seconds, slots)


def test_refits_without_a_clock_are_all_seeds_of_all_finalists() -> None:
    found = planned([trial(n, 0.5, notes=STOPPED) for n in range(3)], None)
    assert [p.seed for p in found] == [s for s in range(1, SEEDS + 1) for _ in range(3)]
    assert all(p.fidelity == Fidelity(120, 1, "refit") for p in found)


def test_one_that_was_not_trained_to_its_best_is_trained_longer() -> None:
    # Short of the top it is trained as long as is usual there; at the top, still rising, twice as long as it was.
    short, full, stopped = trial(0, 0.5, 100), trial(1, 0.6, 900), trial(2, 0.6, 300, notes=STOPPED)
    lengths = {
        p.candidate: p.fidelity.examples for p in refits([short, full, stopped], [short, full, stopped], None, 1)
    }
    assert [lengths[t.proposal.candidate] for t in (short, full, stopped)] == [1080, 2160, 360]


@pytest.mark.parametrize("slots", [1, 2, 8])
@pytest.mark.parametrize("seconds", [0.0, 0.5, 2.0, 10.0, 60.0])
def test_refits_fit_in_the_time(slots: int, seconds: float) -> None:
    trials = [trial(n, 0.5, rate=100.0 * (n + 1), examples=200) for n in range(3)]
    rates = {t.proposal.candidate: t.costs["examples_per_s"] for t in trials}
    found = planned(trials, seconds, slots)
    costs = [p.fidelity.examples / rates[p.candidate] for p in found]
    assert sum(costs) <= SAFETY * seconds * slots
    assert all(cost <= SAFETY * seconds for cost in costs), "one network cannot be split over slots"
    if seconds >= 10:
        assert found[0].candidate == trials[0].proposal.candidate and len(found) >= 3
    if seconds == 0:
        assert found == []


def test_one_that_was_only_judged_is_trained_at_the_usual_length_and_pace() -> None:
    given = trial(0, 0.5, rate=100.0, notes=STOPPED)
    scored = Trial(Proposal(CANDIDATES[1], Fidelity(0, 1, "shared")), 0.6)
    first, second = refits([given, scored], [given, scored], 20.0, 1, seeds=1)
    assert (second.candidate, second.fidelity) == (scored.proposal.candidate, first.fidelity)

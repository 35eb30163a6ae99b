import math
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from synthetic import Landscape, Threads

from seqwright.arch.codec import identity
from seqwright.arch.spaces import named
from seqwright.errors import StudyError
from seqwright.search.evolution import Evolution
from seqwright.search.fresh import generator
from seqwright.search.halving import Asha, Halving, ladder
from seqwright.search.leaderboard import leaderboard
from seqwright.search.loop import search
from seqwright.search.random_search import RandomSearch
from seqwright.search.strategy import Strategy
from seqwright.space.moves import sample
from seqwright.space.nodes import Choice
from seqwright.study.record import Fidelity, Proposal, Trial
from seqwright.study.store import Study

TINY = named("tiny")
LANDSCAPE = Landscape(TINY, seed=1, noise=0.1)


def evolution(seed: int = 0) -> Evolution:
    return Evolution(TINY, seed=seed, population=6, sample=2)


STRATEGIES = {
    "random": lambda: RandomSearch(TINY, seed=0),
    "evolution": evolution,
    "halving": lambda: Halving(evolution(), ladder(9)),
    "halving, told all": lambda: Halving(evolution(), ladder(9), inform="all"),
    "asha": lambda: Asha(evolution(), ladder(9)),
}


def run(folder: Path, strategy: Strategy, trials: int | None, slots: int = 2, **options: object) -> list[Trial]:
    with Study.begin(folder, {}) as study:
        search(study, strategy, Threads(LANDSCAPE, slots), trials=trials, **options)  # type: ignore[arg-type]
        return study.trials()


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_search_does_not_depend_on_timing(tmp_path: Path, name: str) -> None:
    first = run(tmp_path / "a", STRATEGIES[name](), 25)
    assert len(first) == 25
    assert run(tmp_path / "b", STRATEGIES[name](), 25) == first


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_stopping_and_going_on_is_the_same_as_not_stopping(tmp_path: Path, name: str, asynchronous: bool) -> None:
    rng = Random(0)
    for _ in range(4):
        left = rng.randint(2, 8)

        def stop() -> bool:
            nonlocal left
            left -= 1
            return left < 0

        run(tmp_path / "parts", STRATEGIES[name](), 25, stop=stop, asynchronous=asynchronous)
    parts = run(tmp_path / "parts", STRATEGIES[name](), 25, asynchronous=asynchronous)
    assert [trial.proposal.number for trial in parts] == list(range(25))
    if not asynchronous:
        assert parts == run(tmp_path / "whole", STRATEGIES[name](), 25)


def test_the_number_of_slots_belongs_to_the_study(tmp_path: Path) -> None:
    run(tmp_path / "a", evolution(), 10, slots=3)
    resumed = run(tmp_path / "a", evolution(), 20, slots=1)
    assert len(resumed) == 20
    with Study.open(tmp_path / "a") as study:
        assert study.events("loop") == [("loop", {"slots": 3, "asynchronous": False})]
        told = [told for _, told in study.proposals()]
    assert all(number - known <= 3 for number, known in enumerate(told))


def test_with_w_slots_a_proposal_knows_all_but_w_trials(tmp_path: Path) -> None:
    run(tmp_path, evolution(), 12, slots=3)
    with Study.open(tmp_path) as study:
        assert [told for _, told in study.proposals()] == [max(0, number - 2) for number in range(12)]


def test_more_trials_go_on(tmp_path: Path) -> None:
    first = run(tmp_path, evolution(), 10)
    assert run(tmp_path, evolution(), 10) == first
    assert run(tmp_path, evolution(), 15)[:10] == first


def test_a_strategy_that_does_not_repeat_itself_is_refused(tmp_path: Path) -> None:
    run(tmp_path, evolution(), 5)
    with pytest.raises(StudyError, match=r"proposal 0 would now be another one.*--start"):
        run(tmp_path, evolution(seed=1), 10)


def test_why_it_ended(tmp_path: Path) -> None:
    def ended(folder: str, **options: object) -> str:
        with Study.begin(tmp_path / folder, {}) as study:
            return search(study, evolution(), Threads(LANDSCAPE, 2), **options)  # type: ignore[arg-type]

    assert ended("a", trials=5) == "trials"
    assert ended("a", trials=9, stop=lambda: True) == "stopped"
    with Study.open(tmp_path / "a") as other:
        other.command("stop")
    assert ended("a", trials=9) == "commanded"
    assert ended("a", trials=9) == "trials"


def test_a_space_that_is_used_up_ends_the_search(tmp_path: Path) -> None:
    small = replace(TINY, fields=(TINY.fields[0], ("recipe", Choice((sample(TINY, Random(0)).recipe,)))))
    with Study.create(tmp_path, {}) as study:
        assert search(study, RandomSearch(small, seed=0), Threads(Landscape(small), 2, 0.0)) == "exhausted"
        trials = study.trials()
    names = [identity(trial.proposal.candidate) for trial in trials]
    assert len(set(names)) == len(names) >= 20


def test_what_runs_when_it_stops_is_cancelled_and_stays_pending(tmp_path: Path) -> None:
    with Study.create(tmp_path, {}) as study:
        slow = Threads(LANDSCAPE, 2, longest_s=10_000.0)
        looks = iter([False, False, True])
        assert search(study, evolution(), slow, stop=lambda: next(looks)) == "stopped"
        assert slow.cancelled == [proposal.number for proposal in study.pending()] == [0, 1]


def test_failed_trials_are_recorded_and_told(tmp_path: Path) -> None:
    class Broken(Threads):
        def _run(self, proposal: Proposal, wait_s: float) -> None:
            self._ended.append(Trial(proposal, math.nan if proposal.number % 2 else math.inf))

    heard: list[Trial] = []

    class Listening(RandomSearch):
        def tell(self, trials: object) -> None:
            heard.extend(trials)  # type: ignore[arg-type]

    with Study.create(tmp_path, {}) as study:
        search(study, Listening(TINY), Broken(LANDSCAPE, 1), trials=4)
        assert [trial.error for trial in study.trials()] == [
            f"the score is {x}, not a number" for x in ("inf", "nan") * 2
        ]
        assert heard == study.trials()
        assert all(trial.score == -math.inf for trial in heard)
        assert leaderboard(heard) == []


def test_a_ban_takes_effect_at_once_and_is_replayed(tmp_path: Path) -> None:
    def banning(trial: Trial) -> None:
        if trial.proposal.number == 5:
            with Study.open(tmp_path) as other:
                other.command("ban", "no-such-block")
                other.command("ban", "gru")

    with Study.begin(tmp_path, {}) as study:
        search(study, evolution(), Threads(LANDSCAPE, 2), trials=30, on_trial=banning)
        trials = study.trials()
        ((_, ban),) = study.events("ban")
        ((_, refused),) = study.events("ban refused")
    assert "matches nothing in the space" in refused["reason"]
    with_gru = [trial.proposal.number for trial in trials if "Gru" in str(trial.proposal.candidate)]
    assert with_gru and max(with_gru) < ban["before"] <= 8
    with Study.begin(tmp_path, {}) as study:
        search(study, evolution(), Threads(LANDSCAPE, 2), trials=40)
        assert study.trials()[:30] == trials
        assert not any("Gru" in str(trial.proposal.candidate) for trial in study.trials()[30:])


def test_leaderboard_puts_the_longest_trained_first() -> None:
    a, b, c = [sample(TINY, generator(0, k)) for k in range(3)]

    def trial(number: int, candidate: object, examples: int, score: float, error: str = "") -> Trial:
        return Trial(Proposal(candidate, Fidelity(examples), number=number), score, error=error)  # type: ignore[arg-type]

    low_a, low_b, low_c = trial(0, a, 1, 0.9), trial(1, b, 1, 0.8), trial(2, c, 1, 0.9)
    high_b, failed_a = trial(3, b, 3, 0.5), trial(4, a, 3, -math.inf, "diverged")
    assert leaderboard([low_a, low_b, low_c, high_b, failed_a]) == [high_b, low_a, low_c]

"""Hurdles are the mean of the first and only the better pass them; PASHA climbs higher only where ranks disagree."""

from seqwright.arch.codec import identity
from seqwright.arch.spaces import named
from seqwright.errors import InputError
from seqwright.search.evolution import Evolution
from seqwright.search.halving import ladder
from seqwright.search.hurdles import Hurdles
from seqwright.search.local_search import LocalSearch
from seqwright.search.pasha import Pasha
from seqwright.search.random_search import RandomSearch
from seqwright.study.record import Proposal, Trial
from seqwright.testing.strategy import Game, check_strategy, score, scored

TINY = named("tiny")
RUNGS = ladder(9)


def test_both_keep_the_promises_of_a_strategy() -> None:
    check_strategy(lambda: Hurdles(Evolution(TINY, population=8, sample=3), RUNGS, each=4), TINY, trials=24)
    check_strategy(lambda: Hurdles(LocalSearch(TINY, begin=2), RUNGS, each=4), TINY, trials=24)
    check_strategy(lambda: Pasha(Evolution(TINY, population=8, sample=3), RUNGS), TINY, trials=24)


def test_a_hurdle_is_the_mean_of_the_first_and_only_the_better_pass() -> None:
    schedule = Hurdles(RandomSearch(TINY), RUNGS, each=5)
    game = Game(schedule).play(50)
    low = [t for t in game.told if t.proposal.fidelity == RUNGS[0]]
    hurdle = sum(t.score for t in low[:5]) / 5
    assert schedule.hurdles[RUNGS[0]] == hurdle
    climbed = [identity(p.candidate) for p in game.proposals if p.fidelity == RUNGS[1]]
    assert climbed == [identity(t.proposal.candidate) for t in low[5:] if t.score > hurdle][: len(climbed)]
    assert climbed and all(p.start == "checkpoint" for p in game.proposals if p.fidelity > RUNGS[0])
    assert any(p.fidelity == RUNGS[2] for p in game.proposals)


def test_news_told_twice_promotes_once() -> None:
    schedule = Hurdles(RandomSearch(TINY), RUNGS, each=1)
    first, *rest = schedule.ask(6)
    schedule.tell([Trial(first, 0.0)])
    schedule.tell([Trial(rest[0], 1.0), Trial(rest[0], 1.0)])
    assert [p.fidelity for p in schedule.ask(2)] == [RUNGS[1], RUNGS[0]]


def test_pasha_stays_below_where_the_rungs_agree() -> None:
    schedule = Pasha(RandomSearch(TINY), RUNGS)
    game = Game(schedule).play(60)
    assert {p.fidelity for p in game.proposals} == set(RUNGS[:2]) and schedule.top == 1


def upside_down(proposal: Proposal) -> Trial:
    worth = score(proposal.candidate)
    return Trial(proposal, worth if proposal.fidelity == RUNGS[0] else -worth)


def test_pasha_rises_where_they_do_not_but_for_what_counts_as_equal() -> None:
    rising = Pasha(RandomSearch(TINY), RUNGS)
    assert any(p.fidelity == RUNGS[2] for p in Game(rising, upside_down).play(60).proposals) and rising.top == 2
    tolerant = Pasha(RandomSearch(TINY), RUNGS, tolerance=2.0)
    Game(tolerant, upside_down).play(60)
    assert tolerant.top == 1


def test_failures_climb_nowhere_and_make_no_hurdle() -> None:
    def judge(proposal: Proposal) -> Trial:
        return Trial(proposal, float("-inf"), error="diverged") if score(proposal.candidate) > 0.6 else scored(proposal)

    for make in (Hurdles, Pasha):
        game = Game(make(RandomSearch(TINY), RUNGS), judge).play(60)
        failed = {identity(t.proposal.candidate) for t in game.told if t.failed}
        assert failed and not any(p.start == "checkpoint" and identity(p.candidate) in failed for p in game.proposals)


def test_a_hurdle_needs_a_trial() -> None:
    try:
        Hurdles(RandomSearch(TINY), RUNGS, each=0)
    except InputError as error:
        assert "each=0" in str(error)
    else:
        raise AssertionError

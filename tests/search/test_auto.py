"""Auto begins by hand, then pays what does well, and says so."""

from collections import Counter

import pytest
from synthetic import Landscape

from seqwright.arch.codec import identity
from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import named
from seqwright.evaluate.nas_bench_201 import space as cells
from seqwright.search.auto import BELIEFS, SUMMIT, Auto, choices
from seqwright.search.halving import Asha, ladder
from seqwright.search.leaderboard import leaderboard
from seqwright.search.limits import Limits
from seqwright.search.random_search import RandomSearch
from seqwright.study.record import Trial
from seqwright.testing.strategy import Game, check_strategy

TINY, TEXT, CELLS = named("tiny"), named("text"), cells()


@pytest.mark.parametrize("space", [TINY, CELLS], ids=["tiny", "cells"])
def test_keeps_the_promises_of_a_strategy(space: object) -> None:
    check_strategy(lambda: Auto(space, seed=1, begin=4), space, 14)


def test_keeps_them_under_a_schedule() -> None:
    check_strategy(lambda: Asha(Auto(TEXT, seed=2, begin=3), ladder(9), inform="all"), TEXT, 10)


def test_begins_with_the_portfolio_and_explains_each_later_choice() -> None:
    members = portfolio("text")
    told = Game(Auto(TEXT, portfolio=members, begin=len(members)), Landscape(TEXT).trial).play(len(members) + 20).told
    whys = [t.proposal.why for t in told]
    assert all(why.startswith("portfolio: ") for why in whys[: len(members)])
    chosen = [why for why in whys if why.startswith("auto chose ")]
    assert len(chosen) >= 15
    assert all(f"{arm} " in why for why in chosen for arm in BELIEFS)


def test_the_report_says_which_arms_were_chosen_and_which_found_the_leader() -> None:
    game = Game(Asha(Auto(CELLS, seed=1, begin=4), ladder(9), inform="all"), Landscape(CELLS).trial)
    assert choices(game.play(4).told) == ""
    chosen = [p.why.split(" ")[2] for p in game.play(40).proposals if p.why.startswith("auto chose ")]
    counts, found = choices(game.told).split(" of ")
    assert counts == ", ".join(f"{arm} {n}" for arm, n in Counter(chosen).most_common())
    first, *_ = leaderboard(game.told)
    why = next(p.why for p in game.proposals if p.candidate == first.proposal.candidate)
    by = f"by {why.split(' ')[2]}" if why.startswith("auto chose ") else "before any of them"
    assert found == f"{len(chosen)}; the leader was found {by}"


def test_pays_the_arm_that_does_well_and_takes_from_one_that_does_not() -> None:
    """Where all that the surrogate proposes is bad it loses its trials; where only it does well it has most."""

    def shares(punished: tuple[str, ...]) -> float:
        auto, landscape = Auto(CELLS, seed=3), Landscape(CELLS)

        def judge(proposal):
            trial = landscape.trial(proposal)
            bad = proposal.why.startswith(tuple(f"auto chose {arm} " for arm in punished))
            return type(trial)(proposal, -1.0 - len(proposal.why) if bad else landscape.score(proposal))

        told = Game(auto, judge).play(80).told
        return sum(t.proposal.why.startswith("auto chose surrogate ") for t in told[-30:]) / 30

    others = tuple(arm for arm in BELIEFS if arm != "surrogate")
    assert shares(("surrogate",)) < 0.35 < 0.6 < shares(others)


def test_a_trial_is_paid_for_once() -> None:
    auto, landscape = Auto(CELLS, begin=4), Landscape(CELLS)
    told = Game(auto, landscape.trial).play(30).told
    paid = sum(map(len, auto.recent.values()))
    auto.tell(told)
    assert sum(map(len, auto.recent.values())) == paid
    assert len({identity(t.proposal.candidate) for t in told}) == 30


def test_neighbours_of_a_summit_are_left_alone_until_there_is_a_new_best() -> None:
    auto = Auto(CELLS, seed=5, begin=5)
    game = Game(auto, lambda p: Trial(p, -float(p.number))).play(5 + SUMMIT)
    late = game.play(5 + SUMMIT + 30).proposals[5 + SUMMIT :]
    assert not any(p.why.startswith("auto chose neighbours") for p in late)
    game.judge = lambda p: Trial(p, float(p.number))  # each a new best
    assert any(p.why.startswith("auto chose neighbours") for p in game.play(100 + SUMMIT).proposals[60:])


def test_finds_better_ones_than_random_search() -> None:
    landscape = Landscape(TEXT, 1)
    drawn = max(t.score for t in Game(RandomSearch(TEXT, seed=1), landscape.trial).play(100).told)
    assert max(t.score for t in Game(Auto(TEXT, seed=1), landscape.trial).play(60).told) > drawn


def test_what_is_banned_or_not_admissible_is_not_proposed() -> None:
    auto = Auto(TEXT, begin=4, admissible=Limits(TEXT, require=("attention",)))
    told = Game(auto, Landscape(TEXT).trial).play(20).told
    assert all("Attention(" in str(t.proposal.candidate) for t in told)
    auto.ban("conv")
    assert all("Conv(" not in str(p.candidate) for p in auto.ask(4))

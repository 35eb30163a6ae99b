"""Every strategy that can be named goes with its schedule and minds what an expert expects."""

import pytest

from seqwright.arch.spaces import named
from seqwright.deliver.searching import prior_of
from seqwright.deliver.strategies import SCHEDULES, STRATEGIES, strategy_named
from seqwright.search.halving import ladder
from seqwright.space.census import questions
from seqwright.space.fill import answers
from seqwright.testing.strategy import Game

TEXT, RUNGS = named("text"), ladder(9)
WISH = "/architecture=sequence:1e6"


@pytest.mark.parametrize("name", [name for name in STRATEGIES if name != "priorband"])  # which draws evenly, too
def test_a_prior_reaches_every_strategy(name: str) -> None:
    strategy = strategy_named(name, "", TEXT, RUNGS, 40, seed=1, prior=prior_of(TEXT, (WISH,)))
    played = Game(strategy).play(12).proposals
    drawn = [p for p in played if p.fidelity.stage != "supernet" and p.start != "checkpoint" and "derived" not in p.why]
    kinds = questions(TEXT)["/architecture"].labels()
    assert {kinds[answers(TEXT, p.candidate)["/architecture"]] for p in drawn[:4]} == {"sequence"}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", ["evolution", "local", "controller", "differential"])
def test_every_schedule_goes_around_them(name: str, schedule: str) -> None:
    game = Game(strategy_named(name, schedule, TEXT, RUNGS, 40, seed=1)).play(24)
    assert len(game.told) == 24
    reached = {p.fidelity for p in game.proposals}
    assert reached == {RUNGS[-1]} if schedule == "none" else reached <= set(RUNGS) and RUNGS[0] in reached

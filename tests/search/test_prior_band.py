"""PriorBand draws by belief while belief predicts, around the best when that does, and evenly always a little."""

from collections import Counter
from dataclasses import replace

import pytest

from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import named
from seqwright.deliver.searching import prior_of
from seqwright.deliver.strategies import strategy_named
from seqwright.search.halving import ladder
from seqwright.search.prior_band import PriorBand
from seqwright.space.census import questions
from seqwright.space.fill import answers
from seqwright.study.record import Proposal, Trial
from seqwright.testing.strategy import Game, check_strategy

TINY, TEXT, RUNGS = named("tiny"), named("text"), ladder(9)
WISH = "/recipe/batch_size=32:50"
PATH = "/recipe/batch_size"


def option(proposal: Proposal) -> str:
    question = questions(TEXT)[PATH]
    return question.labels()[answers(TEXT, proposal.candidate)[PATH]]


@pytest.mark.parametrize("space", [TINY, TEXT], ids=["tiny", "text"])
def test_keeps_the_promises_of_a_strategy(space: object) -> None:
    prior = prior_of(TEXT, (WISH,)) if space is TEXT else None
    check_strategy(lambda: strategy_named("priorband", "", space, RUNGS, 40, seed=1, prior=prior), space, 20)


def shares(wish: str, favours: str) -> dict[str, float]:
    """Of a lowest rung, once those with the option `favours` were told to be the best."""
    strategy = PriorBand(TEXT, fidelity=RUNGS[-1], prior=prior_of(TEXT, (wish,)))
    strategy.begins_at(RUNGS[0])
    asked = [p.at(RUNGS[0]) for p in strategy.ask(30)]
    strategy.tell([Trial(p, float(option(p) == favours) + 0.001 * k) for k, p in enumerate(asked)])
    return strategy.shares()


def test_a_belief_that_predicts_is_drawn_by_and_a_false_one_less() -> None:
    good, false = shares(WISH, "32"), shares(WISH, "64")
    assert good["evenly"] == false["evenly"] == 0.5
    assert good["by the prior"] > 1.15 * false["by the prior"] > 0
    assert sum(good.values()) == pytest.approx(1.0)


def test_higher_rungs_are_no_place_for_even_draws() -> None:
    strategy = PriorBand(TEXT, fidelity=RUNGS[-1], prior=prior_of(TEXT, (WISH,)))
    even: list[float] = []
    for rung in RUNGS:
        strategy.begins_at(rung)
        even.append(strategy.shares()["evenly"])
    assert even == pytest.approx([1 / 2, 1 / 4, 1 / 10])


def test_the_likeliest_comes_first_and_hyperband_tells_the_rung() -> None:
    game = Game(strategy_named("priorband", "", TEXT, RUNGS, 40, seed=2, prior=prior_of(TEXT, (WISH,)))).play(40)
    first, *rest = [p for p in game.proposals if p.start == "scratch"]
    assert first.why == "what the prior holds likeliest" and option(first) == "32"
    assert any("evenly 0.25" in p.why or "evenly 0.10" in p.why for p in rest if p.fidelity > RUNGS[0])
    ways = Counter(p.why.split(" (")[0] for p in rest)
    assert set(ways) == {"drawn evenly", "drawn by the prior", "drawn around the best"}
    drawn = [option(p) for p in rest if p.why.startswith("drawn by the prior")]
    assert drawn.count("32") > 0.8 * len(drawn) > 0


def test_without_a_belief_the_best_is_judged_by_its_own_neighbours() -> None:
    strategy = PriorBand(TEXT, fidelity=RUNGS[-1])
    game = Game(strategy, lambda p: replace(Trial(p, 0.0), score=float(option(p) == "32"))).play(40)
    near = [option(p) for p in game.proposals[10:] if "around the best (" in p.why]
    assert len(near) > 3 and near.count("32") >= 0.5 * len(near)


def test_the_likeliest_is_drawn_behind_a_portfolio_too() -> None:
    members = portfolio("text")[:2]
    game = Game(PriorBand(TEXT, prior=prior_of(TEXT, (WISH,)), portfolio=members)).play(6)
    likeliest = [p.number for p in game.proposals if p.why == "what the prior holds likeliest"]
    assert likeliest == [len(members)] and option(game.proposals[len(members)]) == "32"

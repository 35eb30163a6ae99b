"""Gradient search as a strategy: the mixture first, the portfolio meanwhile, then what it found, then evolution."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity, to_data
from seqwright.arch.darts import DARTS
from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import named
from seqwright.arch.supernet import Supernet
from seqwright.deliver.strategies import strategy_named
from seqwright.errors import SpaceError
from seqwright.search.gradient import EVEN, blended
from seqwright.search.halving import ladder
from seqwright.space.moves import sample
from seqwright.space.narrow import fix
from seqwright.space.prior import Prior
from seqwright.study.record import Fidelity, Proposal, Trial
from seqwright.testing.strategy import Game, check_strategy, scored

TINY, TEXT = named("tiny"), named("text")
MIXER = "/architecture/body/layers/0/mixer"
DERIVED = [sample(TINY, Random(k)).architecture for k in (1, 2)]
FOUND = {"prior": {MIXER: {"gru": 0.0, "conv": 1.0, "skip": 0.0}}, "derived": [to_data(a) for a in DERIVED]}


def judge(proposal: Proposal) -> Trial:
    trial = scored(proposal)
    return Trial(proposal, 0.5, found=FOUND) if proposal.fidelity.stage == "supernet" else trial


def strategy(name: str = "darts", space: Any = TINY, schedule: str = "none", **more: Any) -> Any:
    return strategy_named(name, schedule, space, ladder(900), 40, seed=1, **more)


@pytest.mark.parametrize("name", ["darts", "darts-pt"])
def test_it_keeps_the_contract(name: str) -> None:
    check_strategy(lambda: strategy(name, schedule="asha"), TINY, trials=40)


def test_the_mixture_comes_first_then_its_derived_networks_then_evolution_by_its_prior() -> None:
    game = Game(strategy(), judge)
    game.ask(3)
    assert len(game.proposals) == 1, "nothing else is known before the mixture is trained"
    supernet = game.proposals[0]
    assert supernet.fidelity == Fidelity(1800, stage="supernet")
    assert supernet.candidate.architecture == Supernet(TINY, DARTS["darts"])
    game.play(40)
    assert [p.candidate.architecture for p in game.proposals[1:3]] == DERIVED
    assert game.proposals[1].why == "derived from the mixture: the strongest of every question"
    first = [type(p.candidate.architecture.body.layers[0].mixer).__name__ for p in game.proposals[3:16]]
    assert first.count("Conv") > 8


def test_the_portfolio_is_trained_meanwhile() -> None:
    begun = portfolio("text")
    game = Game(strategy(space=TEXT, portfolio=begun, schedule="asha"))
    game.ask(len(begun) + 5)
    assert [p.candidate for p in game.proposals[1:]] == [candidate for _, candidate in begun]
    assert game.proposals[0].candidate.recipe == begun[0][1].recipe


@pytest.mark.parametrize("name", ["darts", "transfer"])
def test_a_supernet_trains_by_a_recipe_of_the_space(name: str) -> None:
    space = fix(TEXT, "/recipe/learning_rate", 3e-4)
    (supernet,) = strategy(name, space, portfolio=portfolio("text")).ask(1)
    assert supernet.candidate.recipe.learning_rate == 3e-4


def test_a_mixture_that_failed_leaves_an_evolution() -> None:
    game = Game(strategy(), lambda p: Trial(p, 0.0, error="killed") if p.number == 0 else scored(p)).play(20)
    assert len(game.told) == 20 and all(p.fidelity.alone for p in game.proposals[1:])


def test_the_prior_of_a_collapse_is_not_used_and_that_is_said() -> None:
    collapsed = FOUND | {"collapsed": "collapsed onto skips: 3 of 4 operations compute nothing."}
    game = Game(strategy(), lambda p: replace(judge(p), found=collapsed) if p.number == 0 else judge(p)).play(20)
    assert "the mixture collapsed onto skips: 3 of 4" in game.proposals[1].why
    first = [type(p.candidate.architecture.body.layers[0].mixer).__name__ for p in game.proposals[3:16]]
    assert first.count("Conv") < 9


def test_a_prior_is_blended_with_an_even_one_and_with_the_users() -> None:
    given = Prior({MIXER: {"gru": 3.0}, "/architecture/readout": {"mean": 5.0}})
    both = blended(TINY, FOUND["prior"], given).as_data()
    assert both[MIXER] == pytest.approx([3 * EVEN / 3, 1 - EVEN + EVEN / 3, EVEN / 3])
    assert both["/architecture/readout"] == {"mean": 5.0}
    with pytest.raises(SpaceError, match="weights for /architecture/x, which the space does not ask"):
        blended(TINY, {"/architecture/x": {"a": 1.0}}, None)


def test_a_space_that_cannot_be_mixed_is_refused_at_once() -> None:
    with pytest.raises(SpaceError, match="Nothing in this space can be mixed"):
        strategy(space=named("nas-bench-nlp"))
    assert Candidate(Supernet(TINY, DARTS["darts"]))


def test_a_promotion_is_not_lost_to_asking_in_vain() -> None:
    members = portfolio("text")[:4]
    few = [identity(candidate) for _, candidate in members[:3]]
    only = strategy(
        space=TEXT, portfolio=members, schedule="asha", admissible=lambda c: identity(c) not in few and "no"
    )
    game = Game(only)
    for _ in range(9):
        game.ask(1)
    assert len(game.proposals) == 4
    game.tell(*(scored(proposal) for proposal in game.proposals[1:]))
    game.ask(1)
    assert game.proposals[-1].start == "checkpoint"

"""NSGA-II: the contract, the front against random search, promotion by front."""

from dataclasses import replace

import numpy as np
from synthetic import Landscape

from seqwright.arch.spaces import named
from seqwright.deliver.strategies import strategy_named
from seqwright.search.front import front
from seqwright.search.halving import Asha, Halving
from seqwright.search.hyperband import AsyncHyperband
from seqwright.search.nsga2 import Nsga2
from seqwright.search.pareto import by_front, hypervolume, points
from seqwright.search.random_search import RandomSearch
from seqwright.search.strategy import Strategy
from seqwright.space.fill import answers
from seqwright.study.record import Fidelity, Proposal, Trial
from seqwright.testing.strategy import Game, check_strategy

TINY, TEXT = named("tiny"), named("text")


def cost(proposal: Proposal) -> float:
    """Larger answers cost more, so the cost is at odds with the score."""
    return 2.0 ** (sum(answers(TEXT, proposal.candidate).values()) / 8)


def priced(landscape: Landscape) -> "object":
    def judge(proposal: Proposal) -> Trial:
        return Trial(proposal, landscape.score(proposal), costs={"flops": cost(proposal)})

    return judge


def test_contract() -> None:
    check_strategy(lambda: Nsga2(TINY, population=8, begin=5, objectives=("flops",)), TINY, 24)


def test_the_front_commands_more_than_that_of_random_search() -> None:
    def volume(strategy: Strategy, seed: int) -> float:
        game = Game(strategy, priced(Landscape(TEXT, seed)))  # type: ignore[arg-type]
        found = points(game.play(120).told, ["flops"])
        return hypervolume(found, np.array([0.3, -6.0]))

    wins = sum(
        volume(Nsga2(TEXT, seed=seed, population=40, begin=20, objectives=("flops",)), seed)
        > volume(RandomSearch(TEXT, seed=seed), seed)
        for seed in range(5)
    )
    assert wins >= 4


def test_news_counts_alike_told_at_once_or_one_by_one() -> None:
    strategies = [Nsga2(TEXT, population=4, begin=4, objectives=["flops"]) for _ in range(2)]
    first = strategies[0].ask(5)
    assert strategies[1].ask(5) == first
    scores = (0.5, 0.4, 0.3, 0.2, 0.1)
    news = [Trial(p, s, costs={"flops": s}) for p, s in zip(first, scores, strict=True)]
    news.append(Trial(first[3].at(Fidelity(9), start="checkpoint"), 0.9, costs={"flops": 1.0}))  # leads from now on
    strategies[0].tell(news)
    for trial in news:
        strategies[1].tell([trial])
    asked = [strategy.ask(12) for strategy in strategies]
    assert asked[0] == asked[1]


def test_with_no_other_objective_the_best_live_for_ever() -> None:
    strategy = Nsga2(TINY, population=5, begin=5)
    game = Game(strategy).play(40)
    best = sorted((t.score for t in game.told), reverse=True)[:5]
    assert sorted((t.score for t in strategy.members.values()), reverse=True) == best


def test_schedules_promote_by_front() -> None:
    """A cheap candidate with a low score goes up beside the best one, and one that is beaten in both does not."""
    rungs = (Fidelity(1), Fidelity(3))
    for schedule in (Halving, Asha, AsyncHyperband):
        around = schedule(RandomSearch(TINY), rungs, eta=3)
        around.rank_by(lambda trials: by_front(trials, ["flops"]))
        asked = [p for p in around.ask(6) if p.fidelity == rungs[0]][:6]
        if schedule is Halving:
            asked = asked[:3]
        prices = {0: (0.5, 1.0), 1: (0.9, 9.0), 2: (0.4, 5.0), 3: (0.3, 6.0), 4: (0.3, 7.0), 5: (0.2, 8.0)}
        around.tell([Trial(p, prices[k][0], costs={"flops": prices[k][1]}) for k, p in enumerate(asked)])
        promoted = [p.candidate for p in around.ask(2) if p.start == "checkpoint"]
        ends = [asked[1].candidate, asked[0].candidate]  # both ends of the front; of ends, the better score first
        assert promoted == ends[: len(promoted)] and promoted, schedule


def test_by_name() -> None:
    strategy = strategy_named("nsga2", "asha", TINY, (Fidelity(1), Fidelity(3)), 20, objectives=("flops",), seed=3)
    assert isinstance(strategy, Asha) and isinstance(strategy.strategy, Nsga2)
    assert strategy.strategy.objectives == ("flops",)
    assert len(strategy.ask(5)) == 5


def test_the_front_has_each_candidate_once_best_score_first() -> None:
    first, second, third = RandomSearch(TINY).ask(3)
    trials = [
        Trial(replace(first, number=0), 0.5, costs={"flops": 2.0}),
        Trial(replace(first, number=1, fidelity=Fidelity(9)), 0.6, costs={"flops": 2.0}),
        Trial(replace(second, number=2), 0.4, costs={"flops": 1.0}),
        Trial(replace(third, number=3), 0.4, costs={"flops": 4.0}),
        Trial(replace(third, number=4, fidelity=Fidelity(9, stage="supernet")), 0.99, costs={"flops": 1.0}),
    ]
    assert [t.proposal.number for t in front(trials, ["flops"])] == [1, 2]

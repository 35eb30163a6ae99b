"""Limits: what costs too much is not proposed; it is made smaller, and what must be measured is guessed."""

import math
from collections.abc import Mapping, Sequence

import pytest

from seqwright.arch.candidate import Candidate
from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import named
from seqwright.search.evolution import Evolution
from seqwright.search.fresh import generator
from seqwright.search.limits import Limits
from seqwright.search.random_search import RandomSearch
from seqwright.search.strategy import Strategy
from seqwright.search.within import Constrained, Within
from seqwright.space.census import contains, size
from seqwright.space.moves import sample
from seqwright.space.narrow import fix
from seqwright.study.record import Proposal, Trial
from seqwright.testing.strategy import Game, check_strategy, scored

TEXT, TINY = named("text"), named("tiny")


def count(candidate: Candidate, names: tuple[str, ...]) -> Mapping[str, float]:
    """Costs that rise with the width and the number of layers, as real ones do."""
    body = candidate.architecture.body
    return {name: float(body.width**2 * (1 + len(body.layers))) for name in names}


def latency(candidate: Candidate) -> float:
    return 1e-4 * count(candidate, ("flops",))["flops"]


def test_strategies_propose_nothing_that_breaks_a_limit() -> None:
    within = Within(TEXT, {"parameters": 3000.0}, count)  # of which 64 * 64 with no layer is beyond
    for strategy in (RandomSearch(TEXT, admissible=within), Evolution(TEXT, begin=5, admissible=within)):
        proposals = Game(strategy).play(30).proposals
        assert len(proposals) == 30
        assert all(count(p.candidate, ("parameters",))["parameters"] <= 3000 for p in proposals)
        assert "more than 3,000 parameters" in strategy.fresh.refused


def test_the_portfolio_is_made_smaller_rather_than_left_out() -> None:
    members = portfolio("text")
    strategy = RandomSearch(TEXT, portfolio=members, admissible=Within(TEXT, {"parameters": 20_000.0}, count))
    whys = [p.why for p in strategy.ask(len(members))]
    assert all(name in why for (name, _), why in zip(members, whys, strict=True))
    assert any("brought into the space" in why for why in whys)


def test_a_repaired_candidate_obeys_lies_inside_and_is_the_same_each_time() -> None:
    within = Within(TEXT, {"parameters": 5000.0}, count)
    found = 0
    for seed in range(30):
        candidate = sample(TEXT, generator(0, seed))
        smaller = within.repaired(candidate)
        if within(candidate) is None:
            assert smaller is None
        elif smaller is not None:
            found += 1
            assert contains(TEXT, smaller) and within(smaller) is None
            assert within.repaired(candidate) == smaller
    assert found >= 10


def test_another_rule_is_asked_first() -> None:
    within = Within(TEXT, {"parameters": 1.0}, count, Limits(TEXT, ban=("lstm",)))
    layered = next(c for _, c in portfolio("text") if "Lstm" in str(c))
    assert within(layered) == '"lstm" is banned'


def test_a_limit_that_nothing_obeys_ends_the_search() -> None:
    assert RandomSearch(TINY, admissible=Within(TINY, {"parameters": 1.0}, count)).ask(1) == []


def test_latency_is_guessed_once_enough_was_measured() -> None:
    """What is surely too slow is not proposed any more; what may do is, and is measured."""
    limit = 1e-4 * 64**2 * 2.5
    within = Within(TEXT, {"latency_ms": limit}, count)
    strategy: Strategy = Constrained(RandomSearch(TEXT, admissible=within), within)
    for _ in range(40):
        (proposal,) = strategy.ask(1)
        cost = latency(proposal.candidate)
        error = "beyond the limit" if cost > limit else ""
        strategy.tell([Trial(proposal, -math.inf if error else 0.5, costs={"latency_ms": cost}, error=error)])
    later = strategy.ask(40)
    over = [latency(p.candidate) / limit for p in later]
    assert len(later) == 40
    assert max(over) < 2  # without a guess half are beyond, some by a factor of 30
    assert sum(o <= 1 for o in over) >= 30
    widest = next(c for c in (sample(TEXT, generator(1, k)) for k in range(200)) if latency(c) > 10 * limit)
    assert within(widest) == f"more than {limit:,.10g} latency_ms"


def test_the_guess_is_close_and_knows_how_close() -> None:
    within = Within(TEXT, {"latency_ms": 1.0}, count)
    drawn = [sample(TEXT, generator(2, k)) for k in range(60)]
    trials = [Trial(p, 0.0, costs={"latency_ms": latency(p.candidate)}) for p in RandomSearch(TEXT).ask(40)]
    within.tell(trials)
    model = within._models["latency_ms"]
    missed = [abs(model.predict(c)[0] - math.log(latency(c))) / model.predict(c)[1] for c in drawn]
    assert sum(m < 2 for m in missed) >= 54
    assert sorted(abs(model.predict(c)[0] - math.log(latency(c))) for c in drawn)[30] < 0.2


def test_constrained_keeps_the_contract() -> None:
    def factory() -> Strategy:
        within = Within(TINY, {"latency_ms": 1e-4 * 16**2 * 2}, count)
        return Constrained(Evolution(TINY, population=6, begin=4, admissible=within), within)

    check_strategy(factory, TINY, 20)


@pytest.mark.parametrize("share", [2, 3])
def test_a_sieve_lets_the_most_promising_through(share: int) -> None:
    strategy = RandomSearch(TINY)
    strategy.fresh.sieve = share, best
    plain = RandomSearch(TINY).ask(12)
    first = strategy.ask(12 // share)[0]
    assert scored_value(first.candidate) == max(scored_value(p.candidate) for p in plain[:share])
    assert f"the most promising of {share} before training" in first.why


def test_a_sieve_loses_nothing_of_a_small_space() -> None:
    space = TINY
    for path, value in (
        ("/architecture/body/width", 8),
        ("/recipe/learning_rate", 0.01),
        ("/architecture/body/layers#", 1),
    ):
        space = fix(space, path, value)
    strategy = RandomSearch(space)
    strategy.fresh.sieve = 2, best
    seen = [str(p.candidate) for p in strategy.ask(1000)]
    assert len(seen) == len(set(seen)) == len(RandomSearch(space).ask(1000)) == size(space)


def best(candidates: Sequence[Candidate]) -> int:
    return max(range(len(candidates)), key=lambda i: scored_value(candidates[i]))


def scored_value(candidate: Candidate) -> float:
    return scored(Proposal(candidate)).score


def test_what_a_sieve_held_back_may_be_banned_later() -> None:
    strategy = RandomSearch(TINY)
    strategy.fresh.sieve = 4, best
    strategy.ask(size(TINY) // 8)  # three of four are held back
    strategy.ban("gru")
    rest = strategy.ask(size(TINY))
    assert rest and not any("Gru" in str(p.candidate) for p in rest)


def test_what_is_repaired_stays_in_the_part_that_is_searched() -> None:
    def layers(candidate: Candidate, names: tuple[str, ...]) -> Mapping[str, float]:
        return dict.fromkeys(names, 1.0 + len(candidate.architecture.body.layers))

    part = fix(TINY, "/architecture/body/layers#", 2)
    strategy = RandomSearch(part, admissible=Within(TINY, {"flops": 2.0}, layers))
    assert strategy.fresh.obeying(sample(part, generator(0, 0))) is None
    assert strategy.ask(1) == []

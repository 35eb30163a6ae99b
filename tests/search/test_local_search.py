"""Local search climbs, moves on from a summit, and is better than chance where neighbours are alike."""

from itertools import pairwise

import pytest
from synthetic import Landscape

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import named
from seqwright.search.halving import Asha, ladder
from seqwright.search.hyperband import Hyperband
from seqwright.search.local_search import Improvement, LocalSearch
from seqwright.search.random_search import RandomSearch
from seqwright.space.census import every, size
from seqwright.space.fill import read
from seqwright.study.record import Proposal, Trial
from seqwright.testing.strategy import Game, check_strategy, scored

TINY, TEXT = named("tiny"), named("text")


@pytest.mark.parametrize("improvement", ["first", "best"])
@pytest.mark.parametrize("space", [TINY, TEXT], ids=["tiny", "text"])
def test_it_keeps_the_promises_of_a_strategy(improvement: Improvement, space) -> None:
    check_strategy(lambda: LocalSearch(space, seed=2, improvement=improvement, begin=3), space, trials=40)


@pytest.mark.parametrize("schedule", [Asha, Hyperband])
def test_it_keeps_them_inside_a_schedule(schedule) -> None:
    check_strategy(lambda: schedule(LocalSearch(TEXT, begin=3), ladder(9), inform="all"), TEXT, trials=40)


def climb(improvement: Improvement, trials: int = 120) -> tuple[Game, Landscape]:
    landscape = Landscape(TEXT)
    return Game(LocalSearch(TEXT, begin=1, again=1, improvement=improvement), landscape.trial).play(trials), landscape


def test_first_improvement_steps_from_better_to_better() -> None:
    game, landscape = climb("first")
    scores = {identity(p.candidate): landscape.score(p) for p in game.proposals}
    begins = [i for i, p in enumerate(game.proposals) if p.parent is None]
    assert begins[0] == 0 and len(begins) > 1  # from a summit it goes on elsewhere
    for begin, end in pairwise([*begins, len(game.proposals)]):
        parents = list(dict.fromkeys(p.parent for p in game.proposals[begin + 1 : end]))
        steps = [scores[name] for name in parents if name]
        assert len(steps) > 3 and steps == sorted(steps)
    assert all("one edit from" in p.why and p.move for p in game.proposals if p.parent)


def test_best_improvement_looks_at_the_whole_neighbourhood_first() -> None:
    landscape = Landscape(TINY)
    game = Game(LocalSearch(TINY, begin=1, again=1, improvement="best"), landscape.trial).play(size(TINY))
    by_name = {identity(t.proposal.candidate): t for t in game.told}
    parents = list(dict.fromkeys(p.parent for p in game.proposals if p.parent))
    around = [t for t in game.told if t.proposal.parent == parents[0]]
    centre, best = by_name[parents[0]], max(around, key=lambda t: t.score)
    if best.score > centre.score:
        assert parents[1] == identity(best.proposal.candidate)
    else:
        assert parents[1] not in {identity(t.proposal.candidate) for t in around}


def test_a_small_space_is_used_up_by_restarts() -> None:
    game = Game(LocalSearch(TINY, begin=1)).play(size(TINY) + 10)
    names = [identity(p.candidate) for p in game.proposals]
    assert sorted(names) == sorted({identity(candidate) for candidate in every(TINY)})


def test_the_portfolio_comes_first_and_the_climb_begins_at_its_best() -> None:
    given = portfolio("text")
    game = Game(LocalSearch(TEXT, portfolio=given, begin=len(given))).play(len(given) + 5)
    assert [p.candidate for p in game.proposals[: len(given)]] == [c for _, c in given]
    best = max(game.told[: len(given)], key=lambda t: t.score)
    assert game.proposals[len(given)].parent == identity(best.proposal.candidate)


def test_while_news_is_awaited_the_next_climb_is_prepared() -> None:
    strategy = LocalSearch(TINY, begin=1, again=2)
    Game(strategy, scored).play(1)
    asked = strategy.ask(size(TINY))
    near = [p for p in asked if p.parent]
    assert [p.parent is None for p in asked[len(near) : len(near) + 2]] == [True, True]
    assert all(p.parent for p in asked[: len(near)])


def test_it_is_better_than_chance() -> None:
    landscape = Landscape(TEXT)

    def best(strategy) -> float:
        return max(t.score for t in Game(strategy, landscape.trial).play(150).told if not t.failed)

    wins = sum(best(LocalSearch(TEXT, seed=s)) > best(RandomSearch(TEXT, seed=s)) for s in range(5))
    assert wins == 5


def test_what_was_trained_further_is_not_left_for_what_was_trained_less() -> None:
    """A better score at a lower rung says nothing."""
    strategy = LocalSearch(TEXT, begin=1)
    (first,) = strategy.ask(1)
    strategy.tell([Trial(first.at(ladder(9)[1]), 0.5)])
    (beside,) = strategy.ask(1)
    strategy.tell([Trial(Proposal(beside.candidate, ladder(9)[0]), 0.9)])
    assert strategy.centre and strategy.centre.proposal.candidate == first.candidate
    assert read(TEXT, beside.candidate) is not None


def test_neighbours_are_tried_where_draws_find_nothing_admissible() -> None:
    def rare(candidate: Candidate) -> str | None:
        found = str(candidate.architecture)
        return None if all(f"{kind}(" in found for kind in ("Lstm", "Gru", "Attention", "Conv")) else "lacks a kind"

    def made() -> LocalSearch:
        return LocalSearch(TEXT, seed=1, admissible=rare)

    straight = Game(made()).play(20)
    assert len(straight.told) == 20 and all(rare(p.candidate) is None for p in straight.proposals)
    patient = Game(made())
    while len(patient.told) < 20:  # asked more often than it can answer
        for _ in range(3):
            patient.ask(1 - (len(patient.proposals) - len(patient.told)))
        patient.tell(scored(patient.proposals[-1]))
    assert patient.proposals == straight.proposals

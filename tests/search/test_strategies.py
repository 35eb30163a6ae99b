import time
from random import Random

import pytest
from synthetic import Landscape

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import named
from seqwright.errors import InputError, SpaceError
from seqwright.search.evolution import Evolution, sizes
from seqwright.search.fresh import Fresh, generator
from seqwright.search.halving import Asha, Halving, ladder
from seqwright.search.limits import Limits
from seqwright.search.nearest import nearest
from seqwright.search.random_search import RandomSearch
from seqwright.search.strategy import Strategy
from seqwright.space.census import contains, every, size
from seqwright.space.moves import sample
from seqwright.space.nodes import Record, Space
from seqwright.study.record import Fidelity, Proposal, Trial

TINY, TEXT = named("tiny"), named("text")


def played(strategy: Strategy, landscape: Landscape, trials: int) -> list[Trial]:
    """Ask and tell, one at a time."""
    told: list[Trial] = []
    while len(told) < trials and (asked := strategy.ask(1)):
        told.append(landscape.trial(asked[0]))
        strategy.tell(told[-1:])
    return told


def best(trials: list[Trial]) -> float:
    return max(trial.score for trial in trials if not trial.failed)


def without(space: Record, **fixed: object) -> Space:
    """A space of candidates with some settings of the recipe fixed."""
    (architecture, (name, recipe)) = space.fields
    parts = tuple((n, fixed.get(n, part)) for n, part in recipe.fields)
    return Record(space.cls, (architecture, (name, Record(recipe.cls, parts))))


# Fresh, limits, nearest ------------------------------------------------------------------------


def test_generators_are_apart_and_the_same_everywhere() -> None:
    assert generator(1, 2).random() == generator(1, 2).random()
    assert len({generator(seed, k).random() for seed in range(10) for k in range(10)}) == 100
    assert generator(0, 0).random() == pytest.approx(0.5494251654898269, abs=1e-12)


def test_a_small_space_is_used_up_exactly() -> None:
    strategy = RandomSearch(TINY)
    names = [identity(proposal.candidate) for proposal in strategy.ask(size(TINY) + 10)]
    assert len(names) == len(set(names))
    assert set(names) == {identity(candidate) for candidate in every(TINY)}
    assert strategy.ask(1) == []


def test_what_is_not_admissible_is_not_proposed_and_counted() -> None:
    strategy = RandomSearch(TEXT, admissible=Limits(TEXT, ban=("lstm",), require=("attention",)))
    proposals = strategy.ask(30)
    assert len(proposals) == 30
    assert all("Lstm" not in str(p.candidate) and "Attention(" in str(p.candidate) for p in proposals)
    assert set(strategy.fresh.refused) == {'"lstm" is banned', '"attention" is required'}


def test_nothing_admissible_ends_and_says_why() -> None:
    fresh = Fresh(TEXT, lambda candidate: "too big")
    assert fresh.first(lambda attempt: Proposal(sample(TEXT, Random(attempt)))) is None
    assert 150 < fresh.refused["too big"] <= 200


def test_limits_by_path() -> None:
    candidate = dict(portfolio("text"))
    layered = next(c for c in candidate.values() if "Lstm" in str(c))
    assert Limits(TEXT, ban=("lstm",))(layered) == '"lstm" is banned'
    assert Limits(TEXT, ban=("/architecture/*/mixer/lstm",))(layered) == '"/architecture/*/mixer/lstm" is banned'
    assert Limits(TEXT, ban=("/architecture/*/mixer/gru",))(layered) is None
    assert Limits(TEXT, ban=("mlp",))(layered) == '"mlp" is banned'  # fixed in the space, not chosen
    with pytest.raises(SpaceError, match=r'"lsmt" matches nothing in the space\. Did you mean "lstm"\?'):
        Limits(TEXT, ban=("lsmt",))


def test_nearest_keeps_what_it_can() -> None:
    fixed = without(TEXT, learning_rate=3e-3)
    for _, candidate in portfolio("text"):
        assert nearest(TEXT, candidate, Random(0)) == candidate
        moved = nearest(fixed, candidate, Random(0))
        assert contains(fixed, moved)
        assert moved.architecture == candidate.architecture
        assert moved.recipe.dropout == candidate.recipe.dropout
        assert contains(TINY, nearest(TINY, candidate, Random(0)))


# Strategies ------------------------------------------------------------------------------------

MAKERS = {
    "random": lambda seed: RandomSearch(TEXT, seed=seed, portfolio=portfolio("text")),
    "evolution": lambda seed: Evolution(TEXT, seed=seed, portfolio=portfolio("text"), population=12, sample=4),
    "crossover": lambda seed: Evolution(TEXT, seed=seed, population=12, sample=4, crossover=0.5),
    "halving": lambda seed: Halving(Evolution(TEXT, seed=seed, population=12, sample=4), ladder(9)),
    "asha": lambda seed: Asha(Evolution(TEXT, seed=seed, population=12, sample=4), ladder(9), inform="all"),
}


@pytest.mark.parametrize("name", MAKERS)
def test_deterministic_in_the_seed_and_inside_the_space(name: str) -> None:
    landscape = Landscape(TEXT)
    first = played(MAKERS[name](0), landscape, 60)
    assert first == played(MAKERS[name](0), landscape, 60)
    assert first != played(MAKERS[name](1), landscape, 60)
    assert all(contains(TEXT, trial.proposal.candidate) for trial in first)
    pairs = {(identity(trial.proposal.candidate), trial.proposal.fidelity) for trial in first}
    assert len(pairs) == len(first) == 60


@pytest.mark.parametrize("name", MAKERS)
def test_asking_for_many_is_asking_for_one_many_times(name: str) -> None:
    one, many = MAKERS[name](0), MAKERS[name](0)
    assert [proposal for _ in range(8) for proposal in one.ask(1)] == many.ask(8)


@pytest.mark.parametrize("name", MAKERS)
def test_an_ask_that_gives_nothing_changes_nothing(name: str) -> None:
    strategy, twin = MAKERS[name](0), MAKERS[name](0)
    assert strategy.ask(0) == []
    assert strategy.ask(3) == twin.ask(3)


def test_the_portfolio_comes_first_and_once() -> None:
    members = portfolio("text")
    twice = [*members, *members]
    proposals = Evolution(TEXT, portfolio=twice).ask(len(members) + 5)
    assert [p.candidate for p in proposals[: len(members)]] == [candidate for _, candidate in members]
    assert proposals[0].why == f"portfolio: {members[0][0]}"
    assert {p.why for p in proposals[len(members) :]} == {"drawn at random"}


def test_a_portfolio_outside_the_space_is_brought_in() -> None:
    space = without(TEXT, batch_size=16, label_smoothing=0.1)
    proposals = Evolution(space, portfolio=portfolio("text")).ask(len(portfolio("text")))
    assert all(contains(space, p.candidate) for p in proposals)
    assert all(p.why.startswith("portfolio: ") and p.why.endswith(", brought into the space") for p in proposals)


def test_evolution_fills_then_changes_the_living_and_lets_the_oldest_die() -> None:
    evolution = Evolution(TEXT, population=10, sample=5)
    trials = played(evolution, Landscape(TEXT), 60)
    assert {t.proposal.why for t in trials[:10]} == {"drawn at random"}
    good = [t for t in trials if not t.failed]
    assert list(evolution.members) == [identity(t.proposal.candidate) for t in good[-10:]]
    for k, trial in enumerate(trials[10:], 10):
        alive = [identity(t.proposal.candidate) for t in trials[:k] if not t.failed][-10:]
        assert trial.proposal.parent in alive
    moves = {t.proposal.move["name"] for t in trials[10:] if t.proposal.move}
    assert {"insert", "remove", "replace"} <= moves


def test_evolution_finds_better_ones_than_random_search() -> None:
    won = 0
    for seed in range(6):
        landscape = Landscape(TEXT, seed)
        evolved = played(Evolution(TEXT, seed=seed, population=20, sample=6), landscape, 120)
        won += best(evolved) > best(played(RandomSearch(TEXT, seed=seed), landscape, 120))
    assert won >= 5


def test_sizes_shrink_with_the_trials_expected() -> None:
    assert sizes(None) == sizes(1000) == (100, 25, 100)
    assert sizes(400) == (50, 25, 50)
    assert sizes(100) == (40, 20, 24)
    assert sizes(3) == (8, 4, 8)


def test_in_a_short_search_the_portfolio_outlives_its_first_children() -> None:
    population, sample, begin = sizes(40)
    evolution = Evolution(TEXT, population=population, sample=sample, begin=begin, portfolio=portfolio("text"))
    first = evolution.ask(begin)
    evolution.tell([Trial(proposal, 1.0 / (1 + k)) for k, proposal in enumerate(first)])
    children = evolution.ask(5)
    assert all(proposal.parent for proposal in children)
    evolution.tell([Trial(proposal, 0.0) for proposal in children])
    assert identity(first[0].candidate) in evolution.members


def test_a_proposal_takes_under_two_milliseconds() -> None:
    evolution, landscape = Evolution(TEXT, population=20, sample=5), Landscape(TEXT)
    times = []
    for _ in range(150):
        began = time.thread_time()
        (proposal,) = evolution.ask(1)
        times.append(time.thread_time() - began)
        evolution.tell([landscape.trial(proposal)])
    assert sorted(times)[len(times) // 2] < 0.002


# Schedules -------------------------------------------------------------------------------------


class Scored:
    """Candidates in a fixed order, each better (or worse) than the one before; hears what it is told."""

    def __init__(self, count: int, rising: bool = True) -> None:
        self.sign = 1.0 if rising else -1.0
        self.left = [sample(TEXT, generator(9, k)) for k in range(count)]
        self.place = {identity(candidate): k for k, candidate in enumerate(self.left)}
        self.heard: list[Trial] = []

    def ask(self, n: int) -> list[Proposal]:
        taken, self.left = self.left[:n], self.left[n:]
        return [Proposal(candidate) for candidate in taken]

    def tell(self, trials: object) -> None:
        self.heard.extend(trials)  # type: ignore[arg-type]

    def trial(self, proposal: Proposal, error: str = "") -> Trial:
        return Trial(proposal, self.sign * self.place[identity(proposal.candidate)], error=error)


def examples(trials: list[Trial]) -> list[int]:
    return [trial.proposal.fidelity.examples for trial in trials]


def run(schedule: Strategy, strategy: Scored, failing: frozenset[int] = frozenset()) -> list[Trial]:
    trials: list[Trial] = []
    while asked := schedule.ask(1):
        place = strategy.place[identity(asked[0].candidate)]
        trials.append(strategy.trial(asked[0], "diverged" if place in failing else ""))
        schedule.tell(trials[-1:])
    return trials


def test_halving_keeps_the_best_third() -> None:
    strategy = Scored(9)
    trials = run(Halving(strategy, ladder(9)), strategy)
    assert examples(trials) == [1] * 9 + [3] * 3 + [9]
    assert [trial.score for trial in trials[9:]] == [8, 7, 6, 8]
    assert {trial.proposal.start for trial in trials[9:]} == {"checkpoint"}
    assert trials[9].proposal.why == "promoted from 1 examples to 3 examples: place 1 of 9"
    assert strategy.heard == trials[:9]


def test_halving_tells_all_when_asked_to() -> None:
    strategy = Scored(9)
    trials = run(Halving(strategy, ladder(9), inform="all"), strategy)
    assert len(trials) == 13
    assert strategy.heard == trials


def test_halving_promotes_no_failure() -> None:
    strategy = Scored(9)
    trials = run(Halving(strategy, ladder(9)), strategy, frozenset({8, 7, 5}))
    assert [trial.score for trial in trials[9:]] == [6, 4, 3, 6]
    strategy = Scored(9)
    assert len(run(Halving(strategy, ladder(9)), strategy, frozenset(range(9)))) == 9


def test_halving_begins_another_bracket_while_one_waits() -> None:
    strategy = Scored(20)
    schedule = Halving(strategy, ladder(3, rungs=2))
    first = schedule.ask(5)
    assert [proposal.fidelity.examples for proposal in first] == [1] * 5
    schedule.tell([strategy.trial(proposal) for proposal in first[:3]])
    assert [proposal.fidelity.examples for proposal in schedule.ask(3)] == [3, 1, 1]


def test_a_bracket_short_of_candidates_goes_on_with_those_it_has() -> None:
    strategy = Scored(4)
    schedule = Halving(strategy, ladder(9))
    asked = schedule.ask(9)
    assert len(asked) == 4
    assert schedule.ask(1) == []  # they run yet
    schedule.tell([strategy.trial(proposal) for proposal in asked])
    trials = run(schedule, strategy)
    assert examples(trials) == [3, 9]
    assert {trial.score for trial in trials} == {3}


def test_asha_promotes_when_it_may() -> None:
    strategy = Scored(9, rising=False)
    trials = run(Asha(strategy, ladder(9)), strategy)
    assert examples(trials) == [1, 1, 1, 3, 1, 1, 1, 3, 1, 1, 1, 3, 9]
    assert [trial.score for trial in trials if trial.proposal.fidelity.examples > 1] == [0, -1, -2, 0]
    assert len(strategy.heard) == 9


def test_folds_are_an_axis_of_fidelity() -> None:
    strategy = Scored(3)
    trials = run(Halving(strategy, (Fidelity(100, 1), Fidelity(100, 5))), strategy)
    assert trials[-1].proposal.fidelity == Fidelity(100, 5)
    assert trials[-1].proposal.why.startswith("promoted from 100 examples to 100 examples on 5 folds")


def test_schedules_teach() -> None:
    with pytest.raises(InputError, match="each higher than the last"):
        Halving(Scored(1), (Fidelity(3), Fidelity(1)))
    with pytest.raises(InputError, match="must be 2 or more"):
        Asha(Scored(1), ladder(9), eta=1)
    assert ladder(2) == (Fidelity(1), Fidelity(2))


def test_a_promotion_that_outlives_its_candidate_does_not_revive_it() -> None:
    evolution = Evolution(TEXT, population=2, sample=20)
    a, b, c = (Proposal(sample(TEXT, generator(5, k)), Fidelity(1)) for k in range(3))
    evolution.tell([Trial(a, 0.1), Trial(b, 0.2), Trial(c, 0.3)])
    evolution.tell([Trial(p.at(Fidelity(3), start="checkpoint"), 0.9) for p in (a, b)])
    assert [(t.proposal.candidate, t.score) for t in evolution.members.values()] == [
        (b.candidate, 0.9),
        (c.candidate, 0.3),
    ]
    assert evolution._winner(Random(0)) == b.candidate
    assert isinstance(b.candidate, Candidate)

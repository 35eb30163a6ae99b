"""Surrogates keep the promises of a strategy, learn, and say what they rank by."""

import math
import random
import time
from collections.abc import Callable

import numpy as np
import pytest
from synthetic import Landscape

from seqwright.arch.codec import identity
from seqwright.arch.spaces import named
from seqwright.evaluate.nas_bench_201 import space as cells
from seqwright.search.bananas import Bananas
from seqwright.search.ensemble import Ensemble
from seqwright.search.gaussian_process import GaussianProcess, groups
from seqwright.search.gp_encoding import EncodedGp
from seqwright.search.halving import Asha, ladder
from seqwright.search.random_search import RandomSearch
from seqwright.search.strategy import Strategy
from seqwright.search.surrogate import KEPT, Surrogate, normal_scores
from seqwright.space.census import questions
from seqwright.space.expert import expert
from seqwright.space.fill import answers
from seqwright.space.moves import sample
from seqwright.space.prior import Prior, by_size, log_beliefs
from seqwright.study.record import Fidelity, Proposal, Trial
from seqwright.testing.strategy import Game, check_strategy

TINY, TEXT, CELLS = named("tiny"), named("text"), cells()
KINDS: list[Callable[..., Surrogate]] = [Bananas, EncodedGp]


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("space", [TINY, CELLS], ids=["tiny", "cells"])
def test_keeps_the_promises_of_a_strategy(make: Callable[..., Surrogate], space: object) -> None:
    quick = {"model": lambda: Ensemble(steps=20, hidden=(8,))} if make is Bananas else {}
    check_strategy(lambda: make(space, seed=1, begin=4, pool=8, **quick), space, 10)


def test_keeps_them_under_a_schedule() -> None:
    def make() -> Strategy:
        return Asha(EncodedGp(TEXT, seed=2, begin=4, pool=6), ladder(9), inform="all")

    check_strategy(make, TEXT, 10)


@pytest.mark.parametrize("make", KINDS)
def test_learns_better_than_random_search(make: Callable[..., Surrogate]) -> None:
    landscape = Landscape(CELLS, 1)
    drawn = max(t.score for t in Game(RandomSearch(CELLS, seed=1), landscape.trial).play(150).told)
    told = Game(make(CELLS, seed=1, pool=40), landscape.trial).play(50).told
    assert max(t.score for t in told) > drawn


def test_a_stalled_search_grows_bolder() -> None:
    rng = random.Random(1)
    drawn = list({identity(c): c for c in (sample(CELLS, rng) for _ in range(140))}.values())[:100]
    trials = [Landscape(CELLS, 1).trial(Proposal(c)) for c in drawn]
    trials.sort(key=lambda trial: trial.score)

    def told(order: list[Trial]) -> tuple[int, float]:
        """How long ago the best was heard, and how far from the means' order candidates are ranked."""
        strategy = EncodedGp(CELLS, seed=0, pool=60)
        strategy.tell(order)
        members = [member.candidate for member, _ in strategy.ranked(Fidelity(0))]
        places = np.argsort(np.argsort(-strategy.expected(Fidelity(0), members)))
        return strategy.since_best(Fidelity(0)), float(np.abs(places - np.arange(len(members))).mean())

    (none, calm), (long, bold) = told(trials), told(trials[::-1])
    assert (none, long) == (0, 99) and bold > 1.05 * calm


@pytest.mark.parametrize("model", [Ensemble(), GaussianProcess(groups([3, 3, 2, 2]))], ids=["ensemble", "process"])
def test_a_model_predicts_what_it_has_not_seen_and_doubts_what_is_far(model: Ensemble | GaussianProcess) -> None:
    rng = np.random.default_rng(0)

    def draw(n: int, low: int = 0) -> np.ndarray:
        choices = [np.eye(3)[rng.integers(low, 3, n)] for _ in range(2)]
        ranks = [np.stack([np.ones(n), rng.integers(0, 5, n) / 4], 1) for _ in range(2)]
        return np.hstack([*choices, *ranks])

    def score(x: np.ndarray) -> np.ndarray:
        return x[:, 0] - x[:, 4] + 2 * x[:, 7] * (1 - x[:, 1])

    x, fresh = draw(60, low=1), draw(200)
    model.fit(x, normal_scores(list(score(x))), seed=3)
    mean, deviation = model.predict(fresh)
    near = (fresh[:, 0] == 0) & (fresh[:, 3] == 0)
    assert np.corrcoef(mean[near], score(fresh[near]))[0, 1] > 0.9
    assert deviation[~near].mean() > 1.2 * deviation[near].mean()
    again, _ = model.predict(fresh)
    assert np.array_equal(again, mean)


def test_a_process_learns_which_questions_matter() -> None:
    rng = np.random.default_rng(1)
    x = np.hstack([np.stack([np.ones(80), rng.random(80)], 1) for _ in range(4)])
    model = GaussianProcess(groups([2] * 4))
    model.fit(x, normal_scores(list(np.sin(5 * x[:, 3]))))
    assert model.log_relevance[1] > model.log_relevance[[0, 2, 3]].max() + 1


@pytest.mark.parametrize("make", KINDS)
def test_says_what_ranked_a_candidate_and_where_it_comes_from(make: Callable[..., Surrogate]) -> None:
    told = Game(make(TEXT, begin=5), Landscape(TEXT).trial).play(12).told
    said = [t.proposal for t in told[6:]]
    assert all(" trials: place " in p.why and " of " in p.why for p in said)
    assert any(p.parent and p.move and p.parent in p.why for p in said)


def test_the_highest_fidelity_with_enough_trials_is_modelled() -> None:
    landscape, strategy = Landscape(TEXT), Bananas(TEXT, begin=4)
    low, high = Fidelity(100), Fidelity(900)
    asked = strategy.ask(12)
    good = [p for p in asked if not landscape.trial(p).failed]
    strategy.tell([landscape.trial(p.at(low)) for p in good[:6]])
    strategy.tell([landscape.trial(p.at(high)) for p in good[:2]])
    assert "100 examples" in strategy.ask(1)[0].why
    strategy.tell([landscape.trial(p.at(high)) for p in good[2:5]])
    assert "900 examples" in strategy.ask(1)[0].why


@pytest.mark.parametrize("make", KINDS)
def test_many_at_a_time_are_different_ones(make: Callable[..., Surrogate]) -> None:
    strategy = make(CELLS, begin=6)
    Game(strategy, Landscape(CELLS).trial).play(12)
    asked = strategy.ask(6)
    assert len({identity(p.candidate) for p in asked}) == 6


@pytest.mark.parametrize("make", KINDS)
def test_what_an_expert_believes_counts_at_first_and_fades(make: Callable[..., Surrogate]) -> None:
    """The belief is false here: scores do not depend on it, or are worse with it."""
    path = "/architecture/edge_0_1"
    prior = expert(CELLS, [f"{path}=nor_conv_1x1:20"])
    no_belief = Prior(prior.as_data(), Prior({}))

    def share(prior: Prior, told: int, at: int) -> float:
        strategy = make(CELLS, seed=4, prior=prior, begin=5, refit=10.0, pool=40)
        found = [sample(CELLS, random.Random(k)) for k in range(told)]
        strategy.tell([Trial(Proposal(c), float(answers(CELLS, c)[path] != 2) + 1e-3 * k) for k, c in enumerate(found)])
        fidelity = strategy.ready()
        assert fidelity is not None
        first = [strategy.ranked(fidelity)[place][0].candidate for place in range(at)]
        return sum(answers(CELLS, c)[path] == 2 for c in first) / at

    early, without = share(prior, 6, 10), share(no_belief, 6, 10)
    late = share(prior, 100, 10)
    assert early > without and early > late + 0.3


def test_draws_weighed_by_size_are_no_belief() -> None:
    assert by_size(TEXT).belief is None
    believed = expert(TEXT, ["/recipe/dropout=0.1:5"], by_size(TEXT)).belief
    assert believed is not None and set(believed.as_data()) == {"/recipe/dropout"}
    inside = answers(TEXT, sample(TEXT, random.Random(0)))
    labels = questions(TEXT)["/recipe/dropout"].labels()
    best, other = ({**inside, "/recipe/dropout": labels.index(label)} for label in ("0.1", labels[0]))
    (high,), (low,) = (log_beliefs(TEXT, each, believed) for each in (best, other))
    assert high - low == pytest.approx(math.log(5))


def test_normal_scores_mind_ranks_alone() -> None:
    assert np.allclose(normal_scores([1, 2, 3, 4]), normal_scores([-1e30, 0, 1e-9, 1e30]))
    tied = normal_scores([0.5, 0.5, 0.9])
    assert tied[0] == tied[1] < 0 < tied[2]
    assert np.isfinite(normal_scores([-np.inf] * 3)).all()


@pytest.mark.parametrize("make", KINDS)
def test_a_proposal_stays_cheap_however_much_was_heard(make: Callable[..., Surrogate]) -> None:
    """A training takes seconds; a surrogate may take a twentieth of that."""
    strategy, landscape = make(TEXT, begin=5), Landscape(TEXT)
    strategy.tell([landscape.trial(Proposal(sample(TEXT, random.Random(k)))) for k in range(2 * KEPT)])
    strategy.ask(1)
    strategy.tell([Trial(Proposal(sample(TEXT, random.Random(-1))), 0.5)])
    began = time.thread_time()
    strategy.ask(1)
    assert time.thread_time() - began < 0.5

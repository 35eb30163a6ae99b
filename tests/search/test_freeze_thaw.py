"""Curves are extrapolated with honest doubt, and freeze-thaw spends where they promise most."""

import math
from collections import Counter

import numpy as np
import pytest

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.arch.spaces import named
from seqwright.evaluate.table import Entry, TableEvaluator
from seqwright.search.evolution import Evolution
from seqwright.search.freeze_thaw import BEGIN, FreezeThaw
from seqwright.search.fresh import generator
from seqwright.search.halving import ladder
from seqwright.search.learning_curve import POINTS, LearningCurves, thinned
from seqwright.search.random_search import RandomSearch
from seqwright.search.strategy import Strategy
from seqwright.space.moves import sample
from seqwright.space.nodes import Choice
from seqwright.study.record import Fidelity, Proposal, Trial
from seqwright.testing.strategy import Game, check_strategy, score

TINY, TEXT = named("tiny"), named("text")
RUNGS = tuple(map(Fidelity, (1, 2, 4, 8, 16, 32)))
TIMES = [rung.examples / 32 for rung in RUNGS]


def curve(number: int, end: float, until: float = 1.0) -> list[tuple[float, float]]:
    """One that rises to `end`, at a pace of its own, with a little noise."""
    rng = generator(5, number)
    pace, height = 3 + 4 * rng.random(), 0.4 + 0.2 * rng.random()
    return [(t, end - height * math.exp(-pace * t) + rng.gauss(0, 0.005)) for t in TIMES if t <= until]


def learnt(curves: int = 30) -> LearningCurves:
    model = LearningCurves()
    model.fit([curve(k, generator(6, k).gauss(0.7, 0.1)) for k in range(curves)])
    return model


def test_the_end_is_predicted_from_the_beginning_and_doubt_shrinks_with_time() -> None:
    model, truth = learnt(), [generator(7, k).gauss(0.7, 0.1) for k in range(40)]
    ended = [curve(100 + k, end)[-1][1] for k, end in enumerate(truth)]
    doubts: list[float] = []
    for until in (1 / 32, 1 / 4, 1.0):
        known = [curve(100 + k, end, until) for k, end in enumerate(truth)]
        mean, deviation = model.ends(known)
        doubts.append(float(deviation.mean()))
        error = float(np.abs(mean - ended).mean())
        assert error < np.abs(np.array([c[-1][1] for c in known]) - ended).mean() + 0.01  # better than to stand still
        assert np.mean(np.abs(mean - ended) < 2.5 * deviation) > 0.85
    assert doubts[0] > 1.5 * doubts[1] > 1.5 * doubts[2]
    mean, _ = model.ends([curve(100 + k, end, 1 / 4) for k, end in enumerate(truth)])
    assert np.corrcoef(mean, ended)[0, 1] > 0.8


def test_scale_and_unit_do_not_matter() -> None:
    model, other = learnt(), LearningCurves()
    other.fit([[(t, 1e4 * y - 7e5) for t, y in curve(k, generator(6, k).gauss(0.7, 0.1))] for k in range(30)])
    begun = curve(3, 0.8, 1 / 8)
    mean, deviation = model.ends([begun])
    again, spread = other.ends([[(t, 1e4 * y - 7e5) for t, y in begun]])
    assert again[0] == pytest.approx(1e4 * mean[0] - 7e5, rel=1e-6) and spread[0] == pytest.approx(1e4 * deviation[0])


def test_a_single_point_and_equal_scores_are_no_trouble() -> None:
    model = LearningCurves()
    model.fit([[(0.1, 0.5)]])
    model.fit([[(0.1, 0.5)], [(0.1, 0.5)]])
    mean, deviation = model.ends([[(0.1, 0.5)]])
    assert np.isfinite(mean).all() and np.isfinite(deviation).all()
    long = [(float(t), 0.0) for t in range(1, 500)]
    kept = thinned(long)
    assert len(kept) <= POINTS and kept[0] == long[0] and kept[-1] == long[-1]


def rising(candidate: Candidate) -> Entry:
    """Ends at `score`; the early ranks are right but for noise."""
    end, number = score(candidate), int(identity(candidate), 16)
    known = curve(number, end)
    return Entry(known[-1][1], 32.0, tuple((round(32 * t), y, 32 * t) for t, y in known), continues=True)


def test_keeps_the_promises_of_a_strategy() -> None:
    check_strategy(lambda: FreezeThaw(RandomSearch(TINY, seed=1), RUNGS[::2], begin=3), TINY, 8)
    check_strategy(lambda: FreezeThaw(Evolution(TEXT, population=6, sample=3), ladder(9), begin=3), TEXT, 8)


def spent(strategy: Strategy, seconds: float) -> tuple[list[Proposal], float]:
    """What was proposed in so long, and the best score at the highest rung."""
    evaluator, proposals, best = TableEvaluator(rising), list[Proposal](), -math.inf
    while evaluator.clock_s < seconds:
        (proposal,) = strategy.ask(1)
        proposals.append(proposal)
        evaluator.submit(proposal)
        (trial,) = evaluator.collect()
        strategy.tell([trial])
        if trial.proposal.fidelity == RUNGS[-1]:
            best = max(best, trial.score)
    return proposals, best


def test_finds_better_ones_than_whole_trainings_in_half_the_time() -> None:
    gains: list[float] = []
    for seed in range(3):
        proposals, best = spent(FreezeThaw(RandomSearch(TEXT, seed=seed), RUNGS), 32 * 8)
        assert all(p.start == "checkpoint" for p in proposals if p.fidelity > RUNGS[0])
        assert len({(identity(p.candidate), p.fidelity) for p in proposals}) == len(proposals)
        _, whole = spent(RandomSearch(TEXT, seed=seed, fidelity=RUNGS[-1]), 32 * 16)
        gains.append(best - whole)
    assert np.mean(gains) > 0


def test_says_what_it_expects_and_the_first_to_thaw_goes_to_the_end() -> None:
    proposals, _ = spent(FreezeThaw(RandomSearch(TEXT), RUNGS), 32 * 6)
    assert [p.fidelity for p in proposals[: BEGIN + 5]] == [RUNGS[0]] * BEGIN + list(RUNGS[1:])
    thawed = [p.why for p in proposals[BEGIN + 5 :] if p.fidelity > RUNGS[0]]
    assert thawed and all("expected to end at" in why for why in thawed)


def test_news_told_twice_thaws_once_and_failures_lie_still() -> None:
    schedule = FreezeThaw(RandomSearch(TEXT), RUNGS, begin=2)
    a, b, c = schedule.ask(2) + schedule.ask(1)
    schedule.tell([Trial(a, 0.2), Trial(b, 0.9), Trial(c, -math.inf, error="killed")])
    (thawed,) = schedule.ask(1)
    assert identity(thawed.candidate) == identity(b.candidate) and thawed.fidelity == RUNGS[1]
    schedule.tell([Trial(b, 0.9)])
    again = schedule.ask(1)[0]
    assert identity(again.candidate) not in (identity(b.candidate), identity(c.candidate))


def test_goes_on_with_what_there_is_when_nothing_new_is_left() -> None:
    few = Choice(tuple(sample(TINY, generator(k)) for k in range(9)), names=tuple("abcdefghi"))
    game = Game(FreezeThaw(RandomSearch(few), RUNGS[:2], begin=3)).play(100)
    assert Counter(p.fidelity for p in game.proposals) == {RUNGS[0]: 9, RUNGS[1]: 9}


def test_a_draw_outside_its_rungs_is_no_news() -> None:
    schedule = FreezeThaw(RandomSearch(TEXT), RUNGS)
    schedule.tell([Trial(Proposal(sample(TEXT, generator(1)), Fidelity(5)), 0.5)])
    assert len(schedule.ask(3)) == 3

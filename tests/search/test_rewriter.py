"""The rewriter learns which operations to replace, never moves to what costs more, and trains the best alone."""

import math
from functools import cache
from random import Random
from typing import Any

import pytest

from seqwright.arch.blocks import Conv, FeedForward, Gru, Parallel, Skip
from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.arch.network import Body, Layer, Mean, Mlp, Network, Words
from seqwright.arch.rewriting import rewritings
from seqwright.arch.spaces import named
from seqwright.nn.cheaper import measured
from seqwright.search.learned.rewriter import SAMPLES, Rewriter
from seqwright.space.census import questions
from seqwright.space.fill import answers, fill
from seqwright.space.moves import sample
from seqwright.study.record import Fidelity, Proposal, Trial
from seqwright.testing.strategy import Game, check_strategy

FULL = Fidelity(900)
GIVEN = Candidate(
    Network(
        Words(),
        Body((Layer(Parallel((Conv(7), Conv(5), Conv(3))), FeedForward(2)), Layer(Gru(32, True), FeedForward(2))), 32),
        Mean(),
        Mlp(layers=0),
    )
)


@cache
def space() -> Any:
    return rewritings(GIVEN, measured)


@cache
def worth() -> dict[str, list[float]]:
    """What each option is worth at each place; half of what is cheaper is better than what was given."""
    rng = Random(3)
    return {path: [0.0] + [rng.gauss(0, 0.02) for _ in q.options[1:]] for path, q in questions(space()).items()}


def value(candidate: Candidate) -> float:
    return sum(worth()[path][index] for path, index in answers(space(), candidate).items())


def judged(proposal: Proposal) -> Trial:
    if proposal.fidelity.stage == "supernet":
        return Trial(proposal, 0.5, seconds=10.0)
    noise = Random(identity(proposal.candidate)).gauss(0, 0.01) if proposal.fidelity != FULL else 0.0
    return Trial(proposal, 0.8 + value(proposal.candidate) + noise, seconds=1.0)


def finals(game: Game) -> list[Trial]:
    return [t for t in game.told if t.proposal.fidelity == FULL]


def test_it_keeps_the_contract() -> None:
    check_strategy(lambda: Rewriter(space(), fidelity=FULL, episodes=20), space(), trials=40)


def test_in_any_other_space_too() -> None:
    tiny = named("tiny")
    check_strategy(lambda: Rewriter(tiny, fidelity=FULL, episodes=8, seed=4), tiny, trials=30)


def test_the_course_of_a_search() -> None:
    game = Game(Rewriter(space(), fidelity=FULL, episodes=30), judged).play(1000, n=2)
    first, second, *rest = game.proposals
    assert first.candidate == GIVEN and first.fidelity == FULL
    assert second.fidelity == Fidelity(2 * FULL.examples, 1, "supernet")
    alone = [p for p in rest if p.fidelity == FULL]
    assert 1 <= len(alone) <= 2 and rest[-len(alone) :] == alone, "the best of the last samples come at the end"
    for proposal in rest[: -len(alone)]:
        assert proposal.fidelity == Fidelity(0, 1, "shared") and proposal.start == "supernet"
        assert proposal.parent == identity(second.candidate)
    assert len({(identity(p.candidate), p.fidelity) for p in game.proposals}) == len(game.proposals)


def test_answers_only_move_on() -> None:
    strategy = Rewriter(space(), fidelity=FULL, episodes=60)
    Game(strategy, judged).play(1000)
    for k in range(100):
        before = sample(space(), Random(k))
        after, _, _ = strategy._rewritten(before, Random(k))
        known = answers(space(), before)
        assert all(known[path] <= index for path, index in answers(space(), after).items())


def test_it_learns_what_to_replace() -> None:
    """Against as many even draws of the same space as it had judged, by the same noisy scores."""
    ours, drawn = [], []
    for seed in range(2):
        game = Game(Rewriter(space(), fidelity=FULL, seed=seed, episodes=150), judged).play(2000)
        ours.append(max(t.score for t in finals(game)))
        rng = Random(seed)
        evenly = [fill(space(), lambda path, q, rng=rng: rng.randrange(len(q.options))) for _ in range(SAMPLES)]
        best = max(evenly, key=lambda c: judged(Proposal(c, Fidelity(0, 1, "shared"))).score)
        drawn.append(0.8 + value(best))
    top = 0.8 + sum(map(max, worth().values()))
    assert sum(ours) / 2 > (top + sum(drawn) / 2) / 2, (ours, drawn, top)


def test_without_shared_weights_short_trainings_judge() -> None:
    def judge(proposal: Proposal) -> Trial:
        if proposal.fidelity.stage == "supernet":
            return Trial(proposal, -math.inf, error="SpaceError: a supernet shares no weights")
        return judged(proposal)

    game = Game(Rewriter(space(), fidelity=FULL, episodes=20), judge).play(1000)
    assert {p.fidelity for p in game.proposals[2:]} == {Fidelity(100), FULL}
    assert len(finals(game)) >= 2


@pytest.mark.parametrize("seconds, fewer", [(0.001, False), (5.0, True)])
def test_a_clock_ends_the_learning(seconds: float, fewer: bool) -> None:
    def judge(proposal: Proposal) -> Trial:
        trial = judged(proposal)
        return Trial(proposal, trial.score, seconds=20.0 if proposal.fidelity.stage != "shared" else seconds)

    strategy = Rewriter(space(), fidelity=FULL, timed=True, episodes=80)
    game = Game(strategy, judge).play(2000)
    assert (strategy.begun < 40) == fewer
    assert len(finals(game)) >= 2


def test_a_network_of_which_nothing_can_be_rewritten() -> None:
    plain = Candidate(Network(Words(), Body((Layer(Skip(), Skip()),), 32), Mean(), Mlp(layers=0)))
    game = Game(Rewriter(plain, fidelity=FULL), lambda proposal: Trial(proposal, 0.5)).play(20)
    assert [p.candidate for p in game.proposals] == [plain]


def test_a_ban_is_kept() -> None:
    strategy = Rewriter(space(), fidelity=FULL, episodes=20)
    strategy.ban("/architecture/body/layers/1/mixer/skip")
    for proposal in Game(strategy, judged).play(500).proposals:
        if proposal.fidelity.stage != "supernet":
            assert proposal.candidate.architecture.body.layers[1].mixer != Skip()

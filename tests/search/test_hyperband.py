"""Hyperband's brackets are the published ones, and candidates climb them as they should."""

from collections import Counter
from itertools import pairwise

import pytest

from seqwright.arch.codec import identity
from seqwright.arch.spaces import named
from seqwright.search.evolution import Evolution
from seqwright.search.halving import ladder
from seqwright.search.hyperband import AsyncHyperband, Hyperband, brackets
from seqwright.search.random_search import RandomSearch
from seqwright.search.strategy import Strategy
from seqwright.study.record import Proposal, Trial
from seqwright.testing.strategy import Game, check_strategy, score, scored

TEXT = named("text")


def starts(trials: list[Trial]) -> list[int]:
    return [t.proposal.fidelity.examples for t in trials if t.proposal.start == "scratch"]


def test_brackets_are_those_of_algorithm_1() -> None:
    assert brackets(5, eta=3) == (81, 34, 15, 8, 5)
    assert brackets(3, eta=3) == (9, 5, 3)
    assert brackets(4, eta=4) == (64, 22, 8, 4)  # not 64, 21.3, 8, 4: the fraction is rounded up
    assert brackets(1) == (1,)


def test_one_round_trains_what_algorithm_1_trains() -> None:
    """R = 81, eta = 3: n_i = floor(n / eta**i) in every bracket, whatever the order."""
    whole = Game(Hyperband(RandomSearch(TEXT), ladder(81, 5))).play(143 + 63)
    trained = Counter[int]()
    for s, n in zip(reversed(range(5)), brackets(5), strict=True):
        for i in range(s + 1):
            trained[3 ** (4 - s + i)] += n // 3**i
    assert sum(trained.values()) == 143 + 63
    assert Counter(p.fidelity.examples for p in whole.proposals) == trained
    assert starts(whole.told) == [1] * 81 + [3] * 34 + [9] * 15 + [27] * 8 + [81] * 5


def test_the_best_of_each_bracket_are_promoted_and_brackets_do_not_mix() -> None:
    game = Game(Hyperband(RandomSearch(TEXT), ladder(9))).play(13 + 6 + 3)
    first, second = game.told[:13], game.told[13:19]
    for bracket, widths in ((first, (9, 3, 1)), (second, (5, 1))):
        at = 0
        for width, fewer in pairwise(widths):
            rung, higher = bracket[at : at + width], bracket[at + width : at + width + fewer]
            best = sorted(rung, key=lambda t: -t.score)[:fewer]
            assert [t.proposal.candidate for t in higher] == [t.proposal.candidate for t in best]
            assert all(t.proposal.start == "checkpoint" for t in higher)
            at += width
    assert starts(game.told) == [1] * 9 + [3] * 5 + [9] * 3


def test_the_next_bracket_begins_while_one_waits() -> None:
    schedule = Hyperband(RandomSearch(TEXT), ladder(9))
    asked = schedule.ask(20)
    assert [p.fidelity.examples for p in asked] == [1] * 9 + [3] * 5 + [9] * 3 + [1] * 3
    schedule.tell([scored(p) for p in asked[:9]])
    assert [p.fidelity.examples for p in schedule.ask(4)] == [3, 3, 3, 1]


def test_the_strategy_hears_of_every_rung() -> None:
    class Listener(RandomSearch):
        heard: list[Trial] = []  # noqa: RUF012

        def tell(self, trials: object) -> None:
            self.heard.extend(trials)  # type: ignore[arg-type]

    listener = Listener(TEXT)
    game = Game(Hyperband(listener, ladder(9))).play(30)
    assert listener.heard == game.told


def test_the_asynchronous_form_promotes_at_once_and_shares_candidates_alike() -> None:
    schedule = AsyncHyperband(RandomSearch(TEXT), ladder(9))
    game = Game(schedule).play(4)
    assert [p.fidelity.examples for p in game.proposals] == [1, 1, 1, 3]  # a third of three may go up: no waiting
    best = max(game.told[:3], key=lambda t: t.score)
    assert game.proposals[3].candidate == best.proposal.candidate
    game.play(100)
    begun = Counter(starts(game.told))
    assert begun[1] > begun[3] > begun[9] > 0
    cycle = sum(begun.values()) // 17
    assert cycle >= 2 and begun[9] >= 3 * cycle and begun[3] >= 5 * cycle and begun[1] >= 9 * cycle
    climbed = Counter((identity(p.candidate), p.fidelity) for p in game.proposals)
    assert set(climbed.values()) == {1}  # nobody is trained twice at one rung


@pytest.mark.parametrize("make", [Hyperband, AsyncHyperband])
@pytest.mark.parametrize("inner", [RandomSearch, Evolution])
def test_both_forms_keep_the_promises_of_a_strategy(make: type, inner: type) -> None:
    def factory() -> Strategy:
        return make(inner(TEXT, seed=3), ladder(9))

    check_strategy(factory, TEXT, trials=45)


def test_a_failed_candidate_is_never_promoted() -> None:
    def judge(proposal: Proposal) -> Trial:
        bad = score(proposal.candidate) > 0.7  # the very best fail
        return Trial(proposal, float("-inf"), error="diverged") if bad else scored(proposal)

    for make in (Hyperband, AsyncHyperband):
        game = Game(make(RandomSearch(TEXT), ladder(9)), judge).play(60)
        failed = {identity(t.proposal.candidate) for t in game.told if t.failed}
        assert failed
        assert not any(p.start == "checkpoint" and identity(p.candidate) in failed for p in game.proposals)

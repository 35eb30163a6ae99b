"""Differential evolution keeps the better of child and target, and finds better candidates than chance."""

from synthetic import Landscape

from seqwright.arch.codec import identity
from seqwright.arch.spaces import named
from seqwright.search.differential import Differential
from seqwright.search.halving import ladder
from seqwright.search.hyperband import Hyperband
from seqwright.search.random_search import RandomSearch
from seqwright.testing.strategy import Game, check_strategy

TINY, TEXT = named("tiny"), named("text")


def test_it_keeps_the_promises_of_a_strategy() -> None:
    check_strategy(lambda: Differential(TEXT, seed=1, population=6), TEXT, trials=24)
    check_strategy(lambda: Hyperband(Differential(TINY, population=5), ladder(9)), TINY, trials=30)


def test_a_child_takes_its_targets_place_only_when_it_is_better() -> None:
    strategy = Differential(TEXT, population=8)
    landscape = Landscape(TEXT)
    game = Game(strategy, landscape.trial)
    for _ in range(60):
        (alive,) = list(strategy.members.values()) or [{}]
        before = {name: trial.score for name, trial in alive.items()}
        game.play(len(game.told) + 1)
        (alive,) = strategy.members.values()
        trial = game.told[-1]
        if len(before) == 8:
            name, target = identity(trial.proposal.candidate), trial.proposal.parent
            rival = target if target in before else min(before, key=before.__getitem__)
            assert (name in alive) == (not trial.failed and trial.score > before[rival])
            assert (rival in alive) != (name in alive)


def test_it_is_better_than_chance() -> None:
    landscape = Landscape(TEXT)

    def best(strategy: RandomSearch) -> float:
        return max(t.score for t in Game(strategy, landscape.trial).play(150).told if not t.failed)

    wins = sum(best(Differential(TEXT, seed=s)) > best(RandomSearch(TEXT, seed=s)) for s in range(4))
    assert wins >= 3

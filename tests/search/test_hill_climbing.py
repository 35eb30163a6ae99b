"""Hill climbing keeps a strategy's promises, climbs from the best, and names moves that morphisms can keep."""

from collections import Counter
from random import Random

import pytest
from synthetic import Landscape

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.arch.spaces import named
from seqwright.search.hill_climbing import HillClimbing, grown, grows
from seqwright.space.fill import why_not
from seqwright.space.moves import Move, sample
from seqwright.study.record import Trial
from seqwright.testing.strategy import Game, check_strategy

TEXT = named("text")


def play(strategy: HillClimbing, trials: int, n: int = 1) -> Game:
    return Game(strategy, Landscape(TEXT).trial).play(trials, n)


def test_it_keeps_its_promises() -> None:
    check_strategy(lambda: HillClimbing(named("tiny"), seed=1, begin=3, neighbours=2), named("tiny"), 24)
    check_strategy(lambda: HillClimbing(TEXT, seed=2), TEXT, 24)


def test_parents_are_the_best_that_have_not_had_their_children() -> None:
    game = play(HillClimbing(TEXT, begin=6, neighbours=3), 60)
    told: dict[str, Trial] = {}
    children = Counter[str]()
    for proposal, trial in zip(game.proposals, game.told, strict=True):
        if proposal.parent is not None:
            able = [name for name, t in told.items() if children[name] < 3]
            assert told[proposal.parent].score == max(told[name].score for name in able)
            assert proposal.start == "parent" and proposal.move is not None
            children[proposal.parent] += 1
        if not trial.failed:
            told[identity(trial.proposal.candidate)] = trial
    assert len(children) > 10 and max(children.values()) == 3


def test_it_climbs_higher_than_chance() -> None:
    def best(growing: HillClimbing) -> float:
        return max(t.score for t in play(growing, 80, 2).told if not t.failed)

    assert sum(best(HillClimbing(TEXT, seed=s)) > best(HillClimbing(TEXT, seed=s, begin=80)) for s in range(4)) >= 3


@pytest.mark.parametrize(
    ("move", "so"),
    [
        (Move("raise", "/architecture/body/layers/0/mixer/lstm/hidden", "64", "128"), True),
        (Move("lower", "/architecture/body/layers/0/mixer/lstm/hidden", "64", "32"), False),
        (Move("raise", "/architecture/body/layers/0/mixer/conv/dilation", "1", "2"), False),
        (Move("replace", "/architecture/body/layers/0/mixer", "skip", "lstm"), True),
        (Move("replace", "/architecture/body/layers/0/mixer", "gru", "lstm"), False),
        (Move("lower", "/recipe/learning_rate", "0.01", "0.001"), False),
    ],
)
def test_moves_that_grow(move: Move, so: bool) -> None:
    assert grows(move) is so


def test_growing_moves_stay_in_the_space_and_are_of_every_kind() -> None:
    rng, seen = Random(0), Counter[str]()
    for _ in range(1500):
        parent: Candidate = sample(TEXT, rng)
        child, move = grown(TEXT, parent, rng, None)
        assert why_not(TEXT, child) is None
        seen[move.name if move.name != "replace" else move.path.rpartition("/")[2]] += 1
    assert {"insert", "duplicate", "raise", "bidirectional", "depthwise", "mixer", "channel", "readout"} <= seen.keys()

"""The contract of a strategy: what every one must do, whatever it believes about scores."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.arch.supernet import Supernet
from seqwright.search.strategy import Strategy
from seqwright.space.fill import why_not
from seqwright.space.nodes import Space
from seqwright.study.record import Proposal, Trial

Factory = Callable[[], Strategy]


def check_strategy(factory: Factory, space: Space, trials: int = 60) -> None:
    """Assert that `factory()` makes a fresh strategy over `space` that keeps its promises, over so many trials each.

    Raises:
        AssertionError: the first promise that is broken.
    """
    for promise in PROMISES:
        promise(factory, space, trials)


def score(candidate: Candidate) -> float:
    """A landscape that is arbitrary but always the same, in [0, 1)."""
    return int(identity(candidate), 16) / 16**12


def scored(proposal: Proposal) -> Trial:
    return Trial(proposal, score(proposal.candidate), seconds=1.0)


def failed(proposal: Proposal) -> Trial:
    return Trial(proposal, -math.inf, error="killed by signal 9")


@dataclass
class Game:
    """A search without evaluation: what was asked and told, in order."""

    strategy: Strategy
    judge: Callable[[Proposal], Trial] = scored
    proposals: list[Proposal] = field(default_factory=list[Proposal])
    told: list[Trial] = field(default_factory=list[Trial])

    def play(self, trials: int, n: int = 1) -> "Game":
        """Ask `n` ahead, and tell in order, until so many trials are told or nothing is left to try."""
        while len(self.told) < trials:
            self.ask(n - (len(self.proposals) - len(self.told)))
            if len(self.told) == len(self.proposals):
                break
            self.tell(self.judge(self.proposals[len(self.told)]))
        return self

    def ask(self, n: int) -> None:
        asked = self.strategy.ask(n)
        assert len(asked) <= n, f"asked for {n} proposals, got {len(asked)}"
        self.proposals += [replace(p, number=len(self.proposals) + i) for i, p in enumerate(asked)]

    def tell(self, trial: Trial) -> None:
        self.told.append(trial)
        self.strategy.tell([trial])


def begins_with_nothing_told(factory: Factory, space: Space, trials: int) -> None:
    strategy = factory()
    assert isinstance(strategy, Strategy), "a strategy has ask(n) and tell(trials)"
    assert strategy.ask(0) == [], "asked for none, some came"
    strategy.tell([])
    assert len(strategy.ask(1)) == 1, "nothing to propose at the start"


def stays_in_the_space(factory: Factory, space: Space, trials: int) -> None:
    for proposal in Game(factory()).play(trials).proposals:
        if proposal.fidelity.stage == "supernet":
            assert isinstance(proposal.candidate.architecture, Supernet), "a supernet's trial is given no space"
            continue
        reason = why_not(space, proposal.candidate)
        assert reason is None, f"proposal {proposal.number} ({proposal.why}) lies outside the space: {reason}"
        starts = ("scratch", "checkpoint", *(["parent", "supernet"] if proposal.parent else []))
        assert proposal.start in starts, f"proposal {proposal.number} starts from {proposal.start!r}"


def says_why(factory: Factory, space: Space, trials: int) -> None:
    for proposal in Game(factory()).play(trials).proposals:
        assert proposal.why, f"proposal {proposal.number} does not say why it was made"


def repeats_itself(factory: Factory, space: Space, trials: int) -> None:
    random_state, numpy_state = random.getstate(), np.random.get_state(legacy=False)
    first = Game(factory()).play(trials)
    assert random.getstate() == random_state, "it draws from Python's global random numbers"
    state = np.random.get_state(legacy=False)["state"]
    assert np.array_equal(state["key"], numpy_state["state"]["key"]) and state["pos"] == numpy_state["state"]["pos"], (
        "it draws from numpy's global random numbers"
    )
    random.random()
    np.random.random()
    assert Game(factory()).play(trials).proposals == first.proposals, "the same news, other proposals"


def resumes_by_replay(factory: Factory, space: Space, trials: int) -> None:
    """Stopped anywhere, with some proposals running, a fresh one that hears the same goes on the same."""
    straight = Game(factory()).play(trials, n=3)
    for stop in (1, trials // 3, trials - 1):
        resumed = Game(factory()).play(stop, n=3).play(trials, n=3)
        assert resumed.proposals == straight.proposals, f"stopped after {stop} trials, it went on otherwise"


def survives_failures(factory: Factory, space: Space, trials: int) -> None:
    some = Game(factory(), lambda p: failed(p) if p.number % 3 == 0 else scored(p)).play(trials)
    assert some.told, "no trial at all"
    every = Game(factory(), failed).play(trials)
    assert len(every.told) >= min(2, len(some.told)), "it gives up after the first failure"
    for proposal in some.proposals + every.proposals:
        inside = proposal.fidelity.stage == "supernet" or why_not(space, proposal.candidate) is None
        assert inside, "after a failure it leaves the space"


def survives_duplicates(factory: Factory, space: Space, trials: int) -> None:
    game = Game(factory())
    for _ in range(trials // 2):
        game.play(len(game.told) + 1)
        if game.told:
            game.strategy.tell(game.told[-1:])
            game.strategy.tell([game.told[0]])
    candidates = [p.candidate for p in game.proposals if p.fidelity.stage != "supernet"]
    assert all(why_not(space, candidate) is None for candidate in candidates)


def serves_many_at_a_time(factory: Factory, space: Space, trials: int) -> None:
    for n in (4, 16):
        game = Game(factory()).play(trials, n)
        assert game.told, f"asked for {n} at a time, it proposes nothing"
        assert len({p.number for p in game.proposals}) == len(game.proposals)


PROMISES: tuple[Callable[[Factory, Space, int], None], ...] = (
    begins_with_nothing_told,
    stays_in_the_space,
    says_why,
    repeats_itself,
    resumes_by_replay,
    survives_failures,
    survives_duplicates,
    serves_many_at_a_time,
)

"""The contract of a strategy: what every one must do, whatever it believes about scores.

For a strategy or schedule of your own, in a test::

    from seqwright.arch.spaces import named
    from seqwright.testing import check_strategy

    def test_it_keeps_the_contract():
        check_strategy(lambda: Mine(named("tiny"), seed=1), named("tiny"))

It is given no data and trains nothing: scores are made up, some proposals fail, and what is asserted is

- with nothing told it proposes something, and asked for none it proposes none;
- every proposal lies in the space, says why it was made, and starts from what a study can give it;
- no trial is asked for twice: the same candidate comes again at another fidelity only;
- the same (space, seed, told trials) give the same proposals, and no global generator is drawn from;
- asked again while it waits for news, it says nothing and goes on the same, for a resumed search does not repeat that;
- a fresh one that hears a stopped search again, through JSON as the study keeps it, goes on as if it had not stopped,
  and asking for nothing in between changes nothing;
- failed trials, all of them even, news told twice, scores that are all alike, huge or tiny, news in any order, several
  at once, and of trials that others made, are survived inside the space;
- it is asked for several at a time, and proposes different ones;
- if it has `ban(pattern)`, it proposes nothing new that the pattern matches.

A strategy that asks for a supernet (a proposal of the stage "supernet", see `arch.supernet`) is told made-up weights
and derived architectures, and may propose nothing until then.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random

import numpy as np

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.arch.supernet import Supernet
from seqwright.search.limits import Limits
from seqwright.search.strategy import Strategy
from seqwright.space.census import questions
from seqwright.space.fill import why_not
from seqwright.space.moves import sample
from seqwright.space.nodes import Space
from seqwright.study.record import Proposal, Trial
from seqwright.testing.game import Game as Game
from seqwright.testing.game import Judge, failed, score, scored

Factory = Callable[[], Strategy]
W = 3  # proposals under way at once, where it matters that they are several


def check_strategy(factory: Factory, space: Space, trials: int = 60) -> None:
    """Assert that `factory()` makes a fresh strategy over `space` that keeps its promises, over so many trials each.

    Raises:
        AssertionError: the first promise that is broken.
    """
    case = Case(factory, space, trials)
    for promise in PROMISES:
        promise(case)


@dataclass(frozen=True)
class Case:
    factory: Factory
    space: Space
    trials: int

    def game(self, judge: Judge = scored) -> Game:
        return Game(self.factory(), judge)

    @cached_property
    def straight(self) -> Game:
        """A search without any trouble, one proposal at a time."""
        return self.game().play(self.trials)

    @cached_property
    def several(self) -> Game:
        """The same with several under way."""
        return self.game().play(self.trials, W)

    def inside(self, proposals: Iterable[Proposal], when: str) -> None:
        for proposal in proposals:
            reason = why_not(self.space, _of(proposal))
            assert reason is None, (
                f"{when}, proposal {proposal.number} ({proposal.why}) lies outside the space: {reason}"
            )


def _of(proposal: Proposal) -> Candidate:
    """The candidate; of a supernet, one of those that it holds."""
    supernet = proposal.candidate.architecture
    if not isinstance(supernet, Supernet):
        return proposal.candidate
    drawn = sample(supernet.space, Random(0))
    return drawn if isinstance(drawn, Candidate) else replace(proposal.candidate, architecture=drawn)


def begins_with_nothing_told(case: Case) -> None:
    strategy = case.factory()
    assert isinstance(strategy, Strategy), "a strategy has ask(n) and tell(trials)"
    assert strategy.ask(0) == [], "asked for none, some came"
    strategy.tell([])
    assert len(strategy.ask(1)) == 1, "nothing to propose at the start"


def stays_in_the_space(case: Case) -> None:
    case.inside(case.straight.proposals, "without any trouble")
    for proposal in case.straight.proposals:
        starts = ("scratch", "checkpoint", *(["parent", "supernet"] if proposal.parent else []))
        assert proposal.start in starts, f"proposal {proposal.number} starts from {proposal.start!r}"
        carries = isinstance(proposal.candidate.architecture, Supernet)
        assert carries == (proposal.fidelity.stage == "supernet"), (
            "a space is proposed at the stage supernet, and only there"
        )


def says_why(case: Case) -> None:
    for proposal in case.straight.proposals:
        assert proposal.why, f"proposal {proposal.number} does not say why it was made"


def asks_for_no_trial_twice(case: Case) -> None:
    for game in (case.straight, case.several):
        known: dict[object, int] = {}
        for proposal in game.proposals:
            trial = identity(proposal.candidate), proposal.fidelity, proposal.seed
            assert trial not in known, f"proposal {proposal.number} is the same trial as number {known[trial]}"
            known[trial] = proposal.number


def repeats_itself(case: Case) -> None:
    random_state, numpy_state = random.getstate(), np.random.get_state(legacy=False)
    first = case.straight
    assert random.getstate() == random_state, "it draws from Python's global random numbers"
    state = np.random.get_state(legacy=False)["state"]
    assert np.array_equal(state["key"], numpy_state["state"]["key"]) and state["pos"] == numpy_state["state"]["pos"], (
        "it draws from numpy's global random numbers"
    )
    random.random()
    np.random.random()
    assert case.game().play(case.trials).proposals == first.proposals, "the same news, other proposals"


def resumes_by_replay(case: Case) -> None:
    """Stopped anywhere, with some proposals running, a fresh one that hears the same goes on the same."""
    straight = case.several
    for stop in sorted({1, len(straight.proposals) // 2, len(straight.proposals)}):
        resumed = straight.replayed(case.factory(), stop)
        resumed.ask(0)
        resumed.strategy.tell([])
        resumed.play(len(straight.told), W)
        assert resumed.proposals == straight.proposals, f"stopped after {stop} proposals, it went on otherwise"


def asking_in_vain_changes_nothing(case: Case) -> None:
    game = case.game()
    while len(game.told) < case.trials:
        under_way = len(game.proposals) - len(game.told)
        game.ask(W - under_way)
        if (known := len(game.proposals)) < W + len(game.told):
            for _ in range(W):
                game.ask(1)
            assert len(game.proposals) == known, "asked again without any news, it has something to propose after all"
        if len(game.told) == known:
            break
        game.tell(scored(game.proposals[len(game.told)]))
    assert game.proposals == case.several.proposals, "asked more often than it could answer, it goes on otherwise"


def survives_failures(case: Case) -> None:
    some = case.game(judge=lambda p: failed(p) if p.number % 3 == 0 else scored(p)).play(case.trials)
    assert some.told, "no trial at all"
    every = case.game(judge=failed).play(case.trials)
    assert len(every.told) >= min(2, len(some.told)), "it gives up after the first failure"
    case.inside(some.proposals + every.proposals, "after a failure")


def survives_duplicates(case: Case) -> None:
    game = case.game()
    for _ in range(case.trials // 2):
        game.play(len(game.told) + 1)
        if game.told:
            game.strategy.tell(game.told[-1:])
            game.strategy.tell([game.told[0]])
    case.inside(game.proposals, "told twice")


def survives_any_score(case: Case) -> None:
    for size in (0.0, 1e30, 1e-30):

        def judge(proposal: Proposal, size: float = size) -> Trial:
            return replace(scored(proposal), score=size * (score(proposal.candidate) - 0.5))

        game = case.game(judge)
        case.inside(game.play(max(1, case.trials // 2)).proposals, f"with scores of about {size:g}")


def serves_many_at_a_time(case: Case) -> None:
    for n in (4, 16):
        game = case.game().play(case.trials, n)
        assert game.told, f"asked for {n} at a time, it proposes nothing"
        case.inside(game.proposals, f"asked for {n} at a time")


def hears_in_any_order(case: Case) -> None:
    """The youngest trial first, then the rest together; the same order gives the same proposals."""

    def play() -> Game:
        game = case.game()
        while len(game.told) < case.trials:
            game.ask(4)
            waiting = [scored(proposal) for proposal in game.proposals[len(game.told) :]]
            if not waiting:
                break
            game.tell(waiting.pop())
            game.tell(*waiting)
        return game

    first = play()
    case.inside(first.proposals, "told the youngest first")
    assert play().proposals == first.proposals, "the same news in the same order, other proposals"


def hears_of_others(case: Case) -> None:
    """Trials that it did not propose, as of a study that others searched before."""
    rng, game = Random(5), case.game()
    fidelity = case.straight.proposals[0].fidelity
    if fidelity.alone:
        others = [Proposal(sample(case.space, rng), fidelity, "of another search", number=n) for n in range(5)]
        game.strategy.tell([scored(proposal) for proposal in others])
    case.inside(game.play(max(1, case.trials // 2)).proposals, "told of trials that others made")


def obeys_a_ban(case: Case) -> None:
    """Of the first question that has several answers, the one that the first proposal gave."""
    game = case.game()
    ban = getattr(game.strategy, "ban", None)
    first = _of(case.straight.proposals[0])
    for path, question in questions(case.space).items():
        for label in question.labels() if len(question.options) > 1 else ():
            pattern = f"{path}/{label}".replace("[", "[[]")
            banned = Limits(case.space, ban=(pattern,))
            if ban is None or banned(first) is None:
                continue
            game.play(max(1, case.trials // 4))
            before = len(game.proposals)
            ban(pattern)
            for proposal in game.play(max(2, case.trials // 2)).proposals[before:]:
                new = proposal.start != "checkpoint" and proposal.fidelity.stage != "supernet"
                assert not new or banned(proposal.candidate) is None, (
                    f"{pattern} is banned, and proposal {proposal.number} ({proposal.why}) has it"
                )
            return


PROMISES: tuple[Callable[[Case], None], ...] = (
    begins_with_nothing_told,
    repeats_itself,
    stays_in_the_space,
    says_why,
    asks_for_no_trial_twice,
    resumes_by_replay,
    asking_in_vain_changes_nothing,
    survives_failures,
    survives_duplicates,
    survives_any_score,
    serves_many_at_a_time,
    hears_in_any_order,
    hears_of_others,
    obeys_a_ban,
)

"""The controller draws what it learnt to like, is itself again after a replay, and loads torch for nobody else."""

import subprocess
import sys
from random import Random

import pytest
import torch
from synthetic import Landscape

from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import named
from seqwright.search.halving import Asha, ladder
from seqwright.search.learned.controller import Controller, Learning, pace
from seqwright.search.learned.policy import Policy
from seqwright.space.census import questions
from seqwright.space.expert import expert
from seqwright.space.fill import answers
from seqwright.space.nodes import Choice, Record, Stack, vary
from seqwright.study.record import Proposal, Trial
from seqwright.testing.strategy import Game, check_strategy, scored

TINY, TEXT = named("tiny"), named("text")


@pytest.mark.parametrize("learning", ["ppo", "reinforce"])
def test_it_keeps_the_promises_of_a_strategy(learning: Learning) -> None:
    check_strategy(lambda: Controller(TINY, learning=learning, minibatch=4), TINY, trials=20)


def test_it_keeps_them_inside_a_schedule_and_after_a_portfolio() -> None:
    def make() -> Asha:
        return Asha(Controller(TEXT, portfolio=portfolio("text"), minibatch=4), ladder(9), inform="all")

    check_strategy(make, TEXT, trials=16)


def test_a_space_of_one_is_proposed_once() -> None:
    single = vary(Candidate, architecture="nothing", recipe=Recipe())
    game = Game(Controller(single)).play(5)
    assert len(game.told) == 1


def test_global_random_numbers_are_left_alone() -> None:
    state = torch.random.get_rng_state()
    Game(Controller(TINY, minibatch=2)).play(6)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_what_is_drawn_is_as_likely_as_it_says() -> None:
    """Drawing step by step and judging whole sequences are the same distribution."""
    space = Record(Candidate, (("architecture", Stack(Choice(("a", "b", "c")), 0, 2)), ("recipe", Recipe())))
    policy = Policy(space, seed=3)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.mul_(8)  # far from even
    rng, count = Random(0), 3000
    seen: dict[tuple[tuple[str, int], ...], int] = {}
    for _ in range(count):
        key = tuple(answers(space, policy.draw(rng)).items())
        seen[key] = seen.get(key, 0) + 1
    logs, entropy, counts = policy.judge([dict(key) for key in seen])
    shares = logs.sum(1).exp()
    assert 0.9 < float(shares.detach().sum()) <= 1 + 1e-9
    for share, times in zip(shares.detach().tolist(), seen.values(), strict=True):
        assert times / count == pytest.approx(share, abs=0.04)
    assert (entropy[counts] > 0).all() and (logs[~counts] == 0).all()


def test_questions_that_recur_share_their_softmax() -> None:
    policy = Policy(TEXT)
    mixers = [place for path, place in policy.places.items() if path.endswith("/mixer")]
    assert len(mixers) > 1 and len({policy.kinds[place] for place in mixers}) == 1


def test_it_begins_with_the_prior() -> None:
    prior = expert(TEXT, ["/architecture=sequence:1e9", "/body/layers/*/mixer=lstm:1e9"])
    policy, asked = Policy(TEXT, prior), questions(TEXT)
    drawn = [answers(TEXT, policy.draw(Random(seed))) for seed in range(20)]
    mixers = {asked[p].labels()[i] for each in drawn for p, i in each.items() if p.endswith("/mixer")}
    assert mixers == {"lstm"}


@pytest.mark.parametrize("learning", ["ppo", "reinforce"])
def test_it_learns_to_draw_what_scores(learning: Learning) -> None:
    landscape = Landscape(TEXT)
    strategy = Controller(TEXT, learning=learning, **pace(160, learning))
    game = Game(strategy, landscape.trial).play(160)
    scores = [landscape.score(p) for p in game.proposals]
    assert sum(scores[-40:]) / 40 > sum(scores[:40]) / 40 + 0.04
    assert strategy.lessons == (16 if learning == "ppo" else 160)


def test_scores_of_any_size_teach_alike() -> None:
    """A log-likelihood of thousands must not drown the lesson of an accuracy."""

    def thousandfold(proposal: Proposal) -> Trial:
        return Trial(proposal, 4096 * scored(proposal).score - 8192)

    plain = Game(Controller(TINY, minibatch=5)).play(40)
    large = Game(Controller(TINY, minibatch=5), thousandfold).play(40)
    assert [p.candidate for p in plain.proposals] == [p.candidate for p in large.proposals]


def test_torch_is_loaded_only_when_it_is_asked_for() -> None:
    code = (
        "import sys; from seqwright.deliver import strategies; from seqwright.arch.spaces import named\n"
        "from seqwright.study.record import Fidelity\n"
        "assert 'torch' not in sys.modules\n"
        "for name in ('evolution', 'local', 'controller'):\n"
        "    made = strategies.strategy_named(name, 'none', named('tiny'), (Fidelity(1),), 100)\n"
        "    assert ('torch' in sys.modules) == (name == 'controller'), name\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})

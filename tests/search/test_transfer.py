"""Neural Architecture Transfer: the course of its rounds, what it predicts, and what it does without a supernet."""

import math
from dataclasses import replace
from random import Random

import pytest

from seqwright.arch.codec import identity
from seqwright.arch.spaces import named
from seqwright.arch.supernet import Paths, Supernet
from seqwright.deliver.sharing import shareable
from seqwright.search.agreement import kendall
from seqwright.search.pareto import fronts, hypervolume, points
from seqwright.search.transfer import FRONT, SEARCHES, Predicted, Transfer, likely
from seqwright.space.census import questions, size
from seqwright.space.encode import encode, names
from seqwright.space.moves import sample
from seqwright.space.narrow import fix
from seqwright.study.record import Fidelity, Proposal, Trial
from seqwright.testing.strategy import Game, check_strategy

SPACE, FULL = shareable(named("darts-recurrent")), Fidelity(900)
COSTS = ("parameters", "flops")


WORTH = [Random(7 + place).gauss(0, 1) for place in range(len(names(SPACE)))]


def judged(proposal: Proposal) -> Trial:
    """An additive landscape, in which activations cost something."""
    if isinstance(proposal.candidate.architecture, Supernet):
        return Trial(proposal, 0.1, seconds=9.0)
    score = sum(w * v for w, v in zip(WORTH, encode(SPACE, proposal.candidate), strict=True))
    (layer,) = proposal.candidate.architecture.body.layers
    size = 1e4 * 2 ** sum(node.function != "identity" for node in layer.mixer.nodes)
    return Trial(proposal, score, costs={"parameters": size, "flops": 3 * size}, seconds=1.0)


def test_it_keeps_the_contract() -> None:
    tiny = named("tiny")
    check_strategy(lambda: Transfer(tiny, fidelity=FULL, begin=6, inner=20), tiny, trials=24)


def test_the_course_of_a_search() -> None:
    game = Game(Transfer(SPACE, fidelity=FULL, begin=10, inner=40, objectives=COSTS), judged).play(90, n=3)
    supernets = [p for p in game.proposals if p.fidelity.stage == "supernet"]
    assert len(supernets) >= 2 and supernets[0].start == "scratch"
    first, second = (p.candidate.architecture.training for p in supernets[:2])
    assert isinstance(first, Paths) and first.rule == "sandwich" and not first.weights
    assert second.rule == "uniform" and second.weights
    assert supernets[1].start == "supernet" and supernets[1].parent == identity(supernets[0].candidate)
    latest = ""
    for proposal in game.proposals:
        if proposal.fidelity.stage == "supernet":
            latest = identity(proposal.candidate)
        elif proposal.fidelity.stage == "shared":
            assert proposal.parent == latest, "scored on the latest weights"
    alone = [t for t in game.told if t.proposal.fidelity == FULL]
    scored = [
        t for t in game.told if t.proposal.fidelity.stage == "shared" and t.proposal.number < alone[0].proposal.number
    ]
    assert len(scored) == 10, "so that the search may end early, the first draws' best train alone before all else"
    more = [p for p in game.proposals if p.fidelity.stage == "shared" and p.number < supernets[1].number]
    assert len(more) >= 10 + SEARCHES
    standing = fronts(points(scored, COSTS)) == 0
    front = {identity(t.proposal.candidate) for t, on in zip(scored, standing, strict=True) if on}
    assert identity(alone[0].proposal.candidate) in front


def test_it_finds_a_better_front_than_chance() -> None:
    volumes: dict[str, float] = {"ours": 0.0, "chance": 0.0}
    for seed in range(2):
        game = Game(Transfer(SPACE, fidelity=FULL, seed=seed, begin=16, objectives=COSTS), judged).play(70)
        ours = [t for t in game.told if t.proposal.fidelity.stage == "shared"]
        rng = Random(seed)
        chance = [judged(Proposal(sample(SPACE, rng))) for _ in range(len(ours))]
        both = points([*ours, *chance], COSTS[:1])
        worst = both.min(0)
        volumes["ours"] += hypervolume(both[: len(ours)], worst)
        volumes["chance"] += hypervolume(both[len(ours) :], worst)
    assert volumes["ours"] > 1.3 * volumes["chance"], volumes


def test_draws_of_an_adapting_supernet_are_those_of_the_front() -> None:
    drawn = (sample(SPACE, Random(seed)) for seed in range(100))
    alike = [c for c in drawn if c.architecture.body.layers[0].mixer.nodes[0].function == "relu"][:5]
    path = "/architecture/body/layers/0/mixer/nodes/0/function"
    question = questions(SPACE)[path]
    weights = likely(SPACE, alike).weights(path, question)
    expected = [0.85 if option == "relu" else 0.05 for option in question.options]
    assert len(alike) == 5 and weights == pytest.approx(expected)


def test_without_a_supernet_every_network_trains_alone() -> None:
    def judge(proposal: Proposal) -> Trial:
        if proposal.fidelity.stage == "supernet":
            return Trial(proposal, -math.inf, error="SpaceError: no weights can be shared")
        return judged(proposal)

    game = Game(Transfer(SPACE, fidelity=FULL, begin=6, inner=20), judge).play(30)
    assert {p.fidelity for p in game.proposals[1:]} == {FULL}
    assert any("predicted front" in p.why for p in game.proposals)


def test_a_space_that_is_used_up_ends_the_search_and_no_supernet_trains_twice() -> None:
    small = named("tiny")
    for path, value in (("layers#", 1), ("layers/*/mixer", "conv"), ("layers/*/channel", "skip"), ("width", 8)):
        small = fix(small, f"/architecture/body/{path}", value)
    game = Game(Transfer(small, fidelity=FULL, begin=4, inner=20)).play(100)
    scored_ones = [p for p in game.proposals if p.fidelity.stage == "shared"]
    alone = [p for p in game.proposals if p.fidelity == FULL]
    assert len(scored_ones) == size(small) and len(alone) == min(size(small), FRONT)
    supernets = [identity(p.candidate) for p in game.proposals if p.fidelity.stage == "supernet"]
    assert len(supernets) == len(set(supernets)) == len(game.proposals) - len(scored_ones) - len(alone)


def test_costs_below_one_are_predicted_too() -> None:
    known = [judged(Proposal(sample(SPACE, Random(seed)), number=seed)) for seed in range(40)]
    small = [replace(t, costs={"latency_ms": 1e-7 * t.costs["parameters"]}) for t in known]
    predict = Predicted(SPACE, small, ("latency_ms",), seed=0)
    found = predict([t.proposal for t in small])
    pairs = [(float(a.costs["latency_ms"]), b.costs["latency_ms"]) for a, b in zip(found, small, strict=True)]
    assert max(cost for _, cost in pairs) < 1 and kendall(pairs) > 0.7

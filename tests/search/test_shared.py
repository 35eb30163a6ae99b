"""A search on shared weights: supernet, inherited scores, some trained alone, and the way back where they mislead."""

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau

from seqwright.arch import codec
from seqwright.arch.spaces import named
from seqwright.arch.supernet import Supernet
from seqwright.deliver.options import Options
from seqwright.deliver.searching import prior_of
from seqwright.deliver.sharing import shareable, within
from seqwright.deliver.strategies import strategy_named
from seqwright.errors import InputError
from seqwright.search.agreement import Agreement, kendall
from seqwright.search.evolution import Evolution
from seqwright.search.halving import ladder
from seqwright.search.shared import Shared
from seqwright.search.verdict import verdict
from seqwright.space.census import questions
from seqwright.space.narrow import fix
from seqwright.space.pattern import labels
from seqwright.study.record import CUT_SHORT, Proposal, Trial
from seqwright.testing.strategy import Game, check_strategy, failed, score, scored

SPACE, RUNGS = named("text"), ladder(900)


def searching(strategy: str = "evolution", expected: int | None = 96, **more: Any) -> Shared:
    made = strategy_named(strategy, "", SPACE, RUNGS, expected, seed=1, evaluate="sandwich", **more)
    assert isinstance(made, Shared)
    return made


def stages(game: Game) -> list[str]:
    return [p.fidelity.stage for p in game.proposals]


def misled(proposal: Proposal) -> Trial:
    """Inherited scores say nothing of those of their own."""
    if proposal.fidelity.stage == "shared":
        return Trial(proposal, Random(codec.identity(proposal.candidate)).random())
    return scored(proposal)


def without_supernet(proposal: Proposal) -> Trial:
    return failed(proposal) if proposal.fidelity.stage == "supernet" else scored(proposal)


def test_kendall_is_scipys() -> None:
    rng = np.random.default_rng(0)
    for n in (2, 5, 30):
        pairs = rng.integers(0, 6, (n, 2)).tolist()
        expected = kendalltau(*np.transpose(pairs)).statistic
        assert kendall(pairs) == pytest.approx(0.0 if np.isnan(expected) else expected)
    assert kendall([]) == kendall([(1, 1), (1, 2)]) == 0.0


@pytest.mark.parametrize("strategy", ["evolution", "random", "differential", "auto"])
def test_it_keeps_the_contract(strategy: str) -> None:
    tiny = named("tiny")
    check_strategy(
        lambda: strategy_named(strategy, "", tiny, ladder(900), 40, seed=1, evaluate="shared"), tiny, trials=40
    )


def test_the_supernet_first_then_rounds_of_scores_of_which_some_train_alone() -> None:
    game = Game(searching()).play(120)
    supernet, rest = game.proposals[0], game.proposals[1:]
    assert isinstance(supernet.candidate.architecture, Supernet) and supernet.fidelity.examples == 4 * 900
    assert stages(game)[1:] == (["shared"] * 32 + ["full"] * 8) * 2 + ["shared"] * 32 + ["full"] * 7
    recipes = {p.candidate.recipe for p in rest}
    assert recipes == {supernet.candidate.recipe}
    for proposal in rest:
        if proposal.fidelity.stage == "shared":
            assert proposal.start == "supernet" and proposal.parent == codec.identity(supernet.candidate)
        else:
            assert proposal.start == "scratch" and proposal.fidelity == RUNGS[-1]
    first = sorted((score(p.candidate) for p in rest[:32]), reverse=True)
    alone = [score(p.candidate) for p in rest[32:40]]
    assert alone[:5] == first[:5]  # the best, and of the others some from every part
    assert [first.index(one) for one in alone[5:]] == [13, 22, 31]
    assert len({codec.identity(p.candidate) for p in rest if p.fidelity.stage == "full"}) == 23  # nobody twice
    assert "place 1 of 32 by inherited score" in rest[32].why
    assert "Kendall's tau 1.00 over 8 pairs" in rest[72].why


def test_scores_that_mislead_are_given_up() -> None:
    game = Game(searching(), misled).play(100)
    assert isinstance(game.strategy, Shared)
    trained = [p for p in game.proposals if p.fidelity == RUNGS[-1] and "inherited score" in p.why]
    tau = Agreement(game.told).tau
    if len(trained) == 8:
        assert tau < 0.25
    assert game.strategy.given_up.startswith("inherited scores order candidates badly (Kendall's tau")
    last = game.proposals[-1]
    assert last.fidelity in RUNGS and "; without the supernet, as inherited scores order candidates badly" in last.why
    assert len({p.candidate.recipe for p in game.proposals[60:]}) > 1  # the whole space again


def test_a_supernet_that_fails_is_done_without() -> None:
    game = Game(searching(), without_supernet).play(30)
    assert set(stages(game)[1:]) == {"full"}
    assert "without the supernet, as the supernet could not be trained: killed by signal 9" in game.proposals[-1].why


def test_the_report_says_what_shared_weights_did() -> None:
    assert verdict(Game(strategy_named("evolution", "", SPACE, RUNGS, 96)).play(5).told) == ""
    said = verdict(Game(searching()).play(30).told)
    assert said == "29 candidates scored on a supernet's weights, none compared yet with their own scores"
    assert "Kendall's tau" in verdict(Game(searching()).play(60).told)
    failed = verdict(Game(searching(), without_supernet).play(30).told)
    assert failed == "no supernet could be trained (killed by signal 9); then it went on without the supernet"


@pytest.mark.parametrize("strategy", ["spos", "darts", "transfer"])
def test_a_budget_too_short_for_a_supernet_is_said_and_what_to_do(strategy: str) -> None:
    game = Game(strategy_named(strategy, "", named("tiny"), RUNGS, 40, seed=1))
    game.ask(1)
    assert verdict([], game.proposals).startswith("the search ended before a supernet was trained, and nothing came of")
    game.tell(replace(scored(game.proposals[0]), notes=(CUT_SHORT,)))
    said = verdict(game.told)
    assert said.startswith("the search ended after a supernet was trained, and nothing came of it; the clock cut")
    assert said.endswith("choose a strategy that trains each network alone.")
    assert "nothing came" not in verdict(game.play(2).told)


@pytest.mark.parametrize("schedule", ["none", "asha"])
def test_nobody_trains_alone_twice(schedule: str) -> None:
    space = named("tiny")
    for path, value in (("layers#", 1), ("layers/*/mixer", "conv"), ("width", 8)):
        space = fix(space, f"/architecture/body/{path}", value)
    game = Game(strategy_named("spos", schedule, space, RUNGS, 24, seed=1)).play(28, n=3)
    full = [codec.identity(p.candidate) for p in game.proposals if p.fidelity == RUNGS[-1]]
    assert len(full) == len(set(full)) > 3


def test_after_giving_up_a_strategy_knows_what_trained_alone() -> None:
    strategy = searching()
    game = Game(strategy, misled)
    while not strategy.given_up:
        game.play(len(game.told) + 1)
    alone = strategy.alone.strategy  # type: ignore[attr-defined]
    trained = {codec.identity(t.proposal.candidate) for t in game.told if t.proposal.fidelity == RUNGS[-1]}
    assert isinstance(alone, Evolution) and alone.members.keys() == trained and len(trained) >= 8


def test_weights_that_score_nobody_are_given_up() -> None:
    def judge(proposal: Proposal) -> Trial:
        return failed(proposal) if proposal.fidelity.stage == "shared" else scored(proposal)

    game = Game(searching(), judge).play(50)
    assert stages(game) == ["supernet"] + ["shared"] * 32 + ["full"] * 17
    assert "as no network could be scored on its weights: killed by signal 9" in game.proposals[-1].why
    assert verdict(game.told).startswith("nothing was scored on a supernet's weights; then it went on")


def test_a_filter_chooses_what_is_scored_on_shared_weights() -> None:
    game = Game(searching(sieve=(2, lambda candidates: 1))).play(6)
    assert all("the most promising of 2 before training" in p.why for p in game.proposals[1:])


def test_free_slots_train_a_few_alone_while_the_supernet_does() -> None:
    strategy = searching()
    first = strategy.ask(20)
    assert [p.fidelity.stage for p in first] == ["supernet"] + ["full"] * 8
    assert all("while the supernet trains" in p.why for p in first[1:]) and strategy.ask(1) == []
    strategy.tell([scored(first[0])])
    assert [p.fidelity.stage for p in strategy.ask(3)] == ["shared"] * 3


def test_a_strategy_hears_inherited_scores_as_of_its_own_proposals() -> None:
    heard: list[Trial] = []
    strategy = searching("differential")
    tell = strategy.strategy.tell
    strategy.strategy.tell = lambda trials: (heard.extend(trials), tell(trials))  # type: ignore[method-assign]
    game = Game(strategy).play(60)
    shared = [t for t in game.told if t.proposal.fidelity.stage == "shared"]
    assert [t.score for t in heard] == [t.score for t in shared]
    supernet = codec.identity(game.proposals[0].candidate)
    assert all(t.proposal.parent != supernet for t in heard) and any(t.proposal.parent for t in heard)


def test_with_objectives_the_front_by_inherited_score_trains_alone() -> None:
    strategy = searching(objectives=("flops",))
    game = Game(strategy, lambda p: replace(scored(p), costs={"flops": 1 + 1000 * score(p.candidate) ** 2})).play(41)
    shared = [t for t in game.told if t.proposal.fidelity.stage == "shared"]
    alone = {codec.identity(p.candidate) for p in game.proposals if p.fidelity.stage == "full"}
    cheapest = min(shared, key=lambda t: t.costs["flops"])  # the worst by its score
    assert codec.identity(cheapest.proposal.candidate) in alone
    assert "by inherited score and costs" in game.proposals[33].why


def test_a_part_of_a_prior_is_no_belief_where_the_whole_is_none() -> None:
    part = shareable(SPACE)
    assert within(part, SPACE, prior_of(SPACE)).belief is None
    belief = within(part, SPACE, prior_of(SPACE, ("/layers/*/mixer=lstm:9",))).belief
    assert belief is not None and all(path.endswith("/mixer") for path in belief.as_data())


def test_what_is_shared_of_a_space_with_encoders() -> None:
    space = named("text-encoder")
    part = shareable(space)
    assert "headedencoder" in set(labels(space)) and "headedencoder" not in set(labels(part))
    prior = within(part, space, prior_of(space, ("/layers/*/mixer=lstm:1000",)))
    for path, question in questions(part).items():
        weights = prior.weights(path, question)  # as many as there are options now
        if path.endswith("/mixer") and weights:
            assert question.labels()[int(np.argmax(weights))] == "lstm"
    with pytest.raises(InputError, match=r"no network of this space can share weights \(headedencoder\)"):
        shareable(named("bert-head"))


def test_supernets_learn_what_an_expert_expects() -> None:
    wish = prior_of(SPACE, ("/architecture=sequence:1e6",))
    (supernet,) = searching(prior=wish).ask(1)
    weights = {path: dict(given) for path, given in supernet.candidate.architecture.training.weights}
    assert weights["/architecture"]["sequence"] > 1e5 * weights["/architecture"]["bag"]
    assert codec.loads(codec.dumps(supernet.candidate)) == supernet.candidate


def test_names_and_misuse() -> None:
    assert Options(strategy="spos").evaluate == "" and Options(evaluate="shared").strategy == "auto"
    rules = (("enas", "", "uniform"), ("local", "shared", "uniform"), ("spos", "sandwich", "sandwich"))
    for strategy, evaluate, rule in rules:
        (supernet,) = strategy_named(strategy, "", SPACE, RUNGS, 40, evaluate=evaluate).ask(1)
        assert supernet.candidate.architecture.training.rule == rule
    assert not isinstance(strategy_named("evolution", "", SPACE, RUNGS, 40), Shared)
    with pytest.raises(InputError, match="--strategy enas means --evaluate shared"):
        Options(strategy="enas", evaluate="full")
    with pytest.raises(InputError, match="--strategy darts trains a supernet of its own kind"):
        Options(strategy="darts", evaluate="shared")
    with pytest.raises(InputError, match=r'--evaluate "share" is not known\. Did you mean "shared"\?'):
        Options(evaluate="share")


def test_a_ban_reaches_both_searches() -> None:
    game = Game(searching()).play(10)
    game.strategy.ban("lstm")  # type: ignore[attr-defined]
    for proposal in game.play(60).proposals[11:]:
        assert "lstm" not in set(labels(proposal.candidate.architecture)) or proposal.fidelity.stage == "supernet"
    game.strategy.ban("/recipe/*")  # type: ignore[attr-defined]  # of which the shared part has no question

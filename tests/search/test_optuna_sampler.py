"""Bayesian optimisation keeps the promises of a strategy, says where each answer came from, and learns."""

import builtins
import importlib.util
import random
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from synthetic import Landscape

from seqwright.arch.codec import identity
from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import named
from seqwright.deliver.options import Options
from seqwright.deliver.strategies import SCHEDULES, STRATEGIES, schedule_of, strategy_named
from seqwright.errors import InputError
from seqwright.evaluate.nas_bench_201 import space as cells
from seqwright.search.halving import ladder
from seqwright.search.hyperband import Hyperband
from seqwright.search.limits import Limits
from seqwright.search.optuna_model import DIMENSIONS, Kind, OptunaModel
from seqwright.search.optuna_sampler import Bayesian
from seqwright.search.random_search import RandomSearch
from seqwright.search.strategy import Strategy
from seqwright.space.census import contains, questions, size
from seqwright.space.fill import answers
from seqwright.space.moves import sample
from seqwright.study.record import Fidelity, Proposal, Trial
from seqwright.testing.strategy import Game, check_strategy

TINY, TEXT = named("tiny"), named("text")
KINDS: list[Kind] = ["tpe", "gp"]


def played(strategy: Strategy, landscape: Landscape, trials: int) -> list[Trial]:
    return Game(strategy, landscape.trial).play(trials).told


def best(trials: list[Trial]) -> float:
    return max(t.score for t in trials if not t.failed)


@pytest.mark.parametrize(
    ("make", "space", "trials"),
    [
        (lambda: Bayesian(TEXT, seed=1, begin=6), TEXT, 25),
        (lambda: Bayesian(TINY, seed=1, begin=6, drawn=0.3), TINY, 25),
        (lambda: Bayesian(TINY, model="gp", seed=1, begin=4), TINY, 7),
        (lambda: Hyperband(Bayesian(TEXT, seed=2, begin=4), ladder(9)), TEXT, 25),
    ],
    ids=["tpe", "drawn", "gp", "bohb"],
)
def test_keeps_the_promises_of_a_strategy(make: Callable[[], Strategy], space: object, trials: int) -> None:
    check_strategy(make, space, trials)


@pytest.mark.parametrize("kind", KINDS)
def test_learns_better_than_random_search(kind: Kind) -> None:
    """A hundred trials against a hundred draws for the one, thirty for the other, which is slower and better."""
    for seed in range(1 if kind == "gp" else 2):
        landscape = Landscape(TEXT, seed)
        drawn = best(played(RandomSearch(TEXT, seed=seed), landscape, 100))
        assert best(played(Bayesian(TEXT, model=kind, seed=seed), landscape, 30 if kind == "gp" else 100)) > drawn


@pytest.mark.parametrize("kind", KINDS)
def test_draws_from_no_global_generator(kind: Kind) -> None:
    before = random.getstate(), np.random.get_state(legacy=False)["state"]["pos"], torch.random.get_rng_state()
    played(Bayesian(TEXT, model=kind, begin=5), Landscape(TEXT), 8)
    assert (random.getstate(), np.random.get_state(legacy=False)["state"]["pos"]) == before[:2]
    assert torch.equal(torch.random.get_rng_state(), before[2])


@pytest.mark.parametrize("kind", KINDS)
def test_a_proposal_depends_on_what_was_told_and_not_on_what_was_asked(kind: Kind) -> None:
    """A fresh strategy that is told the same trials in one go proposes what the old one proposes."""
    strategy = Bayesian(TEXT, model=kind, begin=5)
    game = Game(strategy, Landscape(TEXT).trial).play(12)
    other = Bayesian(TEXT, model=kind, begin=5)
    for proposal in game.proposals:
        other.fresh.takes(proposal.candidate)
    other.made = strategy.made
    other.tell(game.told)
    if kind == "tpe":  # a process chooses its dimensions as it goes
        assert other.ask(1) == strategy.ask(1)
    assert {f: m.count for f, m in other.models.items()} == {f: m.count for f, m in strategy.models.items()}


def test_says_what_each_proposal_rests_on() -> None:
    strategy = Bayesian(TEXT, begin=8, portfolio=portfolio("text"), drawn=0.3)
    whys = [t.proposal.why for t in played(strategy, Landscape(TEXT), 60)]
    n = len(portfolio("text"))
    assert all(why.startswith("portfolio: ") for why in whys[:n])
    assert any(why.startswith("TPE on ") for why in whys[n:])
    assert any("answers drawn, as no trial had them" in why for why in whys)
    assert any(why == "drawn at random, as a share of 0.30 is" for why in whys)
    modelled = sum(why.startswith(("TPE on ", "beside what the TPE")) for why in whys[n + 8 :])
    assert 0.4 * len(whys[n + 8 :]) < modelled < len(whys[n + 8 :])
    plain = [t.proposal.why for t in played(Bayesian(TEXT, begin=8), Landscape(TEXT), 60)]
    assert not any("random" in why for why in plain[12:]), "it fell back to random draws"


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_space_is_used_up_exactly(kind: Kind) -> None:
    space = cells().fields[0][1]  # only some edges are left open
    edges = tuple((name, part if name in ("edge_0_1", "edge_0_2") else part.options[0]) for name, part in space.fields)
    small = type(cells())(cells().cls, (("architecture", type(space)(space.cls, edges)), cells().fields[1]))
    assert size(small) == 25
    told = played(Bayesian(small, model=kind, begin=4), Landscape(small), 40)
    assert len({identity(t.proposal.candidate) for t in told}) == len(told) == 25


@pytest.mark.parametrize("kind", KINDS)
def test_running_trials_are_kept_away_from(kind: Kind) -> None:
    """With many asked at once and nothing told between, proposals still differ; and each is forgotten once it ends."""
    strategy = Bayesian(TEXT, model=kind, begin=6)
    played(strategy, Landscape(TEXT), 12)
    asked = strategy.ask(5)
    assert len({identity(p.candidate) for p in asked}) == 5 == len(strategy.running)
    strategy.tell([Trial(p, 0.1) for p in asked])
    assert strategy.running == {}
    assert strategy.ask(1)


def test_the_highest_fidelity_with_enough_trials_is_modelled() -> None:
    landscape, strategy = Landscape(TEXT), Bayesian(TEXT, begin=4)
    low, high = Fidelity(100), Fidelity(900)
    asked = strategy.ask(8)
    strategy.tell([landscape.trial(p.at(low)) for p in asked[:5]])
    strategy.tell([Trial(p.at(high, start="checkpoint"), 0.5) for p in asked[:3]])
    assert "100 examples" in strategy.ask(1)[0].why
    strategy.tell([Trial(asked[3].at(high), 0.1), Trial(asked[4].at(high), -1.0, error="diverged")])
    assert "on 4 trials of 900 examples" in strategy.ask(1)[0].why


def test_a_failure_counts_with_the_worst_score_and_is_avoided() -> None:
    """Everything with the first option of one question fails; the model stops asking for it."""
    space, path = cells(), "/architecture/edge_0_1"

    def judge(proposal: Proposal) -> Trial:
        found = answers(space, proposal.candidate)
        if found[path] < 3:
            return Trial(proposal, float("-inf"), error="out of memory")
        return Trial(proposal, sum(found.values()) / 24)

    told = Game(Bayesian(space, begin=5), judge).play(70).told
    early, late = [t.failed for t in told[:20]], [t.failed for t in told[-30:]]
    assert sum(late) / 30 < 0.5 < sum(early) / 20 + 0.15


def test_a_process_has_few_dimensions_and_those_that_are_asked_most() -> None:
    model = OptunaModel("gp", TEXT)
    trials = [sample(TEXT, random.Random(k)) for k in range(30)]
    for k, candidate in enumerate(trials):
        model.tell(str(k), answers(TEXT, candidate), k / 30)
    value = model.suggest({}, 0, None).value
    assert contains(TEXT, value)
    assert len(model._dimensions) == DIMENSIONS
    assert "/architecture" in model._dimensions and "/recipe/learning_rate" in model._dimensions
    assert all(len(questions(TEXT)[path].options) > 1 for path in model._dimensions)


def test_a_process_that_names_a_known_candidate_again_looks_elsewhere() -> None:
    """Its best point may differ only in answers that are not asked, so it is told that it is the same trial."""
    space = named("bert-head")
    whys = [t.proposal.why for t in played(Bayesian(space, model="gp", begin=5), Landscape(space), 18)][5:]
    assert sum("proposed again" in why for why in whys) < len(whys) / 3

    model = OptunaModel("gp", space)
    for k in range(12):
        candidate = sample(space, random.Random(k))
        model.tell(identity(candidate), answers(space, candidate), k / 12)
    first = model.suggest({}, 0, None)
    model.tell("the same", first.answers, 0.1)
    model.known("the same", first)
    assert model.suggest({}, 0, None).answers != first.answers
    model.known("never heard of", first)
    before = model.suggest({}, 1, None)
    assert before.value != first.value


def test_what_is_banned_or_not_admissible_is_not_proposed() -> None:
    strategy = Bayesian(TEXT, begin=5, admissible=Limits(TEXT, require=("attention",)))
    told = played(strategy, Landscape(TEXT), 25)
    assert len(told) == 25 and all("Attention(" in str(t.proposal.candidate) for t in told)
    strategy.ban("conv")
    assert all("Conv(" not in str(p.candidate) for p in strategy.ask(5))


def test_without_optuna_one_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "optuna" else find(name, *a))
    with pytest.raises(InputError, match=r"seqwright\[bohb\]"):
        Bayesian(TEXT)
    load = builtins.__import__

    def refuse(name: str, *rest: object, **more: object) -> object:
        if name == "optuna":
            raise ImportError("No module named 'optuna'")
        return load(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    from seqwright.search.optuna_space import optuna_or_say

    with pytest.raises(InputError, match=r"seqwright\[bohb\]"):
        optuna_or_say()


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_named_strategy_runs_under_every_schedule_it_may_have(name: str) -> None:
    for schedule in ["", *([] if STRATEGIES[name].only else SCHEDULES)]:
        strategy = strategy_named(name, schedule, TEXT, ladder(900), 30, seed=1, portfolio=portfolio("text"))
        assert len(Game(strategy, Landscape(TEXT).trial).play(14).told) == 14


def test_a_name_that_means_a_schedule_takes_no_other() -> None:
    assert schedule_of("bohb") == "hyperband" and schedule_of("tpe") == "asha" and schedule_of("gp", "none") == "none"
    assert schedule_of("bohb", "hyperband") == "hyperband"
    with pytest.raises(InputError, match="--strategy bohb means --schedule hyperband"):
        Options(strategy="bohb", schedule="asha")


def test_a_proposal_takes_little_time() -> None:
    """At 60 trials; a training takes seconds."""
    for kind, limit_s in (("tpe", 0.1), ("gp", 1.0)):
        strategy = Bayesian(TEXT, model=kind, begin=5)  # type: ignore[arg-type]
        landscape = Landscape(TEXT)
        strategy.tell([landscape.trial(Proposal(sample(TEXT, random.Random(k)))) for k in range(60)])
        strategy.ask(1)  # the first makes the study
        began = time.thread_time()
        strategy.ask(3)
        assert (time.thread_time() - began) / 3 < limit_s

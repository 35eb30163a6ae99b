"""The heads that the experiment compares: fixed ones, and searches with one another's questions of training.

Every search has the same learning rates to choose from (and, where the encoder is tuned, the same ones for it), so that
what one gains over another is the architecture's.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from benchmarks.bert_head_report import CONTROL, POOLED
from seqwright.arch.binding import bound, with_tuning
from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.encoders import ClsToken, Frozen, HeadedEncoder, Tuned
from seqwright.arch.network import Mean
from seqwright.arch.portfolio import portfolio
from seqwright.arch.published import ALL_TASKS, LINEAR, PUBLISHED_RECIPE, SMALL_SETS
from seqwright.arch.spaces import named, suited
from seqwright.deliver.encoder import named_for
from seqwright.deliver.strategies import strategy_named
from seqwright.evaluate.workbench import Workbench
from seqwright.search.fixed import Fixed
from seqwright.search.halving import ladder
from seqwright.search.strategy import Strategy
from seqwright.space.nodes import Choice, Space, vary
from seqwright.study.record import Proposal, Trial

RATES = tuple(float(f"{rate:.2e}") for rate in np.geomspace(3e-5, 1e-2, 50))  # as many as the full form has trials
ENCODER_RATES = (1e-5, 3e-5, 1e-4, 3e-4)
TUNING: dict[str, Space] = {
    "frozen": Frozen(),
    "tuned": vary(Tuned, share=1.0, learning_rate=Choice(ENCODER_RATES, ordered=True), decay=1.0),
}


@dataclass(frozen=True)
class Form:
    """How much of everything: the paper's protocol, or a small one of the same shape.

    Args:
        epochs, steps: the highest rung has so many epochs, and at least so many steps.
        folds: on which small sets are judged; 0 for as many as the protocol cuts.
        max_length: pieces of a text that are read; 0 for all that the encoder can.
    """

    name: str
    trials: int
    seeds: int
    rungs: int
    epochs: int
    steps: int
    folds: int = 0
    max_length: int = 0


QUICK = Form("quick", trials=6, seeds=2, rungs=2, epochs=3, steps=150, folds=1, max_length=32)
MEDIUM = Form("medium", trials=16, seeds=5, rungs=2, epochs=5, steps=200, folds=1, max_length=32)
FULL = Form("full", trials=50, seeds=5, rungs=3, epochs=9, steps=400)


@dataclass(frozen=True)
class Method:
    """One way to a head: a strategy over the space that `space` makes of a task's sides, or one candidate as it is."""

    name: str
    strategy: str = ""
    space: Callable[[], Any] | None = None
    candidate: Candidate | None = None
    begun: bool = False  # with the portfolio


def linear(readout: Any) -> Any:
    """A linear map of what `readout` gives."""
    return replace(LINEAR.architecture, readout=readout)


def heads_of(name: str) -> Any:
    """The architectures of a named space."""
    return dict(named(name).fields)["architecture"]


METHODS = (
    Method("linear [CLS], default settings", candidate=LINEAR),
    Method(CONTROL, "random", lambda: linear(ClsToken())),
    Method(POOLED, "random", lambda: linear(Mean())),
    Method("published head, all tasks", candidate=ALL_TASKS),
    Method("published head, small sets", candidate=SMALL_SETS),
    Method("random search over bert-head", "random", lambda: heads_of("bert-head")),
    Method("BOHB over bert-head", "bohb", lambda: heads_of("bert-head")),
    Method("ours: evolution over bert-head-plus", "evolution", lambda: heads_of("bert-head-plus"), begun=True),
)


class Seeded:
    """A strategy whose candidates all train with one seed of their own."""

    def __init__(self, strategy: Strategy, seed: int) -> None:
        self.strategy, self.seed = strategy, seed

    def ask(self, n: int) -> list[Proposal]:
        return [replace(proposal, seed=self.seed) for proposal in self.strategy.ask(n)]

    def tell(self, trials: Sequence[Trial]) -> None:
        self.strategy.tell(trials)


def recipe_of(small: bool) -> Recipe:
    """How all heads are trained, but for the learning rate: as published, in steps that 500 rows allow."""
    return replace(PUBLISHED_RECIPE, batch_size=16, warmup_steps=10) if small else PUBLISHED_RECIPE


def digest_of(bench: Workbench) -> str:
    assert bench.encoder is not None
    return bench.encoder.digest


def space_of(method: Method, bench: Workbench, mode: str, small: bool) -> Space:
    """The method's architectures, with the questions of training that all methods have in common."""
    assert method.space is not None
    settings = asdict(recipe_of(small)) | {"learning_rate": Choice(RATES, ordered=True)}
    space = vary(Candidate, architecture=method.space(), recipe=vary(Recipe, **settings))
    return suited(bound(with_tuning(space, TUNING[mode]), digest_of(bench)), len(bench.task.inputs))


def candidate_of(given: Candidate, bench: Workbench, mode: str, small: bool) -> Candidate:
    """A fixed head as it was published; on a frozen encoder with the usual rate, since its own is for fine-tuning."""
    rate = Recipe().learning_rate if mode == "frozen" else given.recipe.learning_rate
    given = replace(given, recipe=replace(recipe_of(small), learning_rate=rate))
    return bound(with_tuning(given, Frozen()) if mode == "frozen" else given, digest_of(bench))


def strategy_of(method: Method, bench: Workbench, mode: str, small: bool, seed: int, form: Form) -> Strategy:
    """What proposes; all searches ration training on the same rungs, BOHB by Hyperband and the others by ASHA."""
    rows, folds, batch = len(bench.folds[0][0]), bench.searched, recipe_of(small).batch_size
    rungs = ladder(max(form.epochs * rows, form.steps * batch), form.rungs, folds=folds)
    if method.candidate is not None:
        candidate = candidate_of(method.candidate, bench, mode, small)
        return Fixed([Proposal(candidate, rungs[-1], method.name, seed=seed)])
    space = space_of(method, bench, mode, small)
    begun = [
        (name, bound(candidate, digest_of(bench)))
        for name, candidate in portfolio(named_for(bench.task.portfolio, bench.encoder))
        if method.begun and isinstance(candidate.architecture, HeadedEncoder)
    ]
    return Seeded(strategy_named(method.strategy, "", space, rungs, form.trials, seed=seed, portfolio=begun), seed)

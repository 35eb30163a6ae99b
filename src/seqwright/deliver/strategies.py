"""The strategies and schedules that a user may name, each in one table.

A strategy decides what to try, a schedule how far to train it. Some names mean both, as "bohb" does.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from seqwright.arch.darts import DARTS, Darts
from seqwright.deliver.sharing import shareable, sharing, within
from seqwright.errors import InputError
from seqwright.search.auto import Auto
from seqwright.search.bananas import Bananas
from seqwright.search.differential import LEAST, POPULATION, Differential
from seqwright.search.evolution import Evolution, sizes
from seqwright.search.freeze_thaw import FreezeThaw
from seqwright.search.gp_encoding import EncodedGp
from seqwright.search.gradient import Gradient, Guided
from seqwright.search.halving import Asha, Halving, Schedule
from seqwright.search.hill_climbing import HillClimbing
from seqwright.search.hurdles import Hurdles
from seqwright.search.hyperband import AsyncHyperband, Hyperband
from seqwright.search.local_search import BEGIN, LocalSearch
from seqwright.search.nsga2 import Nsga2
from seqwright.search.optuna_sampler import BOHB_DRAWN, Bayesian
from seqwright.search.pareto import by_front
from seqwright.search.pasha import Pasha
from seqwright.search.prior_band import PriorBand
from seqwright.search.random_search import RandomSearch
from seqwright.search.strategy import Strategy
from seqwright.search.transfer import BEGIN as DRAWN
from seqwright.search.transfer import Transfer
from seqwright.space.nodes import Space
from seqwright.study.record import Fidelity

ETA = 3


@dataclass(frozen=True)
class Named:
    """A strategy by its name.

    Args:
        make: (space, candidates expected or None, **what every strategy takes) -> strategy.
        schedule: its usual schedule.
        only: its name means that schedule and no other.
        all_rungs: it minds fidelities, so it hears of trials at every rung.
        around: (strategy, the same with its schedule, highest rung) -> what goes around both, where something does.
        shared: its name means a search on shared weights.
        several: it seeks the front of several objectives, whose names it takes.
        own: it trains a supernet of its own, where that can be.
    """

    make: Callable[..., Strategy]
    schedule: str = "asha"
    only: bool = False
    all_rungs: bool = False
    around: Callable[[Any, Strategy, Fidelity], Strategy] | None = None
    shared: bool = False
    several: bool = False
    own: bool = False


def _random(space: Space, expected: int | None, **common: Any) -> Strategy:
    return RandomSearch(space, **common)


def _evolution(space: Space, expected: int | None, **common: Any) -> Strategy:
    population, sample, begin = sizes(expected or 100)
    return Evolution(space, population=population, sample=sample, begin=begin, **common)


def _nsga2(space: Space, expected: int | None, **common: Any) -> Strategy:
    population, _, begin = sizes(expected or 100)
    return Nsga2(space, population=population, begin=begin, **common)


def _local(space: Space, expected: int | None, **common: Any) -> Strategy:
    return LocalSearch(space, begin=min(BEGIN, max(1, (expected or 100) // 8)), **common)


def _controller(space: Space, expected: int | None, **common: Any) -> Strategy:
    from seqwright.search.learned.controller import Controller, pace

    return Controller(space, **pace(expected), **common)


def _reinforce(space: Space, expected: int | None, **common: Any) -> Strategy:
    from seqwright.search.learned.controller import Controller, pace

    return Controller(space, learning="reinforce", **pace(expected, "reinforce"), **common)


def _differential(space: Space, expected: int | None, **common: Any) -> Strategy:
    return Differential(space, population=max(LEAST, min(POPULATION, (expected or 100) // 5)), **common)


def _tpe(space: Space, expected: int | None, **common: Any) -> Strategy:
    return Bayesian(space, model="tpe", **common)


def _gp(space: Space, expected: int | None, **common: Any) -> Strategy:
    return Bayesian(space, model="gp", **common)


def _auto(space: Space, expected: int | None, **common: Any) -> Strategy:
    return Auto(space, expected=expected, **common)


def _bananas(space: Space, expected: int | None, **common: Any) -> Strategy:
    return Bananas(space, **common)


def _gp_encoding(space: Space, expected: int | None, **common: Any) -> Strategy:
    return EncodedGp(space, **common)


def _priorband(space: Space, expected: int | None, **common: Any) -> Strategy:
    return PriorBand(space, **common)


def _bohb(space: Space, expected: int | None, **common: Any) -> Strategy:
    return Bayesian(space, model="tpe", drawn=BOHB_DRAWN, **common)


def _morphism(space: Space, expected: int | None, **common: Any) -> Strategy:
    return HillClimbing(space, **common)


def _guided(space: Space, expected: int | None, **common: Any) -> Strategy:
    population, sample, begin = sizes(expected or 100)
    return Guided(space, population=population, sample=sample, begin=begin, **common)


def _gradient(training: Darts) -> Named:
    """An evolution guided by a mixture that is trained in this way."""
    return Named(_guided, around=lambda made, scheduled, full: Gradient(made, scheduled, training, full))


def _rewriter(space: Space, expected: int | None, **common: Any) -> Strategy:
    from seqwright.search.learned.rewriter import Rewriter, episodes_of

    return Rewriter(space, **episodes_of(expected), **common)


def _transfer(space: Space, expected: int | None, **common: Any) -> Strategy:
    part = shareable(space)
    if prior := common.get("prior"):
        common["prior"] = within(part, space, prior)
    return Transfer(part, begin=DRAWN if expected is None else max(3, min(DRAWN, expected // 4)), **common)


STRATEGIES: dict[str, Named] = {
    "evolution": Named(_evolution),
    "random": Named(_random),
    "tpe": Named(_tpe, all_rungs=True),
    "gp": Named(_gp, all_rungs=True),
    "auto": Named(_auto, all_rungs=True),
    "bananas": Named(_bananas, all_rungs=True),
    "gp-encoding": Named(_gp_encoding, all_rungs=True),
    "bohb": Named(_bohb, "hyperband", only=True, all_rungs=True),
    "priorband": Named(_priorband, "hyperband", only=True, all_rungs=True),
    "gp-hyperband": Named(_gp, "hyperband", only=True, all_rungs=True),
    "nsga2": Named(_nsga2, several=True),
    "local": Named(_local),
    "controller": Named(_controller),
    "reinforce": Named(_reinforce),
    "morphism": Named(_morphism, "none", only=True),  # a parent must be done: its weights are its children's beginning
    "differential": Named(_differential, all_rungs=True),
    "transfer": Named(_transfer, "none", only=True, several=True, own=True),
    "rewriter": Named(_rewriter, "none", only=True, own=True),  # of a space of rewritings: see `seqwright refine`
    "dehb": Named(_differential, "hyperband", only=True, all_rungs=True),
    **{name: _gradient(training) for name, training in DARTS.items()},
    "enas": Named(_reinforce, shared=True),
    "spos": Named(_evolution, shared=True),
}
EVALUATIONS = ("full", "shared", "sandwich")
SCHEDULES: dict[str, Callable[..., Schedule] | None] = {
    "asha": Asha,
    "halving": Halving,
    "hyperband": Hyperband,
    "async-hyperband": AsyncHyperband,
    "pasha": Pasha,
    "hurdles": Hurdles,
    "freeze-thaw": FreezeThaw,
    "none": None,
}


def schedule_of(strategy: str, schedule: str = "") -> str:
    """The schedule's name: the one asked for, or the strategy's usual one.

    Raises:
        InputError: the strategy's name means another schedule.
    """
    named = STRATEGIES[strategy]
    if schedule and named.only and schedule != named.schedule:
        raise InputError(
            f'--strategy {strategy} means --schedule {named.schedule}, not "{schedule}". Leave --schedule out, or give '
            f"the strategy without its schedule: {', '.join(n for n, other in STRATEGIES.items() if not other.only)}."
        )
    return schedule or named.schedule


def evaluation_of(strategy: str, evaluate: str = "") -> str:
    """How candidates are scored: as asked for, or as the strategy's name says.

    Raises:
        InputError: the strategy's name means one way, and the other was asked for.
    """
    if (STRATEGIES[strategy].around or STRATEGIES[strategy].own) and evaluate not in ("", "full"):
        raise InputError(
            f"--strategy {strategy} trains a supernet of its own kind. Leave --evaluate {evaluate} out, or give it "
            "with another strategy, such as evolution."
        )
    if STRATEGIES[strategy].shared and evaluate == "full":
        raise InputError(
            f'--strategy {strategy} means --evaluate shared, not "full". Leave --evaluate out, or give --strategy '
            f"{'reinforce' if strategy == 'enas' else 'evolution'} to train every candidate alone."
        )
    return evaluate or ("shared" if STRATEGIES[strategy].shared else "full")


def strategy_named(
    strategy: str,
    schedule: str,
    space: Space,
    rungs: tuple[Fidelity, ...],
    expected: int | None,
    straight: Collection[int] = (),
    evaluate: str = "",
    objectives: Sequence[str] = (),
    sieve: Any = None,
    **common: Any,
) -> Strategy:
    """A fresh strategy with its schedule around it.

    Args:
        strategy, schedule: names; "" for the strategy's usual schedule.
        expected: about how many candidates will be proposed, where that is known.
        straight: which of the first go to the highest rung at once, where the schedule is ASHA or PASHA.
        evaluate: one of `EVALUATIONS`, or "" for what the strategy's name says.
        objectives: names of costs to lower; what is promoted, or trained alone, then goes by front and not by score.
        sieve: what chooses among several candidates before training; see `Fresh`.
        common: what every strategy takes: see `RandomSearch`.
    """
    named, order = STRATEGIES[strategy], partial(by_front, names=tuple(objectives))
    evaluation = evaluation_of(strategy, evaluate)
    if named.several:
        common["objectives"] = objectives
    made = _sifting(named.make, sieve)(space, expected, fidelity=rungs[-1], **common)
    around, scheduled = SCHEDULES[schedule_of(strategy, schedule)], made
    if around is not None:
        # Of what was chosen on shared weights and trained alone, a strategy is to learn whatever rungs it minds.
        more: dict[str, Any] = {"inform": "all"} if named.all_rungs or evaluation != "full" else {}
        more |= {"straight": straight} if around in (Asha, Pasha) else {}
        scheduled = around(made, rungs, eta=ETA, **more)
        if objectives:
            scheduled.rank_by(order)
    if evaluation != "full":
        rule = "sandwich" if evaluation == "sandwich" else "uniform"
        shared = sharing(_sifting(named.make, sieve), scheduled, space, rungs[-1], expected, rule, **common)
        if objectives:
            shared.rank_by(order)
        return shared
    return named.around(made, scheduled, rungs[-1]) if named.around else scheduled


def _sifting(make: Callable[..., Strategy], sieve: Any) -> Callable[..., Strategy]:
    """`make`, and what it makes chooses by the sieve, if there is one."""

    def made(space: Space, expected: int | None, **common: Any) -> Strategy:
        strategy = make(space, expected, **common)
        assert isinstance(strategy, RandomSearch), "all that stand in the table are, one way or another"
        strategy.fresh.sieve = sieve
        return strategy

    return made

"""A career: one search by one contender with one seed, as the best that it had found by what it had cost.

Cost is counted in whole trainings, so that a schedule is comparable with none: a training to a third of the examples
costs a third (on a table that records seconds, its share of the mean training's seconds).
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from seqwright.deliver.strategies import SCHEDULES, STRATEGIES, schedule_of, strategy_named
from seqwright.errors import InputError, did_you_mean
from seqwright.evaluate.known_tables import Known
from seqwright.evaluate.table import played
from seqwright.study.record import Fidelity

NONE = "none"  # the schedule that is none: every training is whole
GUIDED = ("bananas", "gp-encoding", "auto")  # those that take an encoding of their own
DEAREST = 9  # on a schedule's lowest rung a training costs about a ninth, so there may be so many more trials


@dataclass(frozen=True)
class Career:
    """What came of a search.

    Args:
        problem: the table's name, or the data's.
        steps: (cost in whole trainings, best score of a whole training so far), one at each improvement.
        trials: that ended, failed ones and short ones among them.
        training_s: all of them took; as the table has it, on a table, and 0 where it does not.
        own_ms: what the strategy itself took a proposal, asking and telling.
    """

    problem: str
    contender: str
    seed: int
    steps: tuple[tuple[float, float], ...]
    trials: int
    training_s: float
    own_ms: float

    @property
    def key(self) -> tuple[str, str, int]:
        return self.problem, self.contender, self.seed

    def best_at(self, cost: float) -> float | None:
        """The best score found for at most so much; None before the first whole training."""
        found = [score for spent, score in self.steps if spent <= cost + 1e-9]
        return found[-1] if found else None

    def as_data(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> "Career":
        given: dict[str, Any] = data | {"steps": tuple((cost, score) for cost, score in data["steps"])}
        return cls(**given)


def parted(contender: str) -> tuple[str, str]:
    """Strategy and schedule of "evolution", "evolution+asha" or "bohb"; without a schedule every training is whole.

    Raises:
        InputError: a strategy or schedule that does not exist, or that do not go together.
    """
    strategy, plus, schedule = contender.partition("+")
    for name, known in ((strategy, STRATEGIES), (schedule, SCHEDULES) if plus else (NONE, SCHEDULES)):
        if name not in known:
            raise InputError(
                f'--strategies: "{name}" is not known.{did_you_mean(name, known)} Give one of: {", ".join(known)}.'
            )
    if not plus and not STRATEGIES[strategy].only:
        return strategy, NONE
    return strategy, schedule_of(strategy, schedule)


def contenders_of(text: str) -> tuple[str, ...]:
    """The contenders in "random,evolution,evolution+asha".

    Raises:
        InputError: fewer than two, one twice, or unknown ones; all mistakes at once.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    wrong: list[str] = []
    for name in dict.fromkeys(names):
        try:
            parted(name)
        except InputError as error:
            wrong.append(str(error))
    if len(set(names)) < len(names):
        wrong.append(f'--strategies "{text}" names one twice. Name each once.')
    if len(names) < 2:
        wrong.append(f'--strategies "{text}" leaves nothing to compare. Name two or more, as in random,evolution.')
    if wrong:
        raise InputError("\n".join(wrong))
    return names


def trains_supernet(contender: str) -> bool:
    named = STRATEGIES[parted(contender)[0]]
    return named.shared or named.own or named.around is not None


def misfits(known: Known, contenders: Iterable[str]) -> list[str]:
    """Why some cannot be run on a table: a supernet, or a schedule where it knows no shorter trainings."""
    wrong: list[str] = []
    for contender in contenders:
        schedule = parted(contender)[1]
        if trains_supernet(contender):
            wrong.append(
                f'--strategies: "{contender}" trains a supernet, and the table {known.name} holds trainings of '
                "networks alone. Leave it out there."
            )
        elif schedule != NONE and not known.rungs:
            wrong.append(
                f'--strategies: "{contender}" trains by the schedule {schedule}, and the table {known.name} knows '
                "whole trainings only. Leave it out there, or name a strategy without a schedule."
            )
    return wrong


def steps_of(found: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """The improvements among (cost so far, score) pairs; a score that is no number is of no whole training."""
    steps: list[tuple[float, float]] = []
    for cost, score in found:
        if isfinite(score) and (not steps or score > steps[-1][1]):
            steps.append((round(cost, 6), score))
    return tuple(steps)


def encoding_of(known: Known, strategy: str) -> dict[str, Any]:
    """What a strategy is told of a table that says how its candidates are to be encoded."""
    return {"encoding": known.encoding} if known.encoding is not None and strategy in GUIDED else {}


def on_table(known: Known, contender: str, seed: int, trials: int) -> Career:
    """A search whose trainings are looked up, until `trials` whole trainings' worth is spent."""
    strategy, schedule = parted(contender)
    whole = known.rungs[-1] if known.rungs else Fidelity(0)
    rungs: Sequence[Fidelity] = known.rungs if schedule != NONE else (whole,)
    more = encoding_of(known, strategy)
    searcher = strategy_named(strategy, schedule, known.space, tuple(rungs), trials, seed=seed, **more)
    began = time.thread_time()
    if schedule == NONE:
        told = list(played(known.table, searcher, whole, evaluations=trials))
        found = [(float(number), score) for number, (_, score) in enumerate(told, 1)]
    else:
        told = list(played(known.table, searcher, whole, until_s=trials * known.training_s))
        found = [(clock_s / known.training_s, score) for clock_s, score in told]
    own_ms = 1000 * (time.thread_time() - began) / max(1, len(told))
    training_s = told[-1][0] if told and known.timed else 0.0
    return Career(known.name, contender, seed, steps_of(found), len(told), training_s, own_ms)

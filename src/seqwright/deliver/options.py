"""All that a user may ask of a run, as plain data: what the command line, Python and `resume` agree on."""

import numbers
import os
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any

from seqwright.deliver.strategies import EVALUATIONS, SCHEDULES, STRATEGIES, evaluation_of, schedule_of
from seqwright.errors import InputError, did_you_mean
from seqwright.search.budget import Budget
from seqwright.search.objectives import Objective, objectives_of
from seqwright.search.sieve import filter_of
from seqwright.space.expert import parse

UNFIXED = ("budget", "workers")  # may differ when a run is resumed


@dataclass(frozen=True)
class Options:
    """What to search, how, and on what.

    Args:
        budget: "10m", "2h", "90s" or "50trials".
        task: kind of task; "" to infer it.
        target, text, weight, group: column names; "" to infer or do without. `text` may name several: "title,body".
        delimiter, encoding: of the data files; "" to infer.
        metric: what the search raises; "" for the task's own.
        split: shares of train, validation and test, in per cent; a test share of 0 seals no test split.
        seed: of everything drawn.
        space: name of a space or a JSON file; "" for the task's own.
        fix, ban, require: narrow the space ("PATH=VALUE", a kind or a path, a kind).
        objective: costs to lower beside raising the metric ("latency_ms"); see `search.objectives`.
        limit: the most that costs may be ("parameters=2M").
        filter: of several candidates the most promising untrained one is trained ("naswot:0.5"); see `search.sieve`.
        prior: what is likely to be good ("PATH=LABEL:WEIGHT,LABEL:WEIGHT"); see `space.expert`.
        encoder: pretrained encoder for texts: a name on the hub, a folder, "none", or "auto" for one that is installed.
        trust_pickle: read an encoder whose weights are pickled, which can run code of whoever made them.
        feature_cache_gib: what the hidden states of frozen encoders may take on disk, for all runs together.
        start: folder of an earlier run whose winner the search begins from.
        strategy: what to try next; see `deliver.strategies`.
        schedule: how training is rationed; "" for the strategy's usual one.
        evaluate: "full" to train every candidate, "shared" to score most on a supernet's weights, "sandwich" the same
            with the sandwich rule; "" for what the strategy's name says.
        workers: processes that train at once; 0 to measure what is fastest.
        device, precision: "auto", "cpu", "cuda"; "auto", "float32", "bfloat16".
        asynchronous: never let a worker wait, at the price of exact repeatability.
        single: deliver one network, never an ensemble.
        max_length: longest sequence kept; 0 to choose by the data.
        trial_timeout_s, trial_memory_mib: a trial beyond these is recorded as failed; 0 for the default.
    """

    budget: str = "10m"
    task: str = ""
    target: str = ""
    text: str = ""
    weight: str = ""
    group: str = ""
    delimiter: str = ""
    encoding: str = ""
    metric: str = ""
    split: tuple[float, float, float] = (80.0, 10.0, 10.0)
    seed: int = 0
    space: str = ""
    fix: tuple[str, ...] = ()
    ban: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    objective: tuple[str, ...] = ()
    limit: tuple[str, ...] = ()
    filter: str = ""
    prior: tuple[str, ...] = ()
    encoder: str = "auto"
    trust_pickle: bool = False
    feature_cache_gib: float = 8.0
    start: str = ""
    strategy: str = "auto"
    schedule: str = ""
    evaluate: str = ""
    workers: int = 0
    device: str = "auto"
    precision: str = "auto"
    asynchronous: bool = False
    single: bool = False
    max_length: int = 0
    trial_timeout_s: float = 0.0
    trial_memory_mib: float = 0.0

    def __post_init__(self) -> None:
        wrong = [text for text in self._wrong() if text]
        if wrong:
            raise InputError("\n".join(wrong))
        schedule_of(self.strategy, self.schedule)
        evaluation_of(self.strategy, self.evaluate)

    def _wrong(self) -> list[str]:
        """All that is wrong, at once."""

        def known(flag: str, value: str, allowed: Collection[str]) -> str:
            if value in allowed:
                return ""
            return f'--{flag} "{value}" is not known.{did_you_mean(value, allowed)} Give one of: {", ".join(allowed)}.'

        def told(check: Callable[[], object]) -> str:
            try:
                check()
            except InputError as error:
                return str(error)
            return ""

        if Budget.parse(self.budget).more:  # what cannot be parsed raises its own error, which teaches more
            return [
                f'--budget "{self.budget}" adds to a run, and this is the whole of one. Leave out the "+", '
                f"or go on with a run: `seqwright resume FOLDER --budget {self.budget}`."
            ]
        split = self.split
        return [
            told(lambda: objectives_of(self.objective, self.limit)),
            told(self._filter),
            *(told(partial(parse, wish)) for wish in self.prior),
            f"--schedule {self.schedule} goes by the score alone, so it knows no --objective. Give asha, pasha, "
            "halving, hyperband, async-hyperband or none."
            if self.objective and self.schedule in ("freeze-thaw", "hurdles")
            else "",
            known("strategy", self.strategy, STRATEGIES),
            known("schedule", self.schedule, SCHEDULES) if self.schedule else "",
            known("evaluate", self.evaluate, EVALUATIONS) if self.evaluate else "",
            known("precision", self.precision, ("auto", "float32", "bfloat16")),
            ""
            if len(split) == 3 and min(split[:2]) > 0 and split[2] >= 0 and abs(sum(split) - 100) < 1e-6
            else f"--split {'/'.join(f'{s:g}' for s in split)} is not three shares that sum to 100. "
            "Give for instance 80/10/10, or 90/10/0 for no test split.",
            "" if self.seed >= 0 else f"--seed {self.seed} is negative. Give 0 or more.",
            "" if self.max_length >= 0 else f"--max-length {self.max_length} is negative. 0 chooses by the data.",
            "" if self.workers >= 0 else f"--workers {self.workers} is negative. Give a number, or 0 to measure.",
            *(
                ""
                if 0 <= limit < float("inf")
                else f"{name}={limit:g} is no limit. Give a number, or 0 for the default."
                for name, limit in (
                    ("trial_timeout_s", self.trial_timeout_s),
                    ("trial_memory_mib", self.trial_memory_mib),
                )
            ),
            ""
            if 0 <= self.feature_cache_gib < float("inf")
            else f"--feature-cache {self.feature_cache_gib:g} is no limit. Give GiB, or 0 to keep nothing on disk.",
        ]

    def _filter(self) -> None:
        found = filter_of(self.filter)
        if found and not found.of and self.strategy in STRATEGIES and self.schedule in ("", *SCHEDULES):
            schedule = schedule_of(self.searcher, self.schedule)
            if schedule != "asha":
                raise InputError(f"--filter {self.filter} is a rung of --schedule asha, and this is {schedule}.")

    @property
    def objectives(self) -> tuple[Objective, ...]:
        return objectives_of(self.objective, self.limit)

    @property
    def searcher(self) -> str:
        """The strategy's name. Where costs are to be lowered as well, evolution is NSGA-II, and so is what is usual."""
        return "nsga2" if self.objective and self.strategy in ("auto", "evolution") else self.strategy

    @classmethod
    def of(cls, **given: Any) -> "Options":
        """From keyword arguments or JSON data.

        Raises:
            InputError: an option that does not exist, with the nearest that does.
        """
        names = [f.name for f in fields(cls)]
        if unknown := [n for n in given if n not in names]:
            wrong = [f'There is no option "{n}".{did_you_mean(n, names)}' for n in unknown]
            raise InputError("\n".join([*wrong, f"Options are: {', '.join(names)}."]))
        mistakes: list[str] = []
        plain = {f.name: _plain(f.name, f.default, given[f.name], mistakes) for f in fields(cls) if f.name in given}
        if mistakes:
            raise InputError("\n".join(mistakes))
        return cls(**plain)

    def as_data(self) -> dict[str, Any]:
        return asdict(self)

    def fixed(self) -> dict[str, Any]:
        """What must not change when the run is resumed."""
        return {name: value for name, value in asdict(self).items() if name not in UNFIXED}


def _plain(name: str, usual: Any, given: Any, mistakes: list[str]) -> Any:
    """A value as JSON can hold it, of the type that the option's default has; None is the default."""
    if given is None:
        return usual
    if isinstance(given, os.PathLike):
        given = os.fspath(given)
    if name == "text" and isinstance(given, list | tuple):
        given = ",".join(map(str, given))
    if isinstance(usual, tuple) and isinstance(given, list | tuple):
        of, kind = (float, "numbers") if name == "split" else (str, "texts")
        if all(_is(of, part) for part in given):
            return tuple(of(part) for part in given)
        mistakes.append(f"{name}={given!r} is not a list of {kind}.")
    elif isinstance(usual, tuple) and name != "split" and isinstance(given, str):
        return (given,)
    elif _is(type(usual), given):
        return type(usual)(given)
    else:
        mistakes.append(f"{name}={given!r} is {type(given).__name__}, not {_NOUNS[type(usual)]}.")
    return usual


_NOUNS = {str: "text", int: "a whole number", float: "a number", bool: "True or False", tuple: "a list"}


def _is(kind: type, value: Any) -> bool:
    if kind in (str, bool) or isinstance(value, bool):
        return isinstance(value, kind)
    return isinstance(value, numbers.Integral if kind is int else numbers.Real)

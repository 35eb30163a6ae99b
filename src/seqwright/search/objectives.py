"""Objectives: what a search minds beside its score. Each is a cost of one network; less is better.

A cost that is asked for with `--objective` is lowered along with raising the score; one with a `--limit` may be no
larger. Some are counted before anything is trained, on tensors without data; others are measured on this machine.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from seqwright.errors import InputError, did_you_mean
from seqwright.study.record import Trial

BEYOND = "beyond the limit"  # how the error of a trial begins whose network was measured, and not trained


@dataclass(frozen=True)
class Cost:
    """What a cost is, and the units in which an amount of it may be given, each in its own."""

    about: str
    units: Mapping[str, float]
    measured: bool = False


_COUNT = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_MIB = {"": 1.0, "MiB": 1.0, "KiB": 2**-10, "GiB": 2.0**10, "MB": 1e6 / 2**20, "kB": 1e3 / 2**20, "GB": 1e9 / 2**20}
_MS = {"": 1.0, "ms": 1.0, "us": 1e-3, "s": 1e3}
COSTS: dict[str, Cost] = {
    "parameters": Cost("weights, a pretrained encoder's included", _COUNT),
    "flops": Cost("operations of one example's forward pass, a multiplication and an addition being two", _COUNT),
    "file_mib": Cost("weights on disk", _MIB),
    "peak_mib": Cost("weights, and the most that one example's forward pass holds beside them", _MIB),
    "simplicity": Cost("layers, and kinds of layer: fewer are easier to explain", {"": 1.0}),
    "latency_ms": Cost("one example of full length, median, eager, one thread of this machine", _MS, True),
    "batch_latency_ms": Cost("an example in a batch of 32, likewise", _MS, True),
    "joules": Cost("an example in a batch of 32: what the processor's own meter says", {"": 1.0, "J": 1.0, "mJ": 1e-3},
                   True),
}  # fmt: skip


@dataclass(frozen=True)
class Objective:
    """A cost to lower ("min"), or only to keep within its limit ("keep")."""

    name: str
    direction: Literal["min", "keep"] = "min"
    limit: float | None = None


def objectives_of(lower: Sequence[str], limits: Sequence[str]) -> tuple[Objective, ...]:
    """From the user's words: names of costs to lower, and NAME=VALUE for those that have a limit.

    >>> objectives_of(["latency_ms"], ["parameters=2M", "latency_ms=5"])[0]
    Objective(name='latency_ms', direction='min', limit=5.0)

    Raises:
        InputError: unknown costs and amounts that mean nothing; all of them at once.
    """
    wrong: list[str] = []
    found: dict[str, float] = {}
    for text in limits:
        name, mark, amount = text.partition("=")
        name = name.strip()
        if not mark:
            wrong.append(f'--limit "{text}" is not NAME=VALUE. Give for instance parameters=2M.')
        elif name not in COSTS:
            wrong.append(_unknown("limit", name))
        elif name in found:
            wrong.append(f"--limit {name} is given twice. Give it once.")
        else:
            found[name] = _amount(name, amount.strip(), wrong)
    wrong += [_unknown("objective", name) for name in lower if name not in COSTS]
    wrong += [f"--objective {name} is given twice. Give it once." for name in COSTS if lower.count(name) > 1]
    if wrong:
        raise InputError("\n".join(wrong))
    wanted = [Objective(name, "min", found.get(name)) for name in lower]
    return (*wanted, *(Objective(name, "keep", limit) for name, limit in found.items() if name not in lower))


def _unknown(flag: str, name: str) -> str:
    return f'--{flag} "{name}" is not known.{did_you_mean(name, COSTS)} Give one of: {", ".join(COSTS)}.'


def _amount(name: str, text: str, wrong: list[str]) -> float:
    units = COSTS[name].units
    parts = re.fullmatch(r"([0-9.]+(?:[eE][+-]?[0-9]+)?) ?([A-Za-z]*)", text)
    try:
        value = float(parts[1]) * units[parts[2]] if parts else math.nan
    except (ValueError, KeyError):
        value = math.nan
    if 0 < value < math.inf:
        return value
    known = ", ".join(unit for unit in units if unit)
    wrong.append(
        f'--limit {name}="{text}" is no amount. Give a number above 0'
        + (f", which may end in {known}: {name}=2{next(filter(None, units))}." if known else ".")
    )
    return math.nan


def lowered(objectives: Iterable[Objective]) -> tuple[str, ...]:
    """Names of the costs that the search is to lower."""
    return tuple(o.name for o in objectives if o.direction == "min")


def limits_of(objectives: Iterable[Objective]) -> dict[str, float]:
    """The limits, by name of the cost."""
    return {o.name: o.limit for o in objectives if o.limit is not None}


def beyond(costs: Mapping[str, float], limits: Mapping[str, float]) -> str:
    """Which limits are broken, in words; "" where none is. A cost that is not known breaks none."""
    broken = [f"{name} {costs[name]:,.4g} > {limit:,.10g}" for name, limit in limits.items()
              if costs.get(name, 0.0) > limit]  # fmt: skip
    return f"{BEYOND}: {', '.join(broken)}" if broken else ""


def is_beyond(trial: Trial) -> bool:
    """Whether a network was not trained, since it cost more than it may: no failure of anybody's."""
    return trial.error.startswith(BEYOND)


def none_obeys(trials: Iterable[Trial]) -> bool:
    """Whether no network was trained, and limits were a reason. A supernet is none that has to obey them."""
    tried = [trial for trial in trials if trial.proposal.fidelity.stage != "supernet"]
    return any(map(is_beyond, tried)) and all(trial.failed for trial in tried)

"""The honest end: the test split is opened once, for the delivered model and all its rivals at the same moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seqwright.data.bootstrap import Interval, interval, paired
from seqwright.data.task import Task

DELIVERED, PORTFOLIO = "delivered model", "best portfolio member"


@dataclass(frozen=True)
class Rival:
    """One row of the final table: every metric with its interval, or why there is none."""

    name: str
    metrics: dict[str, Interval]
    error: str = ""
    said: str = ""


@dataclass(frozen=True)
class Evidence:
    """What test said.

    Args:
        gains: over "best baseline" and "best portfolio member", each with its name, or absent.
        rows: how many test examples there were.
        readings: how often they were read, this time among them.
    """

    metric: str
    rivals: tuple[Rival, ...]
    gains: dict[str, tuple[str, Interval]]
    rows: int
    readings: int = 1

    def verdicts(self) -> list[str]:
        """The gains in words, said plainly when there is none."""
        said = []
        failed = [rival.name for rival in self.rivals if not rival.metrics]
        if failed and "best baseline" not in self.gains:
            said.append(
                "Compared with NO baseline: none gave an answer. Whether this model is any good is not known; "
                "give a larger budget."
            )
        elif failed:
            said.append(
                f"NOT compared with {', '.join(failed)}, which gave no answer; a larger budget may give them one."
            )
        for over, (name, gain) in self.gains.items():
            label = over if name == over else f"{over} ({name})"
            span = f"{gain.value:+.3f}, 95 % interval [{gain.low:+.3f}, {gain.high:+.3f}]"
            if not gain.excludes_zero:
                said.append(f"No clear difference from the {label} on test: {self.metric} {span}.")
            elif gain.value > 0:
                said.append(f"Better than the {label} on test: {self.metric} {span}.")
            else:
                said.append(f"WORSE than the {label} on test: {self.metric} {span}. Prefer that one.")
        if self.readings > 1:
            said.append(
                f"These examples were read {times(self.readings - 1)} before, by this run or the one that it refines, "
                "so what was decided since may owe to them."
            )
        return said

    def as_data(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "rows": self.rows,
            "readings": self.readings,
            "rivals": [
                {
                    "name": r.name,
                    "error": r.error,
                    "said": r.said,
                    "metrics": {n: vars(i) for n, i in r.metrics.items()},
                }
                for r in self.rivals
            ],
            "gains": {over: {"name": name} | vars(gain) for over, (name, gain) in self.gains.items()},
            "verdicts": self.verdicts(),
        }


def times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def weigh(
    task: Task,
    targets: Any,
    answers: "Mapping[str, Any]",
    baselines: "Mapping[str, Mapping[str, Any]]",
    weights: Any = None,
    seed: int = 0,
    readings: int = 1,
) -> Evidence:
    """Score all on test.

    Args:
        answers: test probabilities by name: the delivered model, the best portfolio member, each baseline.
        baselines: what each baseline's job said, among it the errors of those that failed.
    """
    metrics, chosen = task.metrics(), task.chosen()
    decoded = {name: task.decode(probabilities) for name, probabilities in answers.items()}
    statistics = {name: chosen.statistics(found, targets) for name, found in decoded.items()}
    rivals = []
    for name in [DELIVERED, PORTFOLIO, *baselines]:
        said = baselines.get(name, {})
        if name in decoded:
            scores = {
                m.name: interval(m, m.statistics(decoded[name], targets), weights=weights, seed=seed) for m in metrics
            }
            rivals.append(Rival(name, scores, said="; ".join(said.get("said", ()))))
        elif name in baselines:
            rivals.append(Rival(name, {}, said.get("error") or "gave no answers on test"))
    sign = 1 if chosen.higher_is_better else -1
    scored = {r.name: sign * r.metrics[chosen.name].value for r in rivals if r.metrics}
    gains = {}

    def gain(over: str) -> Interval:
        return paired(chosen, statistics[DELIVERED], statistics[over], weights=weights, seed=seed)

    if beaten := [name for name in baselines if name in scored]:
        best = max(beaten, key=lambda n: scored[n])
        gains["best baseline"] = (best, gain(best))
    if PORTFOLIO in scored:
        gains[PORTFOLIO] = (PORTFOLIO, gain(PORTFOLIO))
    return Evidence(chosen.name, tuple(rivals), gains, len(targets), readings)

"""What came of a contest: what each contender had found by what it had cost, and who is better than whom."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqwright.deliver.careers import Career
from seqwright.deliver.ranking import Ranking, interval, ranking

POINTS = 200  # of a curve


@dataclass(frozen=True)
class Problem:
    """What was searched.

    Args:
        best: the best score that there is, where that is known: then what is left of it is shown, and less is better.
        unit: of that.
    """

    name: str
    best: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class Curve:
    """The best found by what it had cost, over the seeds: (G,) each."""

    cost: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Comparison:
    """What came of a contest so far.

    Args:
        trials: whole trainings that each career could spend.
        careers: those of seeds on which every contender is done.
    """

    folder: Path
    trials: int
    contenders: tuple[str, ...]
    problems: tuple[Problem, ...]
    careers: tuple[Career, ...]

    def of(self, problem: str, contender: str) -> list[Career]:
        return [career for career in self.careers if (career.problem, career.contender) == (problem, contender)]

    def found(self, problem: Problem, contender: str, cost: np.ndarray) -> np.ndarray:
        """(S, G) the best score at each cost, or what it leaves of the best known.

        Who has not trained anything whole yet counts as having found the least that any first find was.
        """
        firsts = [c.steps[0][1] for c in self.careers if c.problem == problem.name and c.steps]
        least = min(firsts, default=0.0)
        scores = [
            [least if (at := career.best_at(spent)) is None else at for spent in cost]
            for career in self.of(problem.name, contender)
        ]
        values = np.array(scores, float).reshape(-1, len(cost))
        return values if problem.best is None else problem.best - values

    def curve(self, problem: Problem, contender: str) -> Curve:
        cost = np.unique(np.linspace(1, self.trials, min(self.trials, POINTS)).round())
        values = self.found(problem, contender, cost)
        return Curve(cost, values.mean(0), *interval(values))

    def looks(self) -> list[int]:
        """Costs at which a table shows what was found: an eighth of all, a quarter, half, all."""
        return sorted({max(1, self.trials // part) for part in (8, 4, 2, 1)})

    def ranking(self) -> Ranking:
        """By what each had found in the end, on every seed of every problem."""
        columns = []
        for contender in self.contenders:
            ends = [self.found(problem, contender, np.array([self.trials])) for problem in self.problems]
            signs = [1 if problem.best is None else -1 for problem in self.problems]
            columns.append(np.concatenate([sign * end[:, 0] for sign, end in zip(signs, ends, strict=True)]))
        return ranking(self.contenders, np.stack(columns, 1))

    def as_data(self) -> dict[str, Any]:
        """All of it as JSON data."""
        ranks = self.ranking()
        problems: list[dict[str, Any]] = []
        for problem in self.problems:
            rows: dict[str, Any] = {}
            for contender in self.contenders:
                mine, cost = self.of(problem.name, contender), np.array(self.looks(), float)
                own_s, training_s = sum(c.own_ms * c.trials for c in mine) / 1000, sum(c.training_s for c in mine)
                values = self.found(problem, contender, cost)
                low, high = interval(values)
                rows[contender] = {
                    "mean": values.mean(0).tolist(), "low": low.tolist(), "high": high.tolist(),
                    "training_s": training_s / len(mine),
                    "own_ms": float(np.mean([c.own_ms for c in mine])),
                    "own_share": own_s / max(1e-9, training_s),
                    "trials": float(np.mean([c.trials for c in mine])), "seeds": len(mine),
                }  # fmt: skip
            shown = "score" if problem.best is None else "regret"
            problems.append({"name": problem.name, "shown": shown, "unit": problem.unit, "contenders": rows})
        return {
            "folder": str(self.folder),
            "trials": self.trials,
            "looks": self.looks(),
            "problems": problems,
            "ranks": dict(zip(ranks.names, ranks.ranks, strict=True)),
            "p": ranks.p,
            "critical_difference": ranks.distance,
            "verdict": ranks.said(),
        }

"""Freeze-thaw: train a little, stop, and go on with whichever candidate promises most for what it still costs.

Swersky, Snoek & Adams 2014, arXiv:1406.3896. Learning curves are extrapolated (`learning_curve`) to the highest rung.
Ours differs: a choice goes by expected improvement over the best end, for each example still to be trained, in
place of the entropy of the maximum; the new candidate comes from the strategy around which this schedule stands, and
is expected to end as the newest ones will, so that candidates need no model in common. Scores alone decide, also
where there are several objectives.
"""

import math
from collections.abc import Sequence

import numpy as np

from seqwright.arch.codec import identity
from seqwright.search.halving import Inform, Schedule
from seqwright.search.learning_curve import Curve, LearningCurves
from seqwright.search.strategy import Strategy
from seqwright.study.record import Fidelity, Proposal, Trial

BEGIN = 6  # candidates that end at the lowest rung before any is thawed
NEWEST = 20  # candidates that say how a new one will end
REFIT = 1.2  # the constants are learnt again when there are so many times as many trials


class FreezeThaw(Schedule):
    """Thaws the candidate with the highest expected improvement for its price, or begins a new one.

    Args:
        begin: candidates that end at the lowest rung before any is thawed.
    """

    def __init__(
        self,
        strategy: Strategy,
        rungs: Sequence[Fidelity],
        *,
        eta: int = 3,
        inform: Inform = "lowest",
        begin: int = BEGIN,
    ) -> None:
        super().__init__(strategy, rungs, eta=eta, inform=inform)
        self.first = max(1, begin)
        self._lying: dict[str, Trial] = {}  # the last trial of each candidate that neither runs nor failed, by id
        self._curves: dict[str, dict[float, float]] = {}  # of all, from the lowest rung on: time -> score so far
        self._noted: set[tuple[str, Fidelity]] = set()
        self._model, self._learnt = LearningCurves(), 0  # and from how many trials

    def note(self, trial: Trial) -> None:
        name, rung = identity(trial.proposal.candidate), trial.proposal.fidelity
        if rung not in self.rungs or trial.failed or (name, rung) in self._noted:
            return
        self._noted.add((name, rung))
        self._curves.setdefault(name, {}).update(self._points(trial))
        self._lying[name] = trial

    def _points(self, trial: Trial) -> Curve:
        """What a trial adds to its candidate's curve: the best score so far, for that is what would be kept."""
        rung, most = trial.proposal.fidelity, self.rungs[-1].examples
        looks = trial.curve if rung.folds == 1 else ()  # of several folds the curve is only the first's
        scores, best = dict[float, float](), -math.inf
        for examples, *_, score in looks:
            best = max(best, score)
            if self.rungs[0].examples <= examples < rung.examples and math.isfinite(best):
                scores[examples / most] = best
        return [*scores.items(), (rung.examples / most, trial.score)]

    def _next(self) -> Proposal | None:
        thawable = {name: trial for name, trial in self._lying.items() if trial.proposal.fidelity < self.rungs[-1]}
        if len(self._curves) < self.first or not thawable:
            return self.begin(self.rungs[0]) or (self._thaw(*self._best(thawable)) if thawable else None)
        name, words = self._best(thawable)
        if not name and (new := self.begin(self.rungs[0])) is not None:
            return new
        if not name:
            name, words = self._best(thawable, new=False)
        return self._thaw(name, words)

    def _thaw(self, name: str, words: str) -> Proposal:
        trial = self._lying.pop(name)
        low = trial.proposal.fidelity
        high = self.rungs[self.rungs.index(low) + 1]
        why = f"thawed at {low.examples:,} examples: {words}"
        return trial.proposal.at(high, start="checkpoint", why=why, number=-1)

    def _best(self, thawable: dict[str, Trial], new: bool = True) -> tuple[str, str]:
        """The id of the candidate to go on with, and why; "" for a new one."""
        curves = {name: sorted(curve.items()) for name, curve in self._curves.items()}
        if len(self._noted) >= REFIT * self._learnt:
            self._model.fit(list(curves.values()))
            self._learnt = len(self._noted)
        mean, deviation = self._model.ends(list(curves.values()))
        ends = dict(zip(curves, zip(mean.tolist(), deviation.tolist(), strict=True), strict=True))
        done = [curve[-1][1] for curve in curves.values() if curve[-1][0] >= 1]
        top = max(done, default=-math.inf)
        if not done:  # nothing says yet what a whole training gains: the most promising goes first
            name = max(thawable, key=lambda name: ends[name][0])
            return name, f"the best of {len(thawable)} by its curve, to see how curves end"
        worth: dict[str, float] = {}
        for name in thawable:
            worth[name] = _improvement(*ends[name], top) / (1 - curves[name][-1][0])
        if new:
            newest = list(ends.values())[-NEWEST:]
            means, spreads = np.array(newest).T
            lowest = self.rungs[0].examples / self.rungs[-1].examples
            price = lowest + (1 - lowest) / self.eta  # most end early
            worth[""] = _improvement(float(means.mean()), float(np.hypot(means.std(), spreads.mean())), top) / price
        name = max(worth, key=lambda name: float(f"{worth[name]:.6g}"))
        if not name:
            return name, ""
        return name, f"expected to end at {ends[name][0]:.4g} +- {ends[name][1]:.2g}, the best at {top:.4g}"


def _improvement(mean: float, deviation: float, top: float) -> float:
    """Expected improvement over `top` (Jones et al. 1998)."""
    z = (mean - top) / max(deviation, 1e-12)
    density = math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return deviation * (z * 0.5 * math.erfc(-z / math.sqrt(2)) + density)

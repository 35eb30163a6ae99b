"""What a network will cost, guessed from those that were measured: a linear model of the logarithm.

Latency is nearly a product (of width, steps, layers), so its logarithm is nearly linear in the logarithms of what can
be counted; what layers there are corrects that for kinds of blocks. Bayesian ridge regression (Bishop 2006, section
3.3) with fixed scales, in the form that solves for N trials and not for P places.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from seqwright.arch.candidate import Candidate

LEAST = 8  # measured networks, before anything is said of another
SCALES = 3.0, 1.0, 0.3  # standard deviations: of the constant, of a counted cost's exponent, of one layer's effect
NOISE = 0.1  # of the logarithm: two timings of one network differ by so much


class CostModel:
    """Learns from measured costs, and bounds those of others.

    Args:
        describe: a candidate as (logarithms of counted costs, (P,) numbers that say what it is made of).
    """

    def __init__(self, describe: Callable[[Candidate], tuple[Sequence[float], np.ndarray]]) -> None:
        self._describe = describe
        self._rows: list[np.ndarray] = []
        self._logs: list[float] = []
        self._known: set[Candidate] = set()
        self._solved: tuple[np.ndarray, np.ndarray, float] | None = None

    def learn(self, candidate: Candidate, cost: float) -> None:
        """One measurement; a second of the same candidate is not counted."""
        if candidate in self._known or not 0 < cost < math.inf:
            return
        self._known.add(candidate)
        self._rows.append(self._row(candidate))
        self._logs.append(math.log(cost))
        self._solved = None

    def least(self, candidate: Candidate, sure: float = 1.645) -> float:
        """What the candidate costs at least, as far as one can be `sure` (standard deviations); 0 before `LEAST`."""
        if len(self._rows) < LEAST:
            return 0.0
        mean, deviation = self.predict(candidate)
        return math.exp(mean - sure * deviation)

    def predict(self, candidate: Candidate) -> tuple[float, float]:
        """Mean and standard deviation of the logarithm of its cost."""
        if self._solved is None:
            x = np.stack(self._rows)
            inverse = np.linalg.inv(x @ x.T + NOISE**2 * np.eye(len(x)))
            weights = inverse @ np.array(self._logs)
            # How far off it is when each is left out in turn, in its own standard deviations, says by how much those
            # must be stretched (Rasmussen & Williams 2006, section 5.4.2).
            stretch = float(np.sqrt(np.mean(weights**2 / np.diag(inverse))))
            self._solved = weights, inverse, stretch
        weights, inverse, stretch = self._solved
        row = self._row(candidate)
        across = np.stack(self._rows) @ row
        spread = float(row @ row - across @ inverse @ across)
        return float(across @ weights), max(NOISE, stretch * math.sqrt(NOISE**2 + max(0.0, spread)))

    def _row(self, candidate: Candidate) -> np.ndarray:
        counted, encoding = self._describe(candidate)
        constant, exponent, effect = SCALES
        return np.concatenate([[constant], exponent * np.asarray(counted), effect * np.asarray(encoding)])

"""A Gaussian process over encoded candidates, with a relevance for each question.

The correlation of two candidates is exp(-sum of w_q d_q), where d_q says how far apart their answers to question q
are: 1 for two alternatives, the squared difference of ranks on a scale. So it is a product of small kernels, with the
relevances w_q found by the marginal likelihood (Rasmussen & Williams 2006, section 5.4.1). Ours differs: the amplitude
is profiled out, and a prior holds the relevances together, since there are often more questions than trials.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

LEARNT = 120  # trials, at most, that relevances are learnt from
STEPS = 30  # of gradient ascent on the likelihood, from where the last fit ended
RATE = 0.15
RELEVANCE = 0.3  # the prior's middle of w, for questions of which about six differ
SPREAD = 1.0  # and its standard deviation, of log w
NOISE = 0.02, 1.0  # likewise, of the noise's share
MOST_QUESTIONS = 400_000_000 // 8  # numbers in the table of distances; beyond it relevances stay as they are


@dataclass
class GaussianProcess:
    """Predicts scores that were brought to about mean 0 and variance 1.

    Args:
        groups: (P,) the number of the question that each place of the encoding belongs to; None for one each.
    """

    groups: np.ndarray | None = None
    log_noise: float = float(np.log(NOISE[0]))
    log_relevance: np.ndarray = field(default_factory=lambda: np.zeros(0))
    _place: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    _trained: int = 0

    def fit(self, x: np.ndarray, y: np.ndarray, seed: int = 0) -> None:
        """Learn from x (N, P) and y (N,). Relevances are learnt anew whenever a fifth more is known.

        Args:
            seed: not needed: nothing here is drawn.
        """
        if not self._trained:
            self._place = np.arange(x.shape[1]) if self.groups is None else self.groups
            differing = max(1.0, _distances(x, x).mean())
            self._middle = float(np.log(RELEVANCE * 6 / max(6.0, differing)))
            self.log_relevance = np.full(int(self._place.max(initial=0)) + 1, self._middle)
        if len(x) >= 1.2 * self._trained:
            self._trained = len(x)
            every = -(-len(x) // LEARNT)  # all of few; of many, every other one or fewer
            self._learn(x[::every], y[::every])
        self._x, scaled = x, self._scaled(x)
        k = np.exp(-_distances(scaled, scaled))
        k[np.diag_indices(len(x))] += np.exp(self.log_noise)
        self._inverse = np.linalg.inv(k)
        self._mean = float(y.mean())
        self._alpha = self._inverse @ (y - self._mean)
        self._variance = max(1e-6, float((y - self._mean) @ self._alpha) / len(y))

    def predict(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation, each (M,), of what is behind the noise, at x (M, P)."""
        k = np.exp(-_distances(self._scaled(x), self._scaled(self._x)))
        variance = 1.0 - np.einsum("ij,ij->i", k @ self._inverse, k)
        return self._mean + k @ self._alpha, np.sqrt(self._variance * np.maximum(variance, 1e-9))

    def _scaled(self, x: np.ndarray) -> np.ndarray:
        return x * np.exp(0.5 * self.log_relevance)[self._place]

    def _learn(self, x: np.ndarray, y: np.ndarray) -> None:
        """Adam (Kingma & Ba 2015) on the posterior of relevances and noise, the amplitude at its best for each."""
        varied = [q for q in range(len(self.log_relevance)) if np.ptp(x[:, self._place == q], axis=0).any()]
        n = len(x)
        if not varied or len(varied) * n * n > MOST_QUESTIONS:
            return
        apart = np.stack([_distances(x[:, self._place == q], x[:, self._place == q]) for q in varied])  # (Q, N, N)
        flat, centred = apart.reshape(len(varied), -1), y - y.mean()
        state = np.append(self.log_relevance[varied], self.log_noise)
        middle = np.append(np.full(len(varied), self._middle), np.log(NOISE[0]))
        spread = np.append(np.full(len(varied), SPREAD), NOISE[1])
        first, second = np.zeros_like(state), np.zeros_like(state)
        for step in range(1, STEPS + 1):
            relevance, noise = np.exp(state[:-1]), np.exp(state[-1])
            k = np.exp(-(relevance @ flat)).reshape(n, n)
            inverse = np.linalg.inv(k + noise * np.eye(n))
            alpha = inverse @ centred
            pull = np.outer(alpha, alpha) / max(1e-6, centred @ alpha / n) - inverse
            gradient = np.append(-0.5 * relevance * (flat @ (pull * k).ravel()), 0.5 * noise * np.trace(pull))
            gradient -= (state - middle) / spread**2
            first, second = 0.9 * first + 0.1 * gradient, 0.99 * second + 0.01 * gradient**2
            state = state + RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
        self.log_relevance[varied], self.log_noise = state[:-1], float(np.clip(state[-1], -9.0, 1.0))


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared distances (N, M) of a (N, P) and b (M, P)."""
    squared = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2 * (a @ b.T)
    return np.maximum(squared, 0.0)


def groups(places: Sequence[int]) -> np.ndarray:
    """The number of the question of each place, where question q takes `places[q]` of them.

    >>> groups([2, 3])
    array([0, 0, 1, 1, 1])
    """
    return np.repeat(np.arange(len(places)), places)

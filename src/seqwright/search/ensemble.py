"""An ensemble of small networks that predicts scores from encoded candidates; where they disagree little is known.

After White et al. 2021 (arXiv:1910.11858), section 4: five feedforward networks. Ours differs: they are shallower and
trained together in one batched matrix product in numpy, each on its own Bayesian bootstrap of the trials (Rubin 1981)
rather than on another order of the same, and they predict ranks, so that the scale of the scores does not matter. To
each a random network is added that never learns (Osband et al. 2018, arXiv:1806.03335): far from all trials, members
that learnt the same would agree, and a search then never leaves the first summit.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

MEMBERS, HIDDEN = 5, (64, 32)
STEPS, RATE, DECAY = 120, 0.01, 1e-3
ADDED = 0.5  # the random network's standard deviation over the trials
ADDED_HIDDEN, ADDED_BIAS = 32, 0.5  # its one hidden layer, and the spread of its biases

Layers = tuple[list[np.ndarray], list[np.ndarray]]  # weights (K, A, B) and biases (K, 1, B) of all members


@dataclass
class Ensemble:
    """Predicts scores that were brought to about mean 0 and variance 1.

    Args:
        steps: of Adam on all trials at once, at each fit, from the beginning: so that a fit depends on the trials
            and the seed, not on what was fitted before.
    """

    members: int = MEMBERS
    hidden: tuple[int, ...] = HIDDEN
    steps: int = STEPS

    def fit(self, x: np.ndarray, y: np.ndarray, seed: int = 0) -> None:
        """Learn from x (N, P) and y (N,)."""
        rng = np.random.default_rng(seed)
        self._used = np.ptp(x, axis=0) > 0  # what never varied says nothing
        self._random = self._drawn(rng, x.shape[1], ADDED_HIDDEN, bias=ADDED_BIAS)
        raw = self._forward(_centred(x), *self._random)[-1]
        self._middle, self._spread = raw.mean(1, keepdims=True), raw.std(1, keepdims=True) + 1e-6
        target = y[:, None].astype(np.float32) - self._added(x)
        x = _centred(x[:, self._used])
        weights, biases = self._drawn(rng, x.shape[1], *self.hidden)
        share = rng.exponential(size=(self.members, len(x), 1))
        share = (share / share.sum(1, keepdims=True)).astype(np.float32)
        parameters = [*weights, *biases]
        first = [np.zeros_like(p) for p in parameters]
        second = [np.zeros_like(p) for p in parameters]
        for step in range(1, self.steps + 1):
            activations = self._forward(x, weights, biases)
            gradient = 2 * share * (activations[-1] - target)
            gradients: list[np.ndarray] = [np.zeros(0)] * len(parameters)
            for layer in reversed(range(len(weights))):
                inner = activations[layer]
                gradients[layer] = np.swapaxes(inner, -1, -2) @ gradient
                gradients[len(weights) + layer] = gradient.sum(1, keepdims=True)
                if layer:
                    gradient = (gradient @ np.swapaxes(weights[layer], -1, -2)) * (inner > 0)
            rate = RATE * (1 - (step - 1) / self.steps)
            for i, (p, g) in enumerate(zip(parameters, gradients, strict=True)):
                first[i] += 0.1 * (g - first[i])
                second[i] += 0.01 * (g * g - second[i])
                p -= rate * first[i] / (1 - 0.9**step) / (np.sqrt(second[i] / (1 - 0.99**step)) + 1e-8)
                if i < len(weights):
                    p *= 1 - rate * DECAY
        self._weights, self._biases = weights, biases

    def predict(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation over the members, each (M,), at x (M, P)."""
        learnt = self._forward(_centred(x[:, self._used]), self._weights, self._biases)[-1]
        said = (learnt + self._added(x))[..., 0].astype(float)  # (K, M)
        return said.mean(0), said.std(0)

    def _added(self, x: np.ndarray) -> np.ndarray:
        """What the random networks say at x (M, P), (K, M, 1)."""
        return ADDED * (self._forward(_centred(x), *self._random)[-1] - self._middle) / self._spread

    def _drawn(self, rng: np.random.Generator, inputs: int, *hidden: int, bias: float = 0.0) -> Layers:
        sizes = (inputs, *hidden, 1)
        weights = [rng.normal(0, np.sqrt(2 / max(1, a)), (self.members, a, b)) for a, b in pairwise(sizes)]
        biases = [rng.normal(0, bias, (self.members, 1, b)) for b in sizes[1:]]
        return [w.astype(np.float32) for w in weights], [b.astype(np.float32) for b in biases]

    @staticmethod
    def _forward(x: np.ndarray, weights: list[np.ndarray], biases: list[np.ndarray]) -> list[np.ndarray]:
        """What goes into each layer and what comes out of the last, (K, N, .) each."""
        activations = [np.broadcast_to(x, (len(weights[0]), *x.shape))]
        for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
            out = activations[-1] @ w + b
            activations.append(np.maximum(out, 0.0) if layer < len(weights) - 1 else out)
        return activations


def _centred(x: np.ndarray) -> np.ndarray:
    return (x - 0.5).astype(np.float32)

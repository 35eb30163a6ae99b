"""An ensemble of small networks that predicts scores from encoded candidates; where they disagree little is known.

After White et al. 2021 (arXiv:1910.11858), section 4: five feedforward networks. Ours differs: they are shallower and
trained together in one batched matrix product in numpy, each on its own Bayesian bootstrap of the trials (Rubin 1981)
rather than on another order of the same, and they predict ranks, so that the scale of the scores does not matter.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

MEMBERS, HIDDEN = 5, (64, 32)
STEPS, RATE, DECAY = 120, 0.01, 1e-3


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
        x = (x[:, self._used] - 0.5).astype(np.float32)
        sizes = (x.shape[1], *self.hidden, 1)
        k = self.members
        drawn = [rng.normal(0, np.sqrt(2 / max(1, a)), (k, a, b)) for a, b in pairwise(sizes)]
        weights = [each.astype(np.float32) for each in drawn]
        biases = [np.zeros((k, 1, b), np.float32) for b in sizes[1:]]
        share = rng.exponential(size=(k, len(x), 1))
        share = (share / share.sum(1, keepdims=True)).astype(np.float32)
        parameters = [*weights, *biases]
        first = [np.zeros_like(p) for p in parameters]
        second = [np.zeros_like(p) for p in parameters]
        target = y[None, :, None].astype(np.float32)
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
        x = (x[:, self._used] - 0.5).astype(np.float32)
        said = self._forward(x, self._weights, self._biases)[-1][..., 0].astype(float)  # (K, M)
        return said.mean(0), said.std(0)

    @staticmethod
    def _forward(x: np.ndarray, weights: list[np.ndarray], biases: list[np.ndarray]) -> list[np.ndarray]:
        """What goes into each layer and what comes out of the last, (K, N, .) each."""
        activations = [np.broadcast_to(x, (len(weights[0]), *x.shape))]
        for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
            out = activations[-1] @ w + b
            activations.append(np.maximum(out, 0.0) if layer < len(weights) - 1 else out)
        return activations

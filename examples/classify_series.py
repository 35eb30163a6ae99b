"""Numbers in, a class out: series of two channels and unequal lengths, told apart by how the channels move together.

Run as: python examples/classify_series.py [BUDGET]
"""

import sys

import numpy as np

import seqwright


def swings(count: int, seed: int = 0) -> tuple[list[np.ndarray], list[str]]:
    """(T, 2) arrays with T of 30 to 60: the second channel follows the first, or runs ahead of it."""
    rng = np.random.default_rng(seed)
    series, labels = [], []
    for i in range(count):
        steps = np.arange(rng.integers(30, 61))
        period, lag = rng.uniform(8, 14), (2.0, -2.0)[i % 2]
        both = np.stack([np.sin(steps / period * 6.28), np.sin((steps - lag) / period * 6.28)], 1)
        series.append(both + rng.normal(0, 0.7, both.shape))
        labels.append(("follows", "leads")[i % 2])
    return series, labels


if __name__ == "__main__":
    result = seqwright.fit(swings(400), budget=sys.argv[1] if len(sys.argv) > 1 else "1m")
    for verdict in result.evidence["verdicts"] if result.evidence else ():
        print(verdict)
    series, labels = swings(10, seed=1)
    print(list(zip(labels, seqwright.predict(result.model, series)[0], strict=True)))

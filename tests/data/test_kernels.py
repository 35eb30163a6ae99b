"""Kernel features equal a plain loop over kernels, and with a ridge readout solve small real tasks."""

import json
from pathlib import Path

import numpy as np
import pytest

from seqwright.data.kernels import KERNELS, Kernels
from seqwright.data.scale import ChannelScale
from seqwright.errors import DataError

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "series"


def waves(n: int, channels: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(rng.integers(5, 70), channels)).cumsum(0).astype(np.float32) for _ in range(n)]


def plain(kernels: Kernels, series: np.ndarray) -> np.ndarray:
    """One series, one kernel and one step at a time."""
    values = kernels.scale.encode([series]).values.astype(np.float64)
    out = []
    for place, dilation in enumerate(kernels.dilations):
        for k, chosen in enumerate(KERNELS):
            weights = [2.0 if j in chosen else -1.0 for j in range(9)]
            response = []
            for t in range(len(values)):
                total = 0.0
                for j in range(9):
                    at = t + (j - 4) * dilation
                    if 0 <= at < len(values):
                        total += weights[j] * sum(values[at, c] for c in kernels.channels[place][k])
                response.append(total)
            if (k + place) % 2 and len(response) > 8 * dilation:
                response = response[4 * dilation : len(response) - 4 * dilation]
            out += [np.mean(np.array(response) > bias) for bias in kernels.biases[place][k]]
    return (np.array(out) - kernels.mean) / kernels.deviation


@pytest.mark.parametrize("channels", [1, 4])
def test_features_equal_a_plain_loop(channels: int):
    series = waves(6, channels)
    kernels = Kernels.fit(series, features=500, seed=3)
    found = kernels.encode(series)
    assert found.shape == (6, kernels.size)
    expected = np.stack([plain(kernels, s) for s in series])
    # A response within rounding of its bias may fall on either side.
    assert np.mean(np.abs(found - expected) > 1e-4) < 0.005


def test_long_series_equal_a_plain_loop():
    series = [np.random.default_rng(0).normal(size=(700, 1)).astype(np.float32)]
    kernels = Kernels.fit(series, features=84)
    assert np.mean(np.abs(kernels.encode(series)[0] - plain(kernels, series[0])) > 1e-4) < 0.02


def test_company_does_not_matter():
    series = waves(150, 2)
    kernels = Kernels.fit(series[:20], features=400)
    together = kernels.encode(series)
    np.testing.assert_allclose(kernels.encode([series[7]])[0], together[7], atol=1e-6)
    np.testing.assert_allclose(kernels.encode(series[::-1])[::-1], together, atol=1e-6)


def test_training_features_are_standardised():
    series = waves(50, 1)
    found = Kernels.fit(series, features=800).encode(series)
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-4)
    assert np.median(found.std(0)) == pytest.approx(1, abs=1e-3)


def test_state_is_json_and_seeded():
    series = waves(12, 3)
    kernels = Kernels.fit(series, features=300, seed=1)
    again = Kernels.from_data(json.loads(json.dumps(kernels.as_data())))
    assert np.array_equal(again.encode(series), kernels.encode(series))
    assert Kernels.fit(series, features=300, seed=1).as_data() == kernels.as_data()
    assert Kernels.fit(series, features=300, seed=2).as_data() != kernels.as_data()


@pytest.mark.parametrize("series", [np.zeros((1, 1)), np.full((40, 1), 3.0), np.zeros((0, 1)), np.full((9, 1), np.nan)])
def test_odd_series_give_finite_features(series: np.ndarray):
    kernels = Kernels.fit(waves(8, 1), features=200)
    assert np.isfinite(kernels.encode([series])).all()
    assert np.isfinite(Kernels.fit([series, series], features=200).encode([series])).all()


def test_other_channels_are_refused():
    with pytest.raises(DataError, match="have 2 channels; the model was trained on 3"):
        Kernels.fit(waves(5, 3), features=100).encode(waves(2, 2))


def test_channels_are_standardised_and_filled():
    rng = np.random.default_rng(0)
    series = [(rng.normal(size=(30, 2)) * [5, 0.1] + [100, -3]).astype(np.float32) for _ in range(20)]
    series[0][3:5, 0] = np.nan
    scale = ChannelScale.fit(series)
    encoded = scale.encode(series)
    np.testing.assert_allclose(encoded.values.mean(0), 0, atol=0.02)
    np.testing.assert_allclose(encoded.values.std(0), 1, atol=0.02)
    first = encoded[0][:, 0]
    np.testing.assert_allclose(first[3:5], np.interp([3, 4], [2, 5], [first[2], first[5]]), rtol=1e-5)
    assert ChannelScale.from_data(json.loads(json.dumps(scale.as_data()))) == scale


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data sets are not here")
@pytest.mark.parametrize(
    ("name", "least"),
    [("gunpoint", 0.98), ("italypowerdemand", 0.95), ("basicmotions", 0.97), ("japanesevowels", 0.96)],
)
def test_a_ridge_on_the_features_is_the_strong_baseline(name: str, least: float):
    from sklearn.linear_model import RidgeClassifierCV

    def read(part: str) -> tuple[list[np.ndarray], np.ndarray]:
        arrays = np.load(SHARED / name / f"{part}.npz")
        return [x[:, :n].T for x, n in zip(arrays["X"], arrays["lengths"], strict=True)], arrays["y"]

    series, labels = read("train")
    test_series, test_labels = read("test")
    kernels = Kernels.fit(series)
    model = RidgeClassifierCV(np.logspace(-3, 5, 9)).fit(kernels.encode(series), labels)
    assert model.score(kernels.encode(test_series), test_labels) >= least

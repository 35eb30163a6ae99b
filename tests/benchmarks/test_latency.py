"""The benchmark of guessed latencies reads what it is given, and tells a model that learnt from one that could not."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import latency


@pytest.fixture
def device(tmp_path: Path) -> Path:
    """Networks whose time is a product of width and layers, with a little noise; `idle` says nothing."""
    rng = np.random.default_rng(0)
    x = np.stack([rng.integers(1, 9, 300), rng.integers(1, 7, 300), rng.integers(1, 9, 300)], 1)
    y = 3 * x[:, 0] * x[:, 1] * np.exp(rng.normal(0, 0.02, 300))
    path = tmp_path / "device.csv"
    head = "width,layers,idle,latency_mean_encoder,latency_mean_decoder,latency_std_encoder"
    np.savetxt(path, np.column_stack([x, y / 3, 2 * y / 3, y]), "%.6g", ",", header=head, comments="")
    return path


def test_a_product_is_learnt(device: Path) -> None:
    x, y = latency.read(device)
    assert x.shape == (300, 3) and np.allclose(y, 3 * x[:, 0] * x[:, 1], rtol=0.1)
    error, rank, wrong, _, by_mean = latency.measured(x, y, 100, seed=0)
    assert error < 0.15 < by_mean and rank > 0.95 and wrong <= 0.05
    shuffled = np.random.default_rng(1).permutation(y)
    assert latency.measured(x, shuffled, 100, seed=0)[0] > 3 * error


def test_the_command(device: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "SEEN", (50,))
    assert latency.main(["--data", str(device.parent), "--seeds", "2"]) == 0
    assert "device" in capsys.readouterr().out

"""The benchmark of cohorts of networks trains both sides to the same scores, and says how long each took."""

import pytest
import torch

from benchmarks import cohorts
from seqwright.train.cohort import shape_key


def test_both_sides_end_alike(capsys: pytest.CaptureFixture[str]) -> None:
    assert cohorts.main(["--quick", "--device", "cpu", "--networks", "convolution", "--width", "32"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("convolution")]
    assert [line[1:3] for line in lines] == [["4", "1"], ["4", "4"]]
    for *_, slow, fast, times, alone, together in lines:
        assert float(times) == pytest.approx(float(slow) / float(fast), abs=0.3)
        assert float(alone) == pytest.approx(float(together), abs=0.01)


def test_all_networks_can_be_built() -> None:
    for architecture in cohorts.networks(32).values():
        (one,) = cohorts.members(architecture, 1, 5, torch.device("cpu"), 1)
        assert shape_key(one) is not None

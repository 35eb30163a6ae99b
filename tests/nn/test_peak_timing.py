"""Memory that is counted, time that is measured, energy that is read."""

import time
from pathlib import Path

import pytest
import torch
from torch import nn

from seqwright.arch.blocks import Conv, Lstm, Skip
from seqwright.arch.interface import Interface, Stream
from seqwright.arch.network import Body, Layer, Mean, Mlp, Network, Words
from seqwright.nn import timing
from seqwright.nn.peak import MIB, _Alive, file_mib, peak_mib

TEXT = Interface((("words", Stream("tokens", 1000, 64)),), classes=3)


def network(mixer: object, layers: int = 1, width: int = 32) -> Network:
    return Network(Words(), Body((Layer(mixer, Skip()),) * layers, width), Mean(), Mlp(0))


def test_alive_counts_what_lives_at_once() -> None:
    """A chain frees what is read: at most two of (1, 1024) float32 live at a time, and three where one is kept."""
    with torch.device("meta"):
        x = torch.zeros(1, 1024)
        with _Alive() as chain:
            y = x
            for _ in range(10):
                y = y * 2
        assert (chain.most, chain.now) == (2 * 4096, 4096)
        with _Alive() as kept:
            first = x * 2
            y = first
            for _ in range(10):
                y = y * 2
            y = y + first
    assert (kept.most, kept.now) == (3 * 4096, 2 * 4096)


def test_views_and_what_was_there_cost_nothing() -> None:
    with torch.device("meta"):
        x = torch.zeros(8, 128)
        with _Alive() as alive:
            x.view(-1).narrow(0, 0, 5).mul_(2)
    assert alive.most == 0


def test_the_same_on_the_cpu() -> None:
    module = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 64))
    with _Alive() as real, torch.no_grad():
        module(torch.zeros(4, 64))
    module.to("meta")
    with _Alive() as counted, torch.no_grad():
        module(torch.zeros(4, 64, device="meta"))
    assert real.most == counted.most > 0


def test_peak_is_weights_and_activations() -> None:
    small, long = network(Conv(3)), Interface((("words", Stream("tokens", 1000, 640)),), classes=3)
    weights = file_mib(small, TEXT)
    beside = peak_mib(small, TEXT) - weights
    assert 2 * 64 * 32 * 4 / MIB < beside < 12 * 64 * 32 * 4 / MIB  # a few of (T, D) float32
    assert peak_mib(small, long) - weights == pytest.approx(10 * beside, rel=0.2)  # ten times the steps
    deep = network(Conv(3), layers=4)
    assert peak_mib(deep, TEXT) - file_mib(deep, TEXT) < 1.3 * beside  # layers run one by one
    assert peak_mib(network(Lstm(64)), TEXT) > file_mib(network(Lstm(64)), TEXT)


def test_file_is_four_bytes_a_weight() -> None:
    from seqwright.nn.cost import cost

    parameters = cost(network(Conv(3)), TEXT)["parameters"]
    assert file_mib(network(Conv(3)), TEXT) == pytest.approx(4 * parameters / MIB, rel=0.01)


class Busy(nn.Module):
    """Takes about `ms` of the processor's time."""

    def __init__(self, ms: float) -> None:
        super().__init__()
        self.ms, self.calls, self.threads = ms, 0, 0

    def forward(self, batch: "dict[str, torch.Tensor]") -> None:
        end = time.thread_time() + self.ms / 1000
        while time.thread_time() < end:
            pass
        self.calls += 1
        self.threads = torch.get_num_threads()


def test_latency_is_the_median_of_many_runs_on_one_thread() -> None:
    threads, module = torch.get_num_threads(), Busy(2.0)
    module.train()
    assert timing.latency_ms(module, {}) == pytest.approx(2.0, rel=0.3)
    assert module.calls >= timing.RUNS and module.threads == 1
    assert torch.get_num_threads() == threads and module.training  # all as it was


def test_energy_is_the_meters_difference_for_each_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A counter that turns over between two readings; a part of a package is not counted twice."""
    meter, part = tmp_path / "intel-rapl:0", tmp_path / "intel-rapl:0:1"
    for folder in (meter, part):
        folder.mkdir()
        (folder / "energy_uj").write_text("900000\n")
        (folder / "max_energy_range_uj").write_text("999999\n")
    monkeypatch.setattr(timing, "RAPL", tmp_path)
    monkeypatch.setattr(timing, "ENERGY_S", 0.02)
    assert timing.readable() == ""

    class Spends(Busy):
        def forward(self, batch: "dict[str, torch.Tensor]") -> None:
            super().forward(batch)
            used = int((meter / "energy_uj").read_text()) + 50_000
            (meter / "energy_uj").write_text(str(used % 1_000_000))

    module = Spends(5.0)
    spent = timing.joules(module, {})
    total = 0.05 * module.calls
    assert spent * module.calls == pytest.approx(total % 1.0 if total > 1 else total)


def test_no_meter_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "RAPL", tmp_path)
    assert "shows no meter" in timing.readable()

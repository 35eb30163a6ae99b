"""The benchmark of hidden states, on a small encoder: what it counts is there, and it fails where it should."""

import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks import features
from seqwright.testing.encoder import tiny_encoder


def test_it_tells_time_disk_and_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tiny_encoder(tmp_path / "encoder")
    (tmp_path / "cache").mkdir()
    asked = ["--texts", "200", "--steps", "16", "--encoder", str(folder), "--folder", str(tmp_path / "cache")]
    assert features.main(asked) == 0
    said = capsys.readouterr().out
    assert "200 texts of 16 pieces, 4 cuts of 32 units" in said and "encoding, all cuts" in said
    assert not list((tmp_path / "cache").iterdir())


def test_too_much_memory_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(features, "LIMIT_BYTES", 1 << 20)
    assert features.main(["--texts", "20", "--encoder", str(tiny_encoder(tmp_path)), "--steps", "8"]) == 1


def test_memory_of_its_own_is_seen_and_the_files_is_not(tmp_path: Path):
    (tmp_path / "file").write_bytes(bytes(300 << 20))
    with features.Memory().watched() as memory:
        mapped = np.memmap(tmp_path / "file", np.uint8, mode="r")
        assert not mapped.max()
        before = features.Memory()
        with before.watched():
            time.sleep(0.1)
        held = np.ones(200 << 20, np.uint8)
        assert held.min()
        time.sleep(0.1)
    grown = memory.peak_bytes - before.peak_bytes
    assert 150 << 20 < grown < 300 << 20

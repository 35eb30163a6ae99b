"""Training states on disk: the old one or the new one, never half of one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from seqwright.evaluate.sweep import sweep_unfinished
from seqwright.train import checkpoint

WRITER = """
import sys
from pathlib import Path
import torch
from seqwright.train import checkpoint
path, number = Path(sys.argv[1]), 0
while True:
    checkpoint.write(path, {str(i): torch.full((200_000,), float(number)) for i in range(20)}, {"number": number})
    print(number, flush=True)
    number += 1
"""


def test_round_trip(tmp_path: Path) -> None:
    tensors = {"a/b": torch.randn(3, 2), "c": torch.tensor(7), "empty": torch.zeros(0, 4)}
    facts = {"step": 3, "score": float("-inf"), "curve": [[1, 2.5, 0.25]]}
    path = tmp_path / "deep" / "state.safetensors"
    assert checkpoint.read(path) is None
    checkpoint.write(path, tensors, facts)
    found = checkpoint.read(path)
    assert found is not None and found[1] == facts and found[0].keys() == tensors.keys()
    for name, value in tensors.items():
        assert torch.equal(found[0][name], value) and found[0][name].dtype == value.dtype
    assert [p.name for p in path.parent.iterdir()] == ["state.safetensors"]


def test_a_write_that_fails_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state"
    checkpoint.write(path, {"a": torch.ones(1)}, {"step": 1})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.write(path, {"a": torch.zeros(1)}, {"step": 2})
    found = checkpoint.read(path)
    assert found is not None and found[1] == {"step": 1} and float(found[0]["a"]) == 1.0
    assert [p.name for p in tmp_path.iterdir()] == ["state"]


def test_a_writer_killed_in_the_middle_leaves_a_whole_state(tmp_path: Path) -> None:
    path = tmp_path / "state"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    half_written = 0
    for lines in (2, 4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], env=environment, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        while not list(tmp_path.glob("*.part")):  # it is writing now
            time.sleep(0.0002)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        half_written += len(list(tmp_path.glob("*.part"))) > 0
        found = checkpoint.read(path)
        assert found is not None
        tensors, facts = found
        assert all((value == facts["number"]).all() for value in tensors.values()), "a state of two halves"
        sweep_unfinished(tmp_path)
        assert [p.name for p in tmp_path.iterdir()] == ["state"]
    assert half_written, "no kill hit a write, so nothing was proved"

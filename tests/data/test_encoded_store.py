"""Encoded examples come back from disk as they were, without being read into memory, or with a clear error."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from seqwright.data.batch import collate
from seqwright.data.examples import Encoded, Ragged
from seqwright.data.store import load, save
from seqwright.errors import StudyError


def encoded(n: int = 9, per_step: bool = True) -> Encoded:
    rng = np.random.default_rng(0)
    words = Ragged.of([rng.integers(3, 9, i % 4 + 1) for i in range(n)], np.int32)
    streams = {"words": words, "a.first": words, "kernels": rng.normal(size=(n, 5)).astype(np.float32)}
    targets = Ragged(words.values.astype(np.int64), words.offsets) if per_step else np.arange(n)
    return Encoded(streams, targets, None if per_step else np.ones(n, np.float32), np.arange(n)[::-1].copy())


@pytest.mark.parametrize("per_step", [True, False])
@pytest.mark.parametrize("n", [0, 9])
def test_round_trip(tmp_path: Path, per_step: bool, n: int):
    given = encoded(n, per_step)
    save(tmp_path / "new", "train", given)
    found = load(tmp_path / "new", "train")
    assert list(found.streams) == list(given.streams)
    pairs = [(found.streams[k], given.streams[k]) for k in given.streams] + [(found.targets, given.targets)]
    for a, b in pairs:
        if isinstance(b, Ragged):
            assert np.array_equal(a.values, b.values) and np.array_equal(a.offsets, b.offsets)
            assert a.values.dtype == b.values.dtype
        else:
            assert np.array_equal(a, b) and a.dtype == b.dtype
    assert np.array_equal(found.rows, given.rows)
    assert (found.weights is None) == (given.weights is None)


def test_arrays_are_views_and_batches_are_not(tmp_path: Path):
    save(tmp_path, "train", encoded())
    found = load(tmp_path, "train")
    assert not found.streams["words"].values.flags.writeable
    assert not found.streams["words"].values.flags.owndata
    assert all(array.flags.writeable for array in collate(found, np.arange(4)).values())


def test_saving_again_replaces_and_leaves_nothing_else(tmp_path: Path):
    save(tmp_path, "train", encoded(4))
    before = load(tmp_path, "train")
    save(tmp_path, "train", encoded(9))
    assert [p.name for p in tmp_path.iterdir()] == ["train.safetensors"]
    assert (len(before), len(load(tmp_path, "train"))) == (4, 9)


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "garbage", "foreign"])
def test_what_cannot_be_read_is_said(tmp_path: Path, damage: str):
    path = save(tmp_path, "train", encoded())
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "foreign":
        save_file({"x": np.zeros(3)}, path)
    else:
        path.write_bytes({"empty": b"", "cut": content[: len(content) // 2], "garbage": b"\xff" * 500}[damage])
    with pytest.raises(StudyError, match=r"Cannot read the encoded examples .*train\.safetensors.*encode again"):
        load(tmp_path, "train")

"""The cache of hidden states: exact to bfloat16, shared by processes, bounded, and whole after a kill."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqwright.data.activations import Activations, default_folder, text_keys
from seqwright.data.batch import collate, epoch, lengths
from seqwright.data.examples import Encoded, Ragged

D = 8
DIGEST = "0123456789ab"


def texts(n: int, seed: int = 0, longest: int = 9) -> Ragged:
    rng = np.random.default_rng(seed)
    return Ragged.of([rng.integers(1, 5000, rng.integers(1, longest + 1)) for _ in range(n)], np.int32)


def states(pieces: Ragged, cut: int = 0) -> np.ndarray:
    """(sum of lengths, D) uint16: a function of the ids and the cut, in bfloat16."""
    x = torch.from_numpy(pieces.values.astype(np.float32)).unsqueeze(1) * torch.linspace(0.1, 1, D) + cut
    return x.bfloat16().view(torch.int16).numpy().view(np.uint16)


def put(cache: Activations, pieces: Ragged, cut: int = 0) -> str | None:
    return cache.add(DIGEST, cut, text_keys(pieces), pieces.lengths, states(pieces, cut))


def expected(pieces: Ragged, i: int, cut: int = 0) -> np.ndarray:
    bits = states(pieces.take([i]), cut)
    return torch.from_numpy(bits.view(np.int16)).view(torch.bfloat16).float().numpy()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 29), max_size=40), st.integers(1, 4))
def test_every_text_comes_back_from_whichever_shard(tmp_path_factory: pytest.TempPathFactory, asked, shards):
    cache, pieces = Activations(tmp_path_factory.mktemp("cache")), texts(30)
    for part in np.array_split(np.arange(30), shards):
        put(cache, pieces.take(part))
    wanted = pieces.take(asked)
    found = cache.find(DIGEST, 0, text_keys(wanted), D)
    assert len(found) == len(asked) and not len(found.missing)
    assert np.array_equal(found.lengths, wanted.lengths)
    for i in range(len(asked)):
        assert np.array_equal(found[i], expected(wanted, i))


def test_padded_is_zero_behind_each_text_and_take_keeps_the_order(tmp_path: Path):
    cache, pieces = Activations(tmp_path), texts(20)
    put(cache, pieces)
    found = cache.find(DIGEST, 0, text_keys(pieces), D).take([7, 3, 3, 19])
    x, mask = found.padded(np.asarray([2, 0]))
    assert x.dtype == np.float32 and x.shape == (2, mask.shape[1], D)
    for row, text in enumerate((3, 7)):
        size = pieces.lengths[text]
        assert mask[row].sum() == size and mask[row, :size].all()
        assert np.array_equal(x[row, :size], expected(pieces, text)) and not x[row, size:].any()
    empty = found.padded(np.asarray([], np.int64))
    assert empty[0].shape == (0, 1, D)


def test_a_batch_has_the_states_beside_the_pieces(tmp_path: Path):
    cache, pieces = Activations(tmp_path), texts(20)
    put(cache, pieces)
    found = cache.find(DIGEST, 0, text_keys(pieces), D)
    encoded = Encoded({"pretrained": pieces, "pretrained@0": found}, np.arange(20), None, np.arange(20))
    part = encoded.take(np.arange(19, -1, -2))
    assert np.array_equal(lengths(part, ("pretrained@0",)), lengths(part, ("pretrained",)))
    for index in epoch(part, 4, seed=0, epoch=0):
        batch = collate(part.only(("pretrained",)), index, ("pretrained",))
        assert batch.keys() == collate(part, index).keys()
        assert batch["pretrained@0"].shape == (*batch["pretrained"].shape, D)
        assert set(batch) == {"pretrained", "pretrained.mask", "pretrained@0", "targets"}
        assert not batch["pretrained@0"][~batch["pretrained.mask"]].any()
        for row, i in enumerate(batch["targets"]):
            assert np.array_equal(batch["pretrained@0"][row][batch["pretrained.mask"][row]], expected(pieces, i))
    alone = collate(part, np.asarray([0, 1]), ("pretrained@0",))
    assert set(alone) == {"pretrained@0", "pretrained.mask", "targets"}


def test_only_what_was_asked_for_is_found(tmp_path: Path):
    cache, pieces = Activations(tmp_path), texts(10)
    put(cache, pieces.take(range(5)))
    found = cache.find(DIGEST, 0, text_keys(pieces), D)
    assert found.missing.tolist() == [5, 6, 7, 8, 9] and not found.lengths[5:].any()
    assert not found.padded(np.asarray([6]))[1].any()
    keys = text_keys(pieces.take([0]))
    assert len(cache.find(DIGEST, 1, keys, D).missing) == 1  # another cut
    assert len(cache.find("ffffffffffff", 0, keys, D).missing) == 1  # another checkpoint
    assert len(cache.find(DIGEST, 0, keys, D + 1).missing) == 1  # another width: not of this checkpoint
    assert len(cache.find(DIGEST, 0, keys[:0], D)) == 0


def test_keys_tell_ids_lengths_and_segments_apart():
    a = Ragged.of([np.asarray([1, 2]), np.asarray([1, 2, 0]), np.asarray([1]), np.asarray([2])], np.int64)
    zeros, ones = (Ragged(np.full_like(a.values, v), a.offsets) for v in (0, 1))
    twice = Ragged.of([np.tile(a[i], 2) for i in range(4)])
    keys = np.concatenate([text_keys(a), text_keys(a, zeros), text_keys(a, ones), text_keys(twice)])
    assert len(np.unique(keys, axis=0)) == len(keys)
    narrow = Ragged(a.values.astype(np.int32), a.offsets)
    assert np.array_equal(text_keys(narrow), text_keys(a))
    assert np.array_equal(text_keys(a.take([3, 1])), text_keys(a)[[3, 1]])


def test_the_limit_holds_and_the_longest_unused_goes_first(tmp_path: Path):
    pieces = texts(40)
    parts = [pieces.take(range(i, i + 10)) for i in (0, 10, 20, 30)]
    put(Activations(tmp_path), parts[0])
    one = Activations(tmp_path).size_bytes()
    cache = Activations(tmp_path, limit_bytes=int(one * 3.5))
    for age, part in enumerate(parts[1:3]):
        put(cache, part, cut=age)
    for age, path in enumerate(sorted(tmp_path.rglob("*.safetensors"), key=lambda p: p.name)):
        os.utime(path, (1000 + age, 1000 + age))
    cache.find(DIGEST, 0, text_keys(parts[0]), D)  # used: no longer the oldest
    assert put(cache, parts[3])
    assert cache.size_bytes() <= cache.limit_bytes
    there = [
        not len(cache.find(DIGEST, cut, text_keys(p), D).missing) for p, cut in zip(parts, (0, 0, 1, 0), strict=True)
    ]
    assert there == [True, False, True, True]
    assert f"of at most {cache.limit_bytes / 2**30:.2f} GiB" in cache.said() and str(tmp_path) in cache.said()


def test_what_is_in_use_stays_and_then_there_is_no_room(tmp_path: Path):
    pieces = texts(20)
    first, second = pieces.take(range(10)), pieces.take(range(10, 20))
    put(Activations(tmp_path), first)
    tight = Activations(tmp_path, limit_bytes=Activations(tmp_path).size_bytes() + 10)
    held = tight.find(DIGEST, 0, text_keys(first), D)
    assert put(tight, second) is None and not len(tight.find(DIGEST, 0, text_keys(first), D).missing)
    assert np.array_equal(held[4], expected(first, 4))
    del held
    assert put(tight, second) is not None
    assert len(tight.find(DIGEST, 0, text_keys(first), D).missing) == 10


@pytest.mark.parametrize("damage", ["empty", "short", "noise", "foreign"])
def test_a_damaged_shard_is_as_if_it_had_never_been(tmp_path: Path, damage: str):
    cache, pieces = Activations(tmp_path), texts(10)
    name = put(cache, pieces)
    assert name
    path = tmp_path / DIGEST / "0" / name
    whole = path.read_bytes()
    if damage == "foreign":
        from safetensors.numpy import save_file

        save_file({"values": np.zeros(3, np.float32)}, path)
    else:
        path.write_bytes({"empty": b"", "short": whole[:-20], "noise": b"\x07" * len(whole)}[damage])
    assert len(cache.find(DIGEST, 0, text_keys(pieces), D).missing) == 10
    put(cache, pieces)
    assert not len(cache.find(DIGEST, 0, text_keys(pieces), D).missing)


WRITER = """
import sys, numpy as np
from seqwright.data.activations import Activations, text_keys
from seqwright.data.examples import Ragged
seed, folder = int(sys.argv[1]), sys.argv[2]
for i in range(int(sys.argv[3])):
    ids = Ragged.of([np.asarray([seed, i, j]) for j in range(200)])
    values = np.repeat(ids.values.astype(np.uint16)[:, None], 64, 1)
    Activations(folder=__import__("pathlib").Path(folder)).add("0123456789ab", 0, text_keys(ids), ids.lengths, values)
    print(i, flush=True)
"""


def writer(folder: Path, seed: int, shards: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WRITER, str(seed), str(folder), str(shards)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "src"})


def test_a_kill_while_writing_leaves_whole_shards_only(tmp_path: Path):
    process = writer(tmp_path, 3, 100_000)
    assert process.stdout
    for _ in range(20):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    # As if the kill had come half-way through a shard, which the one above need not have.
    (tmp_path / DIGEST / "0" / ".half.safetensors.unfinished").write_bytes(b"\x00" * 99)
    cache = Activations(tmp_path)
    ids = Ragged.of([np.asarray([3, i, j]) for i in range(20) for j in range(200)])
    found = cache.find(DIGEST, 0, text_keys(ids), 64)
    assert not len(found.missing) and len(cache.names(DIGEST, 0)) >= 20
    bits = found[777].view(np.uint32) >> 16
    assert np.array_equal(bits[:, 0], [3, 3, 177])
    for path in tmp_path.rglob("*.unfinished"):
        os.utime(path, (time.time() - 4000,) * 2)
    assert cache.make_room(0) and not list(tmp_path.rglob("*.unfinished"))


def test_two_processes_write_at_once(tmp_path: Path):
    both = [writer(tmp_path, seed, 15) for seed in (1, 2)]
    for process in both:
        process.communicate()
        assert process.returncode == 0
    ids = Ragged.of([np.asarray([seed, i, j]) for seed in (1, 2) for i in range(15) for j in range(200)])
    found = Activations(tmp_path).find(DIGEST, 0, text_keys(ids), 64)
    assert not len(found.missing)
    assert np.array_equal(found[3000].view(np.uint32)[:, 0] >> 16, [2, 0, 0])


def test_the_folder_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("SEQWRIGHT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "seqwright" / "features"
    monkeypatch.setenv("SEQWRIGHT_CACHE", str(tmp_path / "mine"))
    assert default_folder() == tmp_path / "mine" / "features" == Activations().folder
    monkeypatch.delenv("SEQWRIGHT_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_folder() == Path.home() / ".cache" / "seqwright" / "features"
    assert replace(Activations(tmp_path), limit_bytes=5).folder == tmp_path

"""Features: what the cache gives is what the encoder makes, whoever computed it, and whatever came in between."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from seqwright.arch.interface import Interface, Stream
from seqwright.arch.network import Last, Max, Mean
from seqwright.data.activations import Activations, text_keys
from seqwright.data.batch import padded
from seqwright.data.checkpoint import locate
from seqwright.data.examples import Encoded, Ragged
from seqwright.data.finding import Finding
from seqwright.errors import InputError
from seqwright.evaluate import features
from seqwright.evaluate.features import attach, pooled
from seqwright.nn.encoders import shared
from seqwright.nn.readouts import readout
from seqwright.testing.encoder import tiny_encoder


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_encoder(tmp_path_factory.mktemp("bert"))


def interface(folder: Path) -> Interface:
    checkpoint = locate(folder)
    stream = Stream(
        *("pieces", checkpoint.vocabulary, checkpoint.length, str(folder)),
        *(checkpoint.digest, checkpoint.depth, checkpoint.width),
    )
    return Interface(tuple((name, stream) for name in ("pretrained", "pretrained.a", "pretrained.b")), 2, sides=2)


def texts(n: int, seed: int = 0, longest: int = 30) -> Ragged:
    rng = np.random.default_rng(seed)
    return Ragged.of([rng.integers(5, 100, rng.integers(2, longest + 1)) for _ in range(n)], np.int32)


def encoded(n: int = 40, seed: int = 0) -> Encoded:
    a, b = texts(n, seed), texts(n, seed + 1)
    joined = Ragged.of([np.concatenate([a[i], b[i]]) for i in range(n)], np.int32)
    kinds = Ragged.of([np.repeat([0, 1], [len(a[i]), len(b[i])]) for i in range(n)], np.int32)
    streams = {"pretrained": joined, "pretrained.segments": kinds, "pretrained.a": a, "pretrained.b": b}
    return Encoded(streams, np.arange(n) % 2, None, np.arange(n))


def straight(folder: Path, data: Encoded, name: str, cut: int) -> list[np.ndarray]:
    """The states of each text, encoded alone in float32."""
    found = []
    for i in range(len(data)):
        ids, mask = padded(data.streams[name], np.asarray([i]))
        kinds = data.streams.get(name + ".segments")
        segments = None if kinds is None else torch.from_numpy(padded(kinds, np.asarray([i]))[0])
        with torch.no_grad():
            states = shared(str(folder), "cpu").states(
                torch.from_numpy(ids), torch.from_numpy(mask), segments, cuts=[cut]
            )
        found.append(states[cut][0].numpy())
    return found


def put(folder: Path, data: Encoded, cache: Activations, streams=("pretrained",), cuts=(2, 4), **more) -> Encoded:
    return attach(data, interface(folder), streams, cuts, cache, precision="float32", **more)


@pytest.mark.parametrize("family", ["bert", "gpt2", "xlnet"])
def test_the_states_are_the_encoders_to_bfloat16(tmp_path: Path, family: str):
    folder, data = tiny_encoder(tmp_path / "encoder", family), encoded()
    names = ("pretrained", "pretrained.a", "pretrained.b")
    found = put(folder, data, Activations(tmp_path / "cache"), names, (0, 3, 4))
    assert list(found.streams) == [*data.streams, *(f"{n}@{c}" for n in names for c in (0, 3, 4))]
    for name in names:
        for cut in (0, 3, 4):
            stored = found.streams[f"{name}@{cut}"]
            assert np.array_equal(stored.lengths, data.streams[name].lengths)
            for i, x in enumerate(straight(folder, data, name, cut)):
                assert np.abs(stored[i] - x).max() <= 2**-8 * np.abs(x).max() + 1e-5


def test_segments_count(bert: Path, tmp_path: Path):
    data, cache = encoded(), Activations(tmp_path)
    told = put(bert, data, cache, cuts=(4,)).streams["pretrained@4"]
    alone = Encoded({"pretrained": data.streams["pretrained"]}, data.targets, None, data.rows)
    untold = put(bert, alone, cache, cuts=(4,)).streams["pretrained@4"]
    assert np.abs(told[3] - untold[3]).max() > 0.05


def test_bfloat16_is_near_float32(bert: Path, tmp_path: Path):
    data = encoded()
    a = put(bert, data, Activations(tmp_path / "a"), cuts=(4,)).streams["pretrained@4"]
    half = attach(data, interface(bert), ["pretrained"], [4], Activations(tmp_path / "b"), precision="bfloat16")
    b = half.streams["pretrained@4"]
    apart = [np.linalg.norm(a[i] - b[i]) / np.linalg.norm(a[i]) for i in range(len(data))]
    assert 0 < np.mean(apart) < 0.05


def test_what_is_there_is_not_computed_again(tmp_path: Path):
    folder, data, cache = tiny_encoder(tmp_path / "encoder"), encoded(), Activations(tmp_path / "cache")
    sides, told = interface(folder), []
    first = attach(
        data, sides, ["pretrained.a"], [2, 4], cache, progress=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (40, 40)
    size = cache.size_bytes()
    again = data.take([5, 1, 1])
    shutil.rmtree(folder)  # it cannot be computed any more
    told.clear()
    second = attach(again, sides, ["pretrained.a"], [4, 2], cache, progress=lambda *at: told.append(at))
    assert not told and cache.size_bytes() == size
    for row, i in enumerate((5, 1, 1)):
        assert np.array_equal(second.streams["pretrained.a@2"][row], first.streams["pretrained.a@2"][i])


def test_a_text_that_comes_often_is_kept_once(bert: Path, tmp_path: Path):
    data, cache, told = encoded(10), Activations(tmp_path), []
    put(bert, data.take(np.tile(np.arange(10), 5)), cache, cuts=(4,), progress=lambda *at: told.append(at))
    assert told[-1] == (10, 10)


def test_only_the_missing_cuts_of_the_missing_texts_are_computed(bert: Path, tmp_path: Path):
    data, cache, told = encoded(30), Activations(tmp_path), []
    put(bert, data.take(range(10)), cache, cuts=(4,))
    one = cache.size_bytes()
    put(bert, data.take(range(10)), cache, cuts=(2, 4))
    assert cache.size_bytes() == pytest.approx(2 * one, rel=0.02)
    put(bert, data, cache, cuts=(4,), progress=lambda *at: told.append(at))
    assert told[-1] == (20, 20)


def test_what_does_not_fit_is_left_to_the_stem_and_said(bert: Path, tmp_path: Path):
    data, said = encoded(), list[Finding]()
    whole = Activations(tmp_path / "a")
    put(bert, data, whole, cuts=(4,))
    small = Activations(tmp_path / "b", limit_bytes=int(whole.size_bytes() * 2.5))
    found = put(bert, data, small, cuts=(0, 2, 4), say=said.append)
    assert "pretrained@4" in found.streams and "pretrained@2" in found.streams and "pretrained@0" not in found.streams
    assert small.size_bytes() <= small.limit_bytes
    assert len(said) == 1 and "after 0 layers" in said[0].text and said[0].flag == "--feature-cache"
    tiny = Activations(tmp_path / "c", limit_bytes=1000)
    assert list(put(bert, data, tiny, cuts=(2, 4), say=said.append).streams) == list(data.streams)
    assert tiny.size_bytes() == 0 and len(said) == 3


def test_older_data_sets_make_room(bert: Path, tmp_path: Path):
    measured = Activations(tmp_path / "a")
    put(bert, encoded(seed=0), measured, cuts=(4,))
    cache = Activations(tmp_path / "b", limit_bytes=int(measured.size_bytes() * 1.5))
    put(bert, encoded(seed=0), cache, cuts=(4,))
    found = put(bert, encoded(seed=2), cache, cuts=(4,))
    assert "pretrained@4" in found.streams and cache.size_bytes() <= cache.limit_bytes


def test_a_folder_that_cannot_be_written_is_said(bert: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    data, said = encoded(), list[Finding]()
    found = put(bert, data, Activations(tmp_path / "file"), cuts=(4,), say=said.append)
    assert list(found.streams) == list(data.streams)
    assert len(said) == 1 and "cannot be kept" in said[0].text


def test_without_time_it_stops_and_goes_on_later(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(features, "UNIT_BYTES", (4000, 4000))
    data, cache, said, told = encoded(), Activations(tmp_path), list[Finding](), []
    found = put(bert, data, cache, cuts=(4,), stop_at=time.time() - 1, say=said.append)
    assert "pretrained@4" not in found.streams and "in the time" in said[0].text
    found = put(bert, data, cache, cuts=(4,), progress=lambda *at: told.append(at))
    assert "pretrained@4" in found.streams and 0 < told[-1][1] < 40


def test_another_encoder_in_the_old_ones_place(tmp_path: Path):
    folder, data = tiny_encoder(tmp_path / "encoder"), encoded()
    sides = interface(folder)
    tiny_encoder(folder, seed=1)
    cache = Activations(tmp_path / "cache")
    with pytest.raises(InputError, match="has changed"):
        attach(data, sides, ["pretrained"], [4], cache)
    assert cache.size_bytes() == 0


WORKER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from tests.evaluate.test_features import encoded, put
from seqwright.data.activations import Activations
from seqwright.evaluate import features
import torch
torch.set_num_threads(1)
features.UNIT_BYTES = (20_000, 20_000)
told = lambda done, total: print(done, total, flush=True)
put(Path(sys.argv[1]), encoded(int(sys.argv[4])), Activations(Path(sys.argv[2])), cuts=(2, 4), progress=told)
"""


def worker(encoder: Path, cache: Path, n: int) -> "subprocess.Popen[str]":
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", WORKER, str(encoder), str(cache), str(root), str(n)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def test_a_kill_half_way_costs_one_unit(bert: Path, tmp_path: Path):
    process = worker(bert, tmp_path, 2000)
    assert process.stdout
    for _ in range(3):
        done = int(process.stdout.readline().split()[0])
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    data, told = encoded(2000), []
    found = put(bert, data, Activations(tmp_path), cuts=(2, 4), progress=lambda *at: told.append(at))
    assert told[-1][1] <= 2000 - done
    for i, x in enumerate(straight(bert, data.take(range(20)), "pretrained", 4)):
        assert np.abs(found.streams["pretrained@4"][i] - x).max() <= 2**-8 * np.abs(x).max() + 1e-5


def test_two_processes_share_the_work(bert: Path, tmp_path: Path):
    alone, both = Activations(tmp_path / "alone"), Activations(tmp_path / "both")
    put(bert, encoded(2000), alone, cuts=(2, 4))
    process = worker(bert, both.folder, 2000)
    assert process.stdout and process.stdout.readline()
    found = put(bert, encoded(2000), both, cuts=(2, 4))
    process.communicate()
    assert process.returncode == 0
    assert both.size_bytes() < 1.5 * alone.size_bytes()
    assert not len(found.streams["pretrained@2"].missing) and not len(found.streams["pretrained@4"].missing)


@pytest.mark.parametrize("kind", [Mean, Max, Last])
def test_pooled_equals_the_networks_readout(bert: Path, tmp_path: Path, kind):
    data = encoded(60).take(np.random.default_rng(0).permutation(60)[:45])
    cache = Activations(tmp_path)
    put(bert, data.take(range(20)), cache, cuts=(4,))  # two shards, neither in the order asked for
    stored = put(bert, data, cache, cuts=(4,)).streams["pretrained@4"]
    x, mask = (torch.from_numpy(a) for a in stored.padded(np.arange(45)))
    expected = readout(kind(), 32)(x, mask).numpy()
    assert np.abs(pooled(stored, kind.__name__) - expected).max() < 1e-5
    some = pooled(stored.take([3, 40, 3]), kind.__name__)
    assert some.dtype == np.float32 and np.abs(some - expected[[3, 40, 3]]).max() < 1e-5


def test_pooled_reads_the_step_that_sums_up(bert: Path, tmp_path: Path):
    stored = put(bert, encoded(9), Activations(tmp_path), cuts=(4,)).streams["pretrained@4"]
    first, last = pooled(stored, "ClsToken", "first"), pooled(stored, "ClsToken", "last")
    for i in range(9):
        assert np.array_equal(first[i], stored[i][0]) and np.array_equal(last[i], stored[i][-1])
    with pytest.raises(ValueError, match="AttentionPool"):
        pooled(stored, "AttentionPool")


def test_states_are_not_read_into_anonymous_memory(bert: Path, tmp_path: Path):
    """400 MB of states of two cuts; what the process itself holds grows by far less."""
    rng = np.random.default_rng(0)
    cache, n, length, width = Activations(tmp_path), 6000, 64, 256
    ids = Ragged(rng.integers(0, 9999, n * length), np.arange(0, n * length + 1, length))
    keys = text_keys(ids)
    for start in range(0, n, 1000):
        lengths = np.full(1000, length)
        for cut in (0, 1):
            values = np.full((1000 * length, width), 0x3F80, np.uint16)
            cache.add("0" * 12, cut, keys[start : start + 1000], lengths, values)
    del values
    before = anonymous()
    for cut in (0, 1):
        stored = cache.find("0" * 12, cut, keys, width)
        assert len(stored.shards) == 6
        assert pooled(stored, "Mean").mean() == pytest.approx(1.0)
        for start in range(0, n, 32):
            stored.padded(np.arange(start, min(n, start + 32)))
    assert cache.size_bytes() > 390e6
    assert anonymous() - before < 60e6


def anonymous() -> int:
    memory = psutil.Process().memory_info()
    return memory.rss - getattr(memory, "shared", 0)

"""Batches hold every example once, pad only what they must, and depend on the seed and the epoch alone."""

import numpy as np
import pytest

from seqwright.data.batch import collate, epoch, lengths
from seqwright.data.examples import Encoded, Ragged


def encoded(n: int = 203, per_step: bool = False, seed: int = 0) -> Encoded:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 40, n)
    words = Ragged.of([rng.integers(3, 99, size) for size in sizes], np.int32)
    targets = Ragged.of([rng.integers(0, 5, size) for size in sizes]) if per_step else rng.integers(0, 4, n)
    streams = {
        "words": words,
        "word_characters": Ragged.of([rng.integers(3, 99, (size, 6)) for size in sizes], np.int32),
        "channels": Ragged.of([rng.normal(size=(2 * size, 3)) for size in sizes], np.float32),
        "ngrams": Ragged.of([rng.integers(1, 50, 3 * (i % 3)) for i in range(n)], np.int32),
        "kernels": rng.normal(size=(n, 7)).astype(np.float32),
    }
    streams["ngrams.weight"] = Ragged(
        rng.random(len(streams["ngrams"].values)).astype(np.float32), streams["ngrams"].offsets
    )
    return Encoded(streams, targets, rng.random(n).astype(np.float32), np.arange(n))


@pytest.mark.parametrize("shuffle", [True, False])
def test_every_example_once(shuffle: bool):
    batches = epoch(encoded(), 16, seed=0, epoch=0, shuffle=shuffle)
    assert sorted(np.concatenate(batches).tolist()) == list(range(203))
    assert max(map(len, batches)) == 16


def test_order_is_a_function_of_seed_and_epoch():
    data = encoded()

    def order(seed: int, number: int) -> list[int]:
        return np.concatenate(epoch(data, 16, seed=seed, epoch=number)).tolist()

    assert order(1, 2) == order(1, 2)
    assert len({tuple(order(1, 2)), tuple(order(1, 3)), tuple(order(2, 2))}) == 3


def test_like_lengths_go_together():
    data = encoded(2000)
    long = data.streams["words"].lengths
    batches = epoch(data, 16, seed=0, epoch=0, streams=["words"])
    wasted = sum(int((long[b].max() - long[b]).sum()) for b in batches) / long.sum()
    assert wasted < 0.05
    assert np.array_equal(lengths(data, ["words"]), long)
    assert np.array_equal(lengths(data), 2 * long)  # channels are the longest
    assert (lengths(data, ["ngrams", "kernels"]) == 1).all()


def test_collate_equals_a_loop_over_rows():
    data, index = encoded(), np.array([5, 0, 77, 5])
    batch = collate(data, index)
    for name in ("words", "word_characters", "channels"):
        stream = data.streams[name]
        assert batch[name].dtype == (np.float32 if name == "channels" else np.int64)
        assert batch[name].shape[1] == max(len(stream[i]) for i in index)
        for row, mask, i in zip(batch[name], batch[name + ".mask"], index, strict=True):
            assert np.array_equal(row[: len(stream[i])], stream[i])
            assert not row[len(stream[i]) :].any()
            assert mask.sum() == len(stream[i]) and mask[: len(stream[i])].all()
    bag, weight = data.streams["ngrams"], data.streams["ngrams.weight"]
    assert "ngrams.mask" not in batch
    for row, weights, i in zip(batch["ngrams"], batch["ngrams.weight"], index, strict=True):
        assert np.array_equal(row[: len(bag[i])], bag[i]) and not row[len(bag[i]) :].any()
        assert np.array_equal(weights[: len(bag[i])], weight[i]) and not weights[len(bag[i]) :].any()
    assert np.array_equal(batch["kernels"], data.streams["kernels"][index])
    assert np.array_equal(batch["targets"], data.targets[index])
    assert np.array_equal(batch["weights"], data.weights[index])


def test_targets_per_step_are_minus_one_at_padding():
    data, index = encoded(per_step=True), np.array([3, 9, 4])
    batch = collate(data, index, ["words"])
    assert batch["targets"].shape == batch["words"].shape
    assert np.array_equal(batch["targets"] >= 0, batch["words.mask"])
    for row, i in zip(batch["targets"], index, strict=True):
        assert np.array_equal(row[row >= 0], data.targets[i])


def test_only_the_streams_that_are_read_are_gathered():
    assert set(collate(encoded(), np.arange(3), ["ngrams"])) == {"ngrams", "ngrams.weight", "targets", "weights"}


def test_empty_bags_have_one_column_of_padding():
    data = encoded()
    empty = np.flatnonzero(data.streams["ngrams"].lengths == 0)[:4]
    batch = collate(data, empty, ["ngrams"])
    assert batch["ngrams"].shape == (4, 1) and not batch["ngrams"].any() and not batch["ngrams.weight"].any()

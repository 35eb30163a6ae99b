"""Features: a frozen encoder's hidden states put beside the pieces, from the cache or computed into it.

A text is encoded once for all runs that ask for it. What is missing is computed in units of like length, each written
before the next begins, so a kill costs one unit; processes that need the same texts start at different ones and take
over what the others have written.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from seqwright.arch.interface import Interface, Stream
from seqwright.data.activations import Activations, text_keys
from seqwright.data.examples import Encoded, Ragged
from seqwright.data.finding import Finding
from seqwright.data.pooling import pooled
from seqwright.data.stored import Stored
from seqwright.evaluate.encoding import hidden_states

__all__ = ["attach", "pooled", "stored_name"]

UNITS = 64  # into which the texts of a data set are divided, within these bounds
UNIT_BYTES = (4 << 20, 64 << 20)  # of one cut
_BYTES = 2  # of a bfloat16

Say = Callable[[Finding], None]


def stored_name(stream: str, cut: int) -> str:
    """The stream of an encoder's states after `cut` layers: "pretrained.a@3"."""
    return f"{stream}@{cut}"


def attach(
    encoded: Encoded,
    interface: Interface,
    streams: Sequence[str],
    cuts: Sequence[int],
    cache: Activations,
    *,
    precision: str = "auto",
    device: str = "auto",
    stop_at: float | None = None,
    progress: Callable[[int, int], None] | None = None,
    say: Say | None = None,
) -> Encoded:
    """The same examples, with `stream@cut` for every cut of every stream that the cache has or can hold.

    A cut that would not fit the cache's limit is left out (the highest are tried first, as they save most), and so is
    one that was not finished by `stop_at`: the network's stem computes what is not given. What was computed is kept.

    Args:
        streams: of form "pieces": "pretrained", or "pretrained.a" and "pretrained.b".
        cuts: after how many layers; 0 is the embeddings, the encoder's depth its end.
        precision: "float32", "bfloat16", or "auto" for whichever this processor is fast with.
        stop_at: time.time() by which to have stopped.
        progress: told (texts done, texts to do).
        say: told of what was left out, and why.

    Raises:
        InputError: the checkpoint cannot be read, or is not the one that the data are prepared for.
    """
    known = dict(interface.streams)
    added: dict[str, Any] = {}
    for name in streams:
        pieces, segments = encoded.streams[name], encoded.streams.get(f"{name}.segments")
        work = _Work(pieces, segments, known[name], cache, say or _unheard)
        for cut, stored in work.stored(cuts, precision, device, stop_at, progress).items():
            added[stored_name(name, cut)] = stored
    return replace(encoded, streams=encoded.streams | added)


def _unheard(finding: Finding) -> None:
    return None


def _past(stop_at: float | None) -> bool:
    return stop_at is not None and time.time() > stop_at


@dataclass
class _Work:
    """The texts of one stream, each distinct one once."""

    pieces: Ragged
    segments: Ragged | None
    stream: Stream
    cache: Activations
    say: Say

    def __post_init__(self) -> None:
        every = text_keys(self.pieces, self.segments)
        _, self.texts, self.inverse = np.unique(every, axis=0, return_index=True, return_inverse=True)
        self.inverse = self.inverse.reshape(-1)
        self.keys = every[self.texts]
        self.lengths = self.pieces.lengths[self.texts]

    def find(self, cut: int, among: "set[str] | None" = None) -> Stored:
        return self.cache.find(self.stream.digest, cut, self.keys, self.stream.width, among)

    def stored(
        self, cuts: Sequence[int], precision: str, device: str, stop_at: float | None, progress: Any
    ) -> dict[int, Stored]:
        """By cut, in the order of the examples; only whole ones."""
        held = self._fitting({cut: self.find(cut) for cut in sorted(set(cuts), reverse=True)})
        wanting = {cut: np.isin(np.arange(len(self.keys)), found.missing) for cut, found in held.items()}
        if any(missing.any() for missing in wanting.values()):
            self._compute(wanting, precision, device, stop_at, progress)
            held = {cut: self.find(cut) if len(old.missing) else old for cut, old in held.items()}
            for cut in [cut for cut, found in held.items() if len(found.missing)] if _past(stop_at) else []:
                self._left_out(cut, "could not be finished in the time there was")
        whole = {cut: found.take(self.inverse) for cut, found in held.items() if not len(found.missing)}
        return {cut: whole[cut] for cut in dict.fromkeys(cuts) if cut in whole}

    def _fitting(self, found: dict[int, Stored]) -> dict[int, Stored]:
        """The cuts that the cache can hold together, room made for what they lack."""
        kept: dict[int, Stored] = {}
        own = lacking = 0
        for cut, stored in found.items():
            own += self._bytes(self.lengths)
            lacking += self._bytes(self.lengths[stored.missing])
            if own <= self.cache.limit_bytes and (not len(stored.missing) or self.cache.make_room(lacking)):
                kept[cut] = stored
                continue
            own -= self._bytes(self.lengths)
            lacking -= self._bytes(self.lengths[stored.missing])
            self._left_out(cut, f"do not fit beside what is in use ({self.cache.said()})", "--feature-cache")
        return kept

    def _bytes(self, lengths: np.ndarray) -> int:
        """What texts of these lengths take on disk."""
        return int(lengths.sum()) * self.stream.width * _BYTES + 24 * len(lengths)

    def _left_out(self, cut: int, why: str, flag: str = "") -> None:
        size = self._bytes(self.lengths) / 2**30
        text = f"The hidden states after {cut} layers ({size:.2f} GiB) {why}; they are computed anew each time"
        self.say(Finding("warned", text, flag))

    def _units(self, missing: np.ndarray) -> list[np.ndarray]:
        """Texts of like length that are computed and written together, in an order of this process's own."""
        order = np.flatnonzero(missing)
        order = order[np.argsort(self.lengths[order], kind="stable")]
        size = self.lengths[order].cumsum() * self.stream.width * _BYTES
        if not len(order):
            return []
        unit = min(max(int(size[-1]) // UNITS, UNIT_BYTES[0]), UNIT_BYTES[1])
        parts = np.split(order, np.flatnonzero(np.diff(size // unit)) + 1)
        return [parts[i] for i in np.random.default_rng(os.getpid()).permutation(len(parts))]

    def _compute(
        self, wanting: dict[int, np.ndarray], precision: str, device: str, stop_at: float | None, progress: Any
    ) -> None:
        """Compute what the cuts are wanting, and mark it off as it is written, by whichever process."""
        known = {cut: self.cache.names(self.stream.digest, cut) for cut in wanting}
        lacking = np.logical_or.reduce(list(wanting.values()))
        total, done = int(lacking.sum()), 0
        for unit in self._units(lacking):
            for cut, missing in wanting.items():
                if fresh := self.cache.names(self.stream.digest, cut) - known[cut]:
                    missing &= self.find(cut, fresh).which < 0
                    known[cut] |= fresh
            cuts = [cut for cut, missing in wanting.items() if missing[unit].any()]
            rows = unit[np.logical_or.reduce([wanting[cut][unit] for cut in cuts])] if cuts else unit[:0]
            if _past(stop_at) and done:  # at least one unit a call, so that many short calls get there too
                return
            if len(rows) and not self._unit(rows, cuts, wanting, known, precision, device, stop_at):
                return
            done += len(unit)
            if progress:
                progress(done, total)

    def _unit(
        self,
        rows: np.ndarray,
        cuts: list[int],
        wanting: dict[int, np.ndarray],
        known: dict[int, set[str]],
        precision: str,
        device: str,
        stop_at: float | None,
    ) -> bool:
        """Compute and write one unit; false where there is no time or no room for more."""
        bits: dict[int, list[np.ndarray]] = {cut: [] for cut in cuts}
        done = 0
        batches = hidden_states(self.stream, self.pieces, self.segments, self.texts[rows], cuts, precision, device)
        for count, states in batches:
            for cut, values in states.items():
                bits[cut].append(values)
            done += count
            if _past(stop_at):
                break
        rows, whole = rows[:done], done == len(rows)
        for cut in cuts:
            try:
                values = np.concatenate(bits[cut])
                name = self.cache.add(self.stream.digest, cut, self.keys[rows], self.lengths[rows], values)
            except OSError as error:
                self._left_out(cut, f"cannot be kept ({error}; SEQWRIGHT_CACHE names another folder)")
                return False
            if name is None:
                self._left_out(cut, f"do not fit beside what is in use ({self.cache.said()})", "--feature-cache")
                return False
            known[cut].add(name)
            wanting[cut][rows] = False
        return whole

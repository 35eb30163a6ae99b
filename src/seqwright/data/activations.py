"""The cache of encoders' hidden states: computed once for a text, shared by every run that asks again.

``folder/<checkpoint digest>/<cut>/<name>.safetensors`` are shards of texts, each known by a digest of its ids. A shard
is written aside and renamed, so a kill leaves whole shards only, and any number of processes may write at once.
The size is bounded: what was used longest ago goes first, never what a living process has mapped.
"""

import hashlib
import os
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from seqwright.data.examples import Ragged
from seqwright.data.store import lock, mapped
from seqwright.data.stored import Shard, Stored

LIMIT_BYTES = 16 << 30
_FORMAT, _SCHEMA = "seqwright hidden states", "1"
_ABANDONED_S = 3600.0  # a file this long unfinished belongs to a process that was killed


def default_folder() -> Path:
    """``$SEQWRIGHT_CACHE/features``, or ``seqwright/features`` in ``$XDG_CACHE_HOME``, by default ``~/.cache``."""
    if own := os.environ.get("SEQWRIGHT_CACHE"):
        return Path(own) / "features"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seqwright" / "features"


def text_keys(pieces: Ragged, segments: "Ragged | None" = None) -> np.ndarray:
    """(N, 16) uint8: BLAKE2b of each text's ids, and of its segments where two texts are joined."""
    keys = bytearray()
    ids = np.ascontiguousarray(pieces.values, "<i4")
    kinds = None if segments is None else np.ascontiguousarray(segments.values, "<i4")
    for start, stop in zip(pieces.offsets[:-1].tolist(), pieces.offsets[1:].tolist(), strict=True):
        # Personalised, so that segments are never taken for ids.
        digest = hashlib.blake2b(ids[start:stop].data, digest_size=16, person=b"alone" if kinds is None else b"joined")
        if kinds is not None:
            digest.update(kinds[start:stop].data)
        keys += digest.digest()
    return np.frombuffer(bytes(keys), np.uint8).reshape(-1, 16)


@dataclass(frozen=True)
class Activations:
    """A cache of hidden states in `folder`, of at most `limit_bytes`."""

    folder: Path = field(default_factory=default_folder)
    limit_bytes: int = LIMIT_BYTES

    def find(
        self, digest: str, cut: int, keys: np.ndarray, width: int, among: "Collection[str] | None" = None
    ) -> Stored:
        """Where the texts `keys` (N, 16) lie; their shards stay readable for as long as the result is kept.

        Args:
            among: names of shards to look in; all by default.
        """
        unique, inverse = np.unique(_numbers(keys), return_inverse=True)
        which, rows = np.full(len(unique), -1, np.int32), np.zeros(len(unique), np.int64)
        shards: list[Shard] = []
        for name in sorted(self.names(digest, cut) if among is None else among):
            if len(unique) and (which >= 0).all():
                break
            shard = self._open(digest, cut, name, width)
            if shard is None or not len(unique):
                continue
            theirs = _numbers(shard.keys)
            place = np.searchsorted(unique, theirs).clip(max=len(unique) - 1)
            new = np.flatnonzero((unique[place] == theirs) & (which[place] < 0))
            if len(new):
                which[place[new]], rows[place[new]] = len(shards), new
                shards.append(shard)
                _touch(shard.path)
        inverse = inverse.reshape(-1)
        return Stored(tuple(shards), which[inverse], rows[inverse], width)

    def add(self, digest: str, cut: int, keys: np.ndarray, lengths: np.ndarray, values: np.ndarray) -> str | None:
        """Write one shard; its name, or None where there is no room for it.

        Args:
            keys: (M, 16), from `text_keys`.
            lengths: (M,) steps of each text.
            values: (sum of lengths, D) uint16, bits of bfloat16.

        Raises: OSError when the folder cannot be written.
        """
        from safetensors.numpy import save_file

        if not self.make_room(values.nbytes + keys.nbytes + 8 * len(keys)):
            return None
        offsets = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        arrays = {"keys": keys, "offsets": offsets, "values": values}
        folder = self._folder(digest, cut)
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}.safetensors"
        unfinished = folder / f".{name}.unfinished"
        try:
            save_file(
                {key: np.ascontiguousarray(array) for key, array in arrays.items()},
                unfinished,
                metadata={"format": _FORMAT, "schema": _SCHEMA, "digest": digest, "cut": str(cut)},
            )
            os.replace(unfinished, folder / name)
        finally:
            unfinished.unlink(missing_ok=True)
        return name

    def names(self, digest: str, cut: int) -> set[str]:
        """The shards there are of one cut."""
        try:
            return {name for name in os.listdir(self._folder(digest, cut)) if name.endswith(".safetensors")}
        except OSError:
            return set()

    def size_bytes(self) -> int:
        """What the cache takes on disk, unfinished files included."""
        return sum(size for _, size, _ in self._files())

    def said(self) -> str:
        """Its size in words."""
        size, limit = self.size_bytes() / 2**30, self.limit_bytes / 2**30
        return f"{size:.2f} GiB of at most {limit:.2f} GiB of encoders' hidden states are kept in {self.folder}"

    def make_room(self, need_bytes: int) -> bool:
        """Remove what was used longest ago until `need_bytes` more fit; whether they do.

        What a living process has mapped stays, this one's own included.
        """
        files = sorted(self._files())
        total = sum(size for _, size, _ in files)
        for used, size, path in files:
            unfinished = path.suffix == ".unfinished"
            if unfinished and time.time() - used < _ABANDONED_S:
                continue
            if (unfinished or total + need_bytes > self.limit_bytes) and _remove(path):
                total -= size
        return total + need_bytes <= self.limit_bytes

    def _folder(self, digest: str, cut: int) -> Path:
        return self.folder / digest / str(cut)

    def _open(self, digest: str, cut: int, name: str, width: int) -> Shard | None:
        """A shard, held open; None where it went meanwhile or is damaged, which is as if it had never been."""
        path = self._folder(digest, cut) / name
        try:
            arrays, metadata = mapped(path, held=True)
            if (metadata.get("format"), metadata.get("schema")) != (_FORMAT, _SCHEMA):
                return None
            shard = Shard(path, arrays["keys"], arrays["offsets"], arrays["values"])
            whole = len(shard.offsets) == len(shard.keys) + 1 and shard.offsets[-1] == len(shard.values)
            return shard if whole and shard.values.shape[1:] == (width,) else None
        except (OSError, ValueError, KeyError, IndexError):
            return None

    def _files(self) -> list[tuple[float, int, Path]]:
        """(last used, bytes, path) of every file."""
        found: list[tuple[float, int, Path]] = []
        for pattern in ("*/*/*.safetensors", "*/*/.*.unfinished"):
            for path in self.folder.glob(pattern):
                try:
                    facts = path.stat()
                except OSError:
                    continue  # another process was faster
                found.append((facts.st_mtime, facts.st_size, path))
        return found


def _numbers(keys: np.ndarray) -> np.ndarray:
    """(N,) one value a key that numpy can sort and compare."""
    return np.ascontiguousarray(keys).view(np.dtype([("high", "<u8"), ("low", "<u8")])).reshape(-1)


def _touch(path: Path) -> None:
    """Used just now; a folder that cannot be written keeps its order."""
    try:
        os.utime(path)
    except OSError:
        return


def _remove(path: Path) -> bool:
    """Remove a file that no living process has mapped."""
    try:
        with path.open("rb") as file:
            if not lock(file, shared=False):
                return False
            path.unlink()
            return True
    except OSError:
        return False

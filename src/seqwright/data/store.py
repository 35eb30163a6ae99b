"""Encoded examples on disk: one safetensors file, read back through a memory map, so workers share the pages."""

import json
import mmap
import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from seqwright.data.examples import Encoded, Ragged
from seqwright.errors import StudyError

_FORMAT, _SCHEMA = "seqwright encoded examples", "1"
_DTYPES = {
    "I64": np.int64,
    "I32": np.int32,
    "U16": np.uint16,
    "U8": np.uint8,
    "F32": np.float32,
    "F64": np.float64,
    "BOOL": np.bool_,
}


def save(folder: str | Path, name: str, encoded: Encoded) -> Path:
    """Write `folder/name.safetensors`, in one step: a killed writer leaves the old file or none."""
    from safetensors.numpy import save_file

    arrays: dict[str, np.ndarray] = {"rows": encoded.rows}
    if encoded.weights is not None:
        arrays["weights"] = encoded.weights
    parts: dict[str, Any] = {f"streams/{key}": value for key, value in encoded.streams.items()}
    if encoded.targets is not None:
        parts["targets"] = encoded.targets
    for key, value in parts.items():
        if isinstance(value, Ragged):
            arrays[key + "/values"], arrays[key + "/offsets"] = value.values, value.offsets
        else:
            arrays[key] = value
    path = Path(folder) / f"{name}.safetensors"
    unfinished = path.with_name(f".{name}.{os.getpid()}.unfinished")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        save_file(
            {key: np.ascontiguousarray(a) for key, a in arrays.items()},
            unfinished,
            # The streams' order is part of the value; safetensors sorts its entries.
            metadata={"format": _FORMAT, "schema": _SCHEMA, "streams": json.dumps(list(encoded.streams))},
        )
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def load(folder: str | Path, name: str) -> Encoded:
    """What `save` wrote. The arrays are read-only views of the file.

    Raises: StudyError when the file is missing, damaged or not ours; encode the examples again.
    """
    path = Path(folder) / f"{name}.safetensors"
    try:
        arrays, metadata = mapped(path)
        if (metadata.get("format"), metadata.get("schema")) != (_FORMAT, _SCHEMA):
            raise ValueError(f"it is not of the format {_FORMAT!r}, schema {_SCHEMA}")
        return Encoded(
            streams={key: _part(arrays, f"streams/{key}") for key in json.loads(metadata["streams"])},
            targets=_part(arrays, "targets"),
            weights=arrays.get("weights"),
            rows=arrays["rows"],
        )
    except (OSError, ValueError, KeyError) as error:
        raise StudyError(f"Cannot read the encoded examples {path}: {error}. Remove it and encode again.") from error


def _part(arrays: dict[str, np.ndarray], key: str) -> Any:
    if key + "/offsets" in arrays:
        return Ragged(arrays[key + "/values"], arrays[key + "/offsets"])
    return arrays.get(key)


def mapped(path: Path, held: bool = False) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The file's arrays without a copy: a JSON header (its size in the first 8 bytes), then the data.

    Args:
        held: keep a shared lock on the file for as long as one of its arrays is alive, on systems that have them.

    Raises: OSError or ValueError (KeyError for a foreign header) when the file is missing or damaged.
    """
    with path.open("rb") as file:
        if held:
            lock(file, shared=True)
        whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    # mmap keeps a duplicate of the descriptor, and so the lock, until the last array is gone.
    start = 8 + int.from_bytes(whole[:8], "little")
    if start > len(whole):
        raise ValueError("it is damaged: its header is cut short")
    header = json.loads(whole[8:start].decode("utf-8"))
    metadata = header.pop("__metadata__", {})
    arrays = {}
    for key, entry in header.items():
        dtype = np.dtype(_DTYPES[entry["dtype"]])
        begin, end = entry["data_offsets"]
        count = (end - begin) // dtype.itemsize
        arrays[key] = np.frombuffer(whole, dtype, count, start + begin).reshape(entry["shape"])
    return arrays, metadata


def lock(file: BinaryIO, shared: bool) -> bool:
    """Lock an open file, shared (waiting) or alone (at once or not at all); false where others have it.

    Where files cannot be locked (Windows, some network drives) nothing happens, and that counts as locked.
    """
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return True
    return True

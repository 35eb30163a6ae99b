"""Weights out of a pickle without running it: the tensors of a `pytorch_model.bin`, rewritten as safetensors.

A pickle is a program. This reader knows the three names that a plain dict of tensors is made with and refuses any
other, so nothing of the file is run; torch's archive holds the numbers beside it, as plain bytes.
"""

import hashlib
import io
import json
import os
import pickle
import shutil
import struct
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqwright.data.activations import default_folder
from seqwright.errors import InputError

_KINDS = {  # torch's storage, safetensors' name of its type, bytes of each number
    "DoubleStorage": ("F64", 8),
    "FloatStorage": ("F32", 4),
    "HalfStorage": ("F16", 2),
    "BFloat16Storage": ("BF16", 2),
    "LongStorage": ("I64", 8),
    "IntStorage": ("I32", 4),
    "ByteStorage": ("U8", 1),
    "BoolStorage": ("BOOL", 1),
}


def converted(folder: Path) -> Path:
    """A folder with the same checkpoint in safetensors, made once and kept in the cache.

    Raises: InputError when there is no pickle, it holds more than tensors, or is of torch's old format.
    """
    files = sorted(folder.glob("pytorch_model*.bin"))
    if not files:
        raise InputError(f"{folder} has no weights: neither model.safetensors nor pytorch_model.bin.")
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            while block := opened.read(1 << 22):
                digest.update(block)
    target = default_folder().parent / "converted" / digest.hexdigest()[:12]
    if (target / "model.safetensors").is_file():
        return target
    target.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        if file.is_file() and file.suffix in (".json", ".txt", ".model") and "index" not in file.name:
            shutil.copy2(file, target / file.name)
    tensors: dict[str, _Tensor] = {}
    for file in files:
        tensors |= _tensors(file)
    _write(target / "model.safetensors", tensors)
    return target


@dataclass(frozen=True)
class _Tensor:
    kind: str
    shape: tuple[int, ...]
    data: bytes


def _tensors(path: Path) -> dict[str, _Tensor]:
    try:
        with zipfile.ZipFile(path) as archive:
            (inside,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
            found = _Reader(archive, inside).load()
    except zipfile.BadZipFile as error:
        raise InputError(
            f"{path} is no archive of torch's present format (1.6 and later). Load it with torch where you trust it, "
            "and save it again with save_pretrained(..., safe_serialization=True)."
        ) from error
    except (pickle.UnpicklingError, ValueError, KeyError, IndexError, AttributeError, TypeError, EOFError) as error:
        raise InputError(
            f"{path} cannot be read as plain tensors: {error}. Use a checkpoint in safetensors."
        ) from error
    if not isinstance(found, dict) or not all(isinstance(value, _Tensor) for value in found.values()):
        raise InputError(f"{path} holds more than tensors by name. Use a checkpoint in safetensors.")
    return {str(name): value for name, value in found.items()}


class _Reader(pickle.Unpickler):
    """Reads a dict of tensors and nothing else."""

    def __init__(self, archive: zipfile.ZipFile, inside: str) -> None:
        super().__init__(io.BytesIO(archive.read(inside)))
        self._archive, self._root = archive, inside.removesuffix("data.pkl")

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuilt
        if module == "torch" and name in _KINDS:
            return name
        raise pickle.UnpicklingError(f"it wants {module}.{name}, which plain tensors do not need")

    def persistent_load(self, pid: Any) -> tuple[str, bytes]:
        _, kind, key, _, _ = pid
        return kind, self._archive.read(f"{self._root}data/{key}")


def _rebuilt(storage: tuple[str, bytes], offset: int, shape: Any, stride: Any, *_: Any) -> _Tensor:
    kind, data = storage
    name, size = _KINDS[kind]
    count, expected = 1, []
    for length in reversed(shape):
        expected.append(count)
        count *= length
    if count > 1 and any(n > 1 and s != e for n, s, e in zip(shape, stride, reversed(expected), strict=True)):
        import numpy as np  # a view, such as a transposed matrix: gather its numbers

        raw = np.frombuffer(data, np.dtype((np.void, size)))[offset:]
        view = np.lib.stride_tricks.as_strided(raw, shape, tuple(s * size for s in stride))
        return _Tensor(name, tuple(shape), view.tobytes())
    return _Tensor(name, tuple(shape), data[offset * size : (offset + count) * size])


def _write(path: Path, tensors: dict[str, _Tensor]) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": tensor.kind, "shape": tensor.shape, "data_offsets": [end, end + len(tensor.data)]}
        end += len(tensor.data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    with unfinished.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.data)
    os.replace(unfinished, path)

"""The weights of a checkpoint: which files they are, whether they are whole, and the digest they are known by."""

import hashlib
import json
import re
import struct
from functools import lru_cache
from pathlib import Path
from typing import Any

from seqwright.errors import InputError

_EMBEDDINGS = ("word_embeddings.weight", "word_embedding.weight", "wte.weight", "embed_tokens.weight")
_LAYER = re.compile(r"(?:^|\.)(?:layer|layers|h)\.(\d+)\.")


def safetensors(folder: Path) -> list[Path]:
    """The files of a checkpoint's weights, none where it has no safetensors.

    Raises: InputError when the index of its parts is damaged, or a part is missing.
    """
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        try:
            names = sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise InputError(f"{index} is damaged ({type(error).__name__}). Take the checkpoint anew.") from error
        if missing := [name for name in names if not (folder / str(name)).is_file()]:
            raise InputError(f"{folder} lacks {', '.join(missing)} of its weights. Take the checkpoint anew.")
        return [folder / name for name in names]
    single = folder / "model.safetensors"
    return [single] if single.is_file() else []


def weights(folder: Path) -> list[Path]:
    """The same, of a checkpoint that must have them.

    Raises: InputError as above, and when there are none, or a pickle only.
    """
    if files := safetensors(folder):
        return files
    if pickled := sorted(folder.glob("pytorch_model*.bin")):
        raise InputError(
            f"{folder} has its weights as a pickle only ({pickled[0].name}), which could run any code when it is read. "
            "Give a checkpoint with model.safetensors, or --trust-pickle to have the tensors alone read out of it."
        )
    raise InputError(f"{folder} has no weights: there is no model.safetensors in it. Take the checkpoint anew.")


def sound(path: Path) -> dict[str, Any]:
    """The header of a safetensors file: each tensor's type, shape and place.

    Raises: InputError when it is cut short or is none at all.
    """
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            if size > min(path.stat().st_size, 100_000_000):
                raise ValueError("its header is cut short")
            header = json.loads(file.read(size))
        header.pop("__metadata__", None)
        end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
        if path.stat().st_size != 8 + size + end:
            raise ValueError(f"it has {path.stat().st_size:,} bytes and should have {8 + size + end:,}")
        return header
    except (OSError, ValueError, KeyError, AttributeError, TypeError, struct.error) as error:
        raise InputError(f"The weights {path} are damaged ({error}). Take the checkpoint anew.") from error


def unfit(files: list[Path], vocabulary: int, width: int, depth: int) -> str:
    """What of the weights is not as a config says, as far as their names and shapes tell; "" when nothing is.

    Args:
        vocabulary, width: rows and columns of the embeddings.
        depth: layers; there may be more of them, which are left out.
    """
    shapes = {name: tuple(entry["shape"]) for file in files for name, entry in sound(file).items()}
    for name, shape in shapes.items():
        if name.endswith(_EMBEDDINGS) and shape != (vocabulary, width):
            return f"{name} is {shape[0]:,} x {shape[-1]:,}, not {vocabulary:,} x {width:,}"
    numbers = {int(found[1]) for name in shapes if (found := _LAYER.search(name))}
    if lacking := set(range(depth)) - numbers if numbers else set():
        return f"they lack layer {min(lacking) + 1} of {depth}"
    return ""


def digest(files: list[Path]) -> str:
    """The first 12 hex digits of the SHA-256 of the files' contents, read once a process."""
    return _digest(*map(_stamped, files))


def _stamped(path: Path) -> tuple[str, int, int]:
    known = path.stat()
    return str(path), known.st_size, known.st_mtime_ns


@lru_cache(maxsize=32)
def _digest(*files: tuple[str, int, int]) -> str:
    sha = hashlib.sha256()
    for path, _, _ in files:
        with open(path, "rb") as file:
            while block := file.read(1 << 22):
                sha.update(block)
    return sha.hexdigest()[:12]

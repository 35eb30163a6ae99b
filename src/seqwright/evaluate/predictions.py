"""Validation probabilities of a trial on disk: what ensembles are chosen from."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from seqwright.data.examples import Ragged


def save(run_folder: Path, name: "int | str", index: np.ndarray, probabilities: Any) -> None:
    """Keep `probabilities` of the development examples `index`, as float16, replaced in one step."""
    path = _path(run_folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, np.ndarray] = {"index": np.asarray(index, np.int64)}
    if isinstance(probabilities, list):
        ragged = Ragged.of(probabilities)
        arrays |= {"values": ragged.values.astype(np.float16), "offsets": ragged.offsets}
    else:
        arrays["values"] = np.asarray(probabilities, np.float16)
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    save_file({n: np.ascontiguousarray(a) for n, a in arrays.items()}, aside)
    aside.replace(path)


def load(run_folder: Path, name: "int | str") -> "tuple[np.ndarray, Any] | None":
    """(index, probabilities) of a trial, or None where none were kept."""
    path = _path(run_folder, name)
    if not path.exists():
        return None
    arrays = load_file(path)
    values = arrays["values"].astype(np.float32)
    if "offsets" not in arrays:
        return arrays["index"], values
    ragged = Ragged(values, arrays["offsets"])
    return arrays["index"], [ragged[i] for i in range(len(ragged))]


def _path(run_folder: Path, name: "int | str") -> Path:
    return run_folder / "predictions" / f"{name}.safetensors"

"""Training state on disk: tensors and JSON in one safetensors file, replaced in one step."""

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor


def write(path: Path, tensors: "dict[str, Tensor]", facts: "dict[str, Any]") -> None:
    """Write aside, flush, then rename: a reader sees the old state or the new, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        save_file({n: t.detach().cpu().contiguous() for n, t in tensors.items()}, aside, {"facts": json.dumps(facts)})
        with aside.open("rb") as written:
            os.fsync(written.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def read(path: Path, device: "torch.device | str" = "cpu") -> "tuple[dict[str, Tensor], dict[str, Any]] | None":
    """Tensors and facts, or None where there is no such state yet."""
    if not path.exists():
        return None
    with safe_open(path, "pt", device=str(device)) as opened:
        facts = json.loads((opened.metadata() or {}).get("facts", "{}"))
        return {name: opened.get_tensor(name) for name in opened.keys()}, facts  # noqa: SIM118 - not a dict

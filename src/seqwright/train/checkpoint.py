"""Training state on disk: tensors and JSON in one safetensors file, replaced in one step."""

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from seqwright.nn import trained


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
    try:
        with safe_open(path, "pt", device=str(device)) as opened:
            facts = json.loads((opened.metadata() or {}).get("facts", "{}"))
            return {name: opened.get_tensor(name) for name in opened.keys()}, facts  # noqa: SIM118 - not a dict
    except FileNotFoundError:  # asked of the file itself, for `evaluate/sweep.py` may remove it at any moment
        return None


def gathered(weights: Any, optimizer: Any, average: Any, best: Any) -> "dict[str, Tensor]":
    """All tensors of the training state under flat names."""
    moments = {
        f"optimizer/{i}/{name}": value
        for i, entry in optimizer.state_dict()["state"].items()
        for name, value in entry.items()
    }
    return (
        {f"weights/{n}": v for n, v in weights.items()}
        | {f"average/{n}": v for n, v in average.items()}
        | {f"best/{n}": v for n, v in best.items()}
        | moments
    )


def restore(kept: "dict[str, Tensor]", network: nn.Module, optimizer: Any, average: Any, best: Any) -> None:
    """The inverse of `gathered`, in place."""
    trained.restore(network, {n.removeprefix("weights/"): v for n, v in kept.items() if n.startswith("weights/")})
    for prefix, target in (("average/", average), ("best/", best)):
        for name, value in target.items():
            value.copy_(kept[prefix + name])
    restore_moments(kept, optimizer)


def restore_moments(kept: "dict[str, Tensor]", optimizer: Any, prefix: str = "") -> None:
    """An optimiser's part of `restore`; `prefix` stands before the names of another one's."""
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in kept.items():
        if name.startswith(f"{prefix}optimizer/"):
            *_, i, entry = name.split("/")
            moments.setdefault(int(i), {})[entry] = value
    optimizer.load_state_dict(optimizer.state_dict() | {"state": moments})

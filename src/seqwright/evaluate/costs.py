"""What a candidate costs, by name: counted on tensors without data, or measured on this machine, once a run.

A measurement is kept beside the run's checkpoints, so that every rung and every resumed run agrees on it.
"""

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from seqwright.arch import codec
from seqwright.arch.candidate import Candidate
from seqwright.arch.interface import Interface
from seqwright.arch.simplicity import simplicity
from seqwright.search.objectives import COSTS
from seqwright.search.within import Count

BATCH = 32


def counted(architecture: Any, interface: Interface, names: Collection[str]) -> dict[str, float]:
    """Those costs among `names` that need no measuring.

    Raises:
        SpaceError: the architecture does not suit the interface.
    """
    from seqwright.nn.cost import cost, parameters
    from seqwright.nn.peak import file_mib, peak_mib

    found: dict[str, float] = {}
    if "flops" in names:
        found |= cost(architecture, interface)
    elif "parameters" in names:
        found["parameters"] = parameters(architecture, interface)
    if "peak_mib" in names:
        found["peak_mib"] = peak_mib(architecture, interface)
    if "file_mib" in names:
        found["file_mib"] = file_mib(architecture, interface)
    if "simplicity" in names:
        found["simplicity"] = simplicity(architecture)
    return {name: found[name] for name in names if name in found}


def counter(interface: Interface) -> Count:
    """`counted` for one interface, of candidates, each once: what a search asks before it proposes."""
    known: dict[tuple[Any, str], float] = {}

    def count(candidate: Candidate, names: tuple[str, ...]) -> dict[str, float]:
        architecture = candidate.architecture
        if missing := [name for name in names if (architecture, name) not in known]:
            found = counted(architecture, interface, missing)
            known.update({(architecture, name): value for name, value in found.items()})
        return {name: known[architecture, name] for name in names}

    return count


def measured(architecture: Any, interface: Interface, names: Collection[str]) -> dict[str, float]:
    """Those costs among `names` that are measured: on the CPU, with random weights, on sequences of full length."""
    wanted = [name for name in names if COSTS[name].measured]
    if not wanted:
        return {}
    from seqwright.nn.build import build
    from seqwright.nn.cost import blank
    from seqwright.nn.timing import joules, latency_ms

    network = build(architecture, interface)
    found: dict[str, float] = {}
    for name in wanted:
        size = 1 if name == "latency_ms" else BATCH
        measure = joules if name == "joules" else latency_ms
        found[name] = measure(network, blank(interface, size)) / size
    return found


def costs(architecture: Any, interface: Interface, names: Collection[str], folder: Path) -> dict[str, float]:
    """All of `names`; what is measured is kept in `folder`, and read there the next time."""
    if not names:
        return {}
    found = counted(architecture, interface, names)
    kept = folder / f"{codec.identity(architecture)}.json"
    known: dict[str, float] = json.loads(kept.read_text()) if kept.exists() else {}
    if missing := [name for name in names if COSTS[name].measured and name not in known]:
        known |= measured(architecture, interface, missing)
        folder.mkdir(parents=True, exist_ok=True)
        aside = kept.with_suffix(f".{os.getpid()}.part")
        aside.write_text(json.dumps(known))
        aside.replace(kept)
    return found | {name: known[name] for name in names if name in known}

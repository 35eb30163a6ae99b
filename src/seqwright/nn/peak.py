"""The memory that one forward pass needs, counted on the meta device: weights, and what is alive beside them at once.

Every tensor that an operation makes is noted when it is made and when it is freed, so the count is that of torch's
eager mode on a CPU: no formula, no measurement, the same on every machine. Workspace inside a single operation (a
convolution's columns, say) is not seen.
"""

import weakref
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from seqwright.arch.interface import Interface
from seqwright.nn.build import build
from seqwright.nn.cost import blank, shorten

MIB = 2**20


def peak_mib(architecture: Any, interface: Interface, length: int | None = None) -> float:
    """MiB of weights and live activations in one example's forward pass, T = `length` or the longest.

    Raises:
        SpaceError: the architecture does not suit the interface.
    """
    with torch.device("meta"):
        network = build(architecture, interface).eval()
        given = blank(interface, 1, length)
        alive, counter = _Alive(), FlopCounterMode(display=False)
        shorten(network, counter)
        with counter, alive, torch.no_grad():
            network(given)
    return (weights_bytes(network) + alive.most) / MIB


def file_mib(architecture: Any, interface: Interface) -> float:
    """MiB of weights and buffers, as they are stored.

    Raises:
        SpaceError: the architecture does not suit the interface.
    """
    with torch.device("meta"):
        return weights_bytes(build(architecture, interface)) / MIB


def weights_bytes(network: nn.Module) -> int:
    """Bytes of parameters and buffers; a pretrained encoder's shared ones (float32) included."""
    shared = sum(getattr(module, "frozen_parameters", 0) for module in network.modules())
    own = sum(t.numel() * t.element_size() for t in [*network.parameters(), *network.buffers()])
    return own + 4 * shared


class _Alive(TorchDispatchMode):
    """Notes bytes of all storages that are made under it, while they live; `most` is the largest sum so far."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        given = {t.untyped_storage()._cdata for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)}
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor) and tensor.untyped_storage()._cdata not in given:
                self._note(tensor.untyped_storage())
        return made

    def _note(self, storage: torch.UntypedStorage) -> None:
        if storage._cdata in self._known:
            return
        size, name = storage.nbytes(), storage._cdata
        self._known.add(name)
        self.now += size
        self.most = max(self.most, self.now)

        def freed() -> None:
            self._known.discard(name)
            self.now -= size

        weakref.finalize(storage, freed)

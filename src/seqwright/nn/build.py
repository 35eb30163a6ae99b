"""From a spec to its module: two functions that dispatch on the type of the spec.

`build` takes a whole (an architecture, or a space for a supernet), `block` a part that maps (B, T, D) to (B, T, D).
To add one, register it: ``@block.register`` above a function of (spec, width, role).
"""

from functools import singledispatch
from typing import Any

from torch import nn

from seqwright.arch.interface import Interface
from seqwright.errors import SpaceError, did_you_mean
from seqwright.nn.role import Role


@singledispatch
def build(architecture: Any, interface: Interface, dropout: float = 0.0) -> nn.Module:
    """The network of an architecture (or the supernet of a space) for one interface.

    Returns:
        A module that maps a batch, as `seqwright.arch.interface` describes it, to logits:
        (B, C), or (B, T, C) where the interface is per step.

    Raises:
        SpaceError: nothing is registered for this type, or the architecture does not suit the interface.
    """
    raise unregistered("build", build.registry, architecture)


@singledispatch
def block(spec: Any, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008 (frozen)
    """The module of one block: ``forward(x, context)`` maps (B, T, D) to (B, T, D), with D = `width`.

    Built for a causal role it also has ``initial(batch) -> state`` and ``step(x_t, state) -> (y_t, state)``.

    Raises:
        SpaceError: no module is registered for this type of spec.
    """
    raise unregistered("block", block.registry, spec)


def unregistered(what: str, registry: Any, spec: Any) -> SpaceError:
    """The error for a spec that no function is registered for."""
    known = sorted(cls.__name__ for cls in registry if cls is not object)
    given = type(spec).__name__
    return SpaceError(
        f"No {what} is registered for {given}.{did_you_mean(given, known)} Registered are: {', '.join(known)}. "
        f"Register your own with @{what}.register."
    )

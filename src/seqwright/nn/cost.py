"""What a network costs, counted rather than computed from formulas: it is built and run on the meta device.

There tensors have shapes but no data, so the largest network is counted in milliseconds and in no memory.
"""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from seqwright.arch.encoders import Dense, HeadedEncoder
from seqwright.arch.interface import Interface, Stream
from seqwright.nn.build import build
from seqwright.nn.unrolled import UnrolledCell

NGRAMS = {"characters": 16, "bag": 256}  # hashed n-grams of a step and of a text, where a shape needs a number


def cost(architecture: Any, interface: Interface, length: int | None = None) -> dict[str, int]:
    """The parameters of a network and the floating-point operations of one example's forward pass.

    A multiply and an add are two operations. Matrix products, convolutions, attention and recurrences are counted;
    what is linear in the activations (norms, gates, scans, embedding look-ups) is not, being small beside them.

    Args:
        length: steps T of the example; each stream's own longest when None.

    Returns:
        ``{"parameters": int, "flops": int}``

    Raises:
        SpaceError: the architecture does not suit the interface.
    """
    if isinstance(architecture, HeadedEncoder) and architecture.pooled:
        return _pooled_cost(architecture, interface, length)
    return _counted(architecture, interface, length)


def parameters(architecture: Any, interface: Interface) -> int:
    """The parameters alone, in a tenth of the time: nothing is run.

    Raises:
        SpaceError: the architecture does not suit the interface.
    """
    if isinstance(architecture, HeadedEncoder):
        return cost(architecture, interface)["parameters"]  # the encoder is counted once for all heads
    with torch.device("meta"):
        return _parameters(build(architecture, interface))


def _parameters(network: nn.Module) -> int:
    shared = sum(getattr(module, "frozen_parameters", 0) for module in network.modules())  # of a pretrained encoder
    return shared + sum(p.numel() for p in network.parameters())


def _counted(architecture: Any, interface: Interface, length: int | None) -> dict[str, int]:
    with torch.device("meta"):
        network = build(architecture, interface).eval()
        flops = flops_of(network, blank(interface, 1, length))
    return {"parameters": _parameters(network), "flops": flops}


_counted_once = lru_cache(maxsize=64)(_counted)


def flops_of(module: nn.Module, given: Any) -> int:
    """The floating-point operations of ``module(given)``."""
    counter = FlopCounterMode(display=False)
    skipped = shorten(module, counter)
    with counter, torch.no_grad():
        module(given)
    return counter.get_total_flops() + sum(map(sum, skipped))


def _pooled_cost(architecture: HeadedEncoder, interface: Interface, length: int | None) -> dict[str, int]:
    """The same, of an encoder that is run once for all heads on it."""
    plain = replace(architecture, dense=Dense(1), norm=False, activation="relu")
    with torch.device("meta"):
        head, least = (build(one, interface).get_submodule("head").eval() for one in (architecture, plain))
        features = torch.zeros(1, next(p for p in least.parameters() if p.dim() == 2).shape[1])
        whole = _counted_once(plain, interface, length)
        parameters = sum(p.numel() for p in head.parameters()) - sum(p.numel() for p in least.parameters())
        flops = flops_of(head, features) - flops_of(least, features)
    return {"parameters": whole["parameters"] + parameters, "flops": whole["flops"] + flops}


def shorten(module: nn.Module, counter: FlopCounterMode) -> list[list[int]]:
    """Make a module's recurrences run their first step alone; gives what each call of them leaves out, in FLOPs."""
    return [_shorten(cell, counter) for cell in module.modules() if isinstance(cell, nn.RNNBase | UnrolledCell)]


def _shorten(cell: nn.RNNBase | UnrolledCell, counter: FlopCounterMode) -> list[int]:
    """Make a recurrence run its first step alone, and note what the others would have cost, the same each.

    On the meta device torch takes a recurrence apart step by step: a hundred times the work, for the same count.
    """
    skipped: list[int] = []
    run, time = cell.forward, 0 if isinstance(cell, nn.RNNBase) and not cell.batch_first else 1

    def forward(x: Tensor, *state: Any) -> tuple[Tensor, Any]:
        before, steps = counter.get_total_flops(), x.shape[time]
        y, last = run(x.narrow(time, 0, 1), *state)
        skipped.append((steps - 1) * (counter.get_total_flops() - before))
        return y.repeat_interleave(steps, time), last

    cell.forward = forward  # pyright: ignore[reportAttributeAccessIssue]
    return skipped


def blank(interface: Interface, size: int, length: int | None = None) -> dict[str, Tensor]:
    """A batch of zeros in the shapes of `interface`, every step real, on torch's default device.

    Args:
        size: examples B.
        length: steps T; each stream's own longest when None.
    """
    batch: dict[str, Tensor] = {}
    for name, stream in interface.streams:
        steps = stream.length if length is None else min(length, stream.length)
        sides = [name] if "." in name or interface.sides == 1 else [name, f"{name}.a", f"{name}.b"]
        for side in sides:
            batch.setdefault(side, _zeros(stream, size, steps))
            if stream.form in ("tokens", "characters", "channels", "pieces"):
                batch.setdefault(f"{side}.mask", torch.ones(size, steps, dtype=torch.bool))
            if stream.form == "pieces" and interface.sides == 2 and "." not in side:
                batch.setdefault(f"{side}.segments", torch.zeros(size, steps, dtype=torch.int64))
            if stream.form == "bag":
                batch.setdefault(f"{side}.weight", torch.ones(size, NGRAMS["bag"]))
    return batch


def _zeros(stream: Stream, size: int, steps: int) -> Tensor:
    match stream.form:
        case "tokens" | "pieces":
            return torch.zeros(size, steps, dtype=torch.int64)
        case "characters":
            return torch.zeros(size, steps, NGRAMS["characters"], dtype=torch.int64)
        case "bag":
            return torch.zeros(size, NGRAMS["bag"], dtype=torch.int64)
        case "channels":
            return torch.zeros(size, steps, stream.size)
        case "features":
            return torch.zeros(size, stream.size)
        case "image":
            return torch.zeros(size, stream.size, stream.height, stream.width)

"""The layers' weights from those of the parent's, and their norms.

A body is a sequence of blocks on the residual stream; where one stands in its layer makes no difference to it. So the
two sequences are aligned, and a block without a counterpart begins silent: the stream passes it unchanged.
"""

import torch

from seqwright.arch.blocks import Skip
from seqwright.arch.network import Body, Network
from seqwright.nn.morphism.align import aligned
from seqwright.nn.morphism.axes import fits, grown
from seqwright.nn.morphism.parts import Tensors, below, mixer, under
from seqwright.nn.morphism.rules import norm_axes
from seqwright.nn.norms import MaskedBatchNorm

PARTS = ("mixer", "channel")
EPSILON = MaskedBatchNorm(1).epsilon


def body(old: Tensors, fresh: Tensors, wholes: tuple[Network, Network]) -> tuple[Tensors, bool]:
    """The weights of a body, and whether it computes what it computed."""
    was, now = (whole.body for whole in wholes)
    before, after = acting(was), acting(now)
    pairs = {j: i for i, j in aligned([spec for _, spec in before], [spec for _, spec in after])}
    found, kept = dict(fresh), len(pairs) == len(before)
    normed_alike = was.norm == now.norm and (was.statistics == now.statistics or now.norm == "none")
    for j, (here, spec) in enumerate(after):
        there, one = before[pairs[j]] if j in pairs else ("nowhere.", Skip())
        made, same = mixer(one, spec, below(old, f"{there}block."), below(fresh, f"{here}block."), wholes)
        found, kept = found | under(made, f"{here}block."), kept and same
        if j in pairs and normed_alike:
            made, same = _norm(below(old, there), below(fresh, here))
            found, kept = found | under(made, here), kept and same
    if before and after:
        made, same = _norm(old, fresh) if normed_alike else ({}, False)
        found, kept = found | made, kept and same
    elif after:  # nothing was normalised yet, and the last norm should do nothing
        found, kept = found | _identity(found, ""), kept and (now.norm, now.statistics) != ("pre", "layer")
    if now.norm == "post":
        found, same = _behind(found, [here for here, _ in after], set(pairs), now.statistics)
        kept = kept and same
    return found, kept


def acting(spec: Body) -> list[tuple[str, object]]:
    """The blocks on the residual stream in order, each with the beginning of its names."""
    parts = [(f"layers.{i}.{name}.", getattr(layer, name)) for i, layer in enumerate(spec.layers) for name in PARTS]
    return [(name, spec) for name, spec in parts if not isinstance(spec, Skip)]


def _norm(old: Tensors, fresh: Tensors) -> tuple[Tensors, bool]:
    axes = norm_axes()
    names = [name for name in axes if name in old and name in fresh]
    kept = all(fits(old[n].shape, fresh[n].shape, axes[n], axes[n]) for n in names)
    return {n: grown(old[n], fresh[n], axes[n], axes[n]) for n in names}, kept


def _behind(found: Tensors, places: list[str], known: set[int], statistics: str) -> tuple[Tensors, bool]:
    """What a new block's norm does to the stream behind it, and whether that is nothing.

    Over a batch it can do nothing, in evaluation. Over the units of a step it can almost: it takes the scale and shift
    of the norm before it, which leaves it a stream of mean 0 and variance 1.
    """
    new = [j for j in range(len(places)) if j not in known]
    for j in new:
        if statistics == "batch":
            found = found | _identity(found, places[j])
        elif j:
            there, here = f"{places[j - 1]}norm.", f"{places[j]}norm."
            scale, shift = found[f"{there}weight"], found[f"{there}bias"]
            found = found | {f"{here}weight": scale, f"{here}bias": shift}
            found = found | {f"{there}weight": torch.ones_like(scale), f"{there}bias": torch.zeros_like(shift)}
    return found, statistics == "batch" or not new


def _identity(found: Tensors, place: str) -> Tensors:
    """A norm over a batch that changes nothing in evaluation; another one stays as it is."""
    variance = found.get(f"{place}norm.running_variance")
    return {} if variance is None else {f"{place}norm.weight": (variance + EPSILON).sqrt()}

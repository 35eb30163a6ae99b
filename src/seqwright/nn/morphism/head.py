"""The head's weights from its parent's: wider, and deeper without changing a logit.

A hidden layer of GELUs can pass anything on, since gelu(z) - gelu(-z) = z: two units a value. So a new layer computes
the old logits and their opposites, and the output map takes the differences; the rest of its units begin unread.
"""

import torch
from torch import Tensor

from seqwright.arch.network import Mlp
from seqwright.nn.morphism.axes import Axes, Fed, Reads, Same, Units, fits, grown
from seqwright.nn.morphism.rules import linear

Tensors = dict[str, Tensor]


def head(was: Mlp, now: Mlp, old: Tensors, fresh: Tensors) -> tuple[Tensors, bool]:
    """The weights of a head, and whether it gives the logits that it gave."""
    same_depth = min(was.layers, now.layers)
    found, before, after = dict(fresh), axes(was), axes(now)
    hidden = [n for n in fresh if n in old and n.startswith("hidden.") and int(n.split(".")[1]) < same_depth]
    kept = was.layers <= now.layers
    kept = kept and all(fits(old[n].shape, fresh[n].shape, before[n], after[n]) for n in hidden)
    found |= {n: grown(old[n], fresh[n], before[n], after[n]) for n in hidden}
    if was.layers > now.layers:  # the output map read units that are gone
        return found, False
    # The output map as it would be without new layers, then each new layer in front of it.
    shape = (old["output.weight"].shape[0], _inputs(fresh, was.layers))
    blank = fresh["output.weight"].new_zeros(shape)
    kept = kept and fits(old["output.weight"].shape, shape, before["output.weight"], before["output.weight"])
    weight = grown(old["output.weight"], blank, before["output.weight"], before["output.weight"])
    bias = old["output.bias"].to(fresh["output.bias"].dtype).clone()
    for layer in range(was.layers, now.layers):
        if 2 * len(bias) > now.width:
            return found, False
        found, weight, bias = _passed_on(found, layer, weight, bias, now.width)
    return found | {"output.weight": weight, "output.bias": bias}, kept


def axes(spec: Mlp) -> dict[str, Axes]:
    """Of the parameters of a head."""
    found = linear("output", Same(), Fed() if spec.layers else Reads())
    for layer in range(spec.layers):
        found |= linear(f"hidden.{layer}", Units(), Fed() if layer else Reads())
    return found


def _passed_on(found: Tensors, layer: int, weight: Tensor, bias: Tensor, width: int) -> tuple[Tensors, Tensor, Tensor]:
    """A hidden layer that gives what `weight` and `bias` gave, and the map that reads it from there."""
    classes = len(bias)
    into, shift = found[f"hidden.{layer}.weight"].clone(), found[f"hidden.{layer}.bias"].clone()
    into[: 2 * classes], shift[: 2 * classes] = torch.cat([weight, -weight]), torch.cat([bias, -bias])
    reads = weight.new_zeros(classes, width)
    each = torch.arange(classes)
    reads[each, each], reads[each, classes + each] = 1.0, -1.0
    return found | {f"hidden.{layer}.weight": into, f"hidden.{layer}.bias": shift}, reads, torch.zeros_like(bias)


def _inputs(fresh: Tensors, layers: int) -> int:
    """Units that a map after so many hidden layers reads."""
    return fresh[f"hidden.{layers}.weight" if f"hidden.{layers}.weight" in fresh else "output.weight"].shape[1]

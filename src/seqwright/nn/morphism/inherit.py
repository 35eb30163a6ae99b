"""A child's weights from its parent's: network morphism where the move allows it, inheritance where it does not.

Chen et al. 2016 (Net2Net, arXiv:1511.05641), Wei et al. 2016 (arXiv:1603.01670), Elsken et al. 2018 (arXiv:1711.04528).
Ours differs: nothing is approximate and there is no noise. New units and layers are born at random but nobody
reads them yet, and copies of the residual stream are told apart by being read or not, so gradients soon part them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from seqwright.arch.network import AttentionPool, Mean, Network
from seqwright.nn.morphism.body import body
from seqwright.nn.morphism.head import head
from seqwright.nn.morphism.parts import Tensors, below, part, under


@dataclass(frozen=True)
class Inherited:
    """What a child begins with.

    Args:
        weights: the names and shapes of the child's own.
        changed: the parts that do not compute what they computed; none for a morphism.
    """

    weights: dict[str, Tensor]
    changed: tuple[str, ...] = ()

    @property
    def preserved(self) -> bool:
        """Whether the child computes, in evaluation, what its parent computes."""
        return not self.changed


def inherit(parent: Network, child: Network, weights: Mapping[str, Tensor], fresh: Mapping[str, Tensor]) -> Inherited:
    """The weights with which `child` continues what `parent` has learned.

    Preserved are: more hidden units, states, heads, gates' width, directions; a longer kernel, a denser one, a
    depthwise one made full; a body of two, three ... times the width; blocks in place of `Skip` or beside another;
    layers put in or doubled (normalised before the block, not at all, or over the batch); a mean made
    an attention pool; a wider or deeper head. All at once too. Everything else is inherited as far as it overlaps.

    Args:
        weights: the parent's, as `nn.trained.trained` gives them.
        fresh: the child's as it was built, from which what is new is taken.
    """
    wholes, found, changed = (parent, child), dict[str, Tensor](), list[str]()

    def add(name: str, make: Callable[[Tensors, Tensors], tuple[Tensors, bool]]) -> None:
        made, kept = make(below(weights, f"{name}."), below(fresh, f"{name}."))
        found.update(under(made, f"{name}."))
        if not kept:
            changed.append(name)

    add("stem", lambda old, new: part(parent.stem, child.stem, old, new, wholes))
    add("body", lambda old, new: body(old, new, wholes))
    if isinstance(parent.readout, Mean) and isinstance(child.readout, AttentionPool):
        add("readout", lambda old, new: (new, True))  # it is born as a mean
    else:
        add("readout", lambda old, new: part(parent.readout, child.readout, old, new, wholes))
    if parent.pairing != child.pairing:
        add("head", lambda old, new: (new, False))  # it reads something else
    else:
        add("head", lambda old, new: head(parent.head, child.head, old, new))
    return Inherited({name: found[name].detach().clone() for name in fresh}, tuple(changed))

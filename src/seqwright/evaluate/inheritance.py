"""A network begins with its parent's weights: those of the parent's training state, as far as they fit.

The parent's best weights are taken, which are the averaged ones that it was judged by. A strategy names only parents
whose training has ended, so what a child begins with does not depend on when it begins. A state that was swept away
is missed, not waited for: the child then begins from scratch, and says so.
"""

from pathlib import Path
from typing import Any

from torch import nn

from seqwright.arch import codec
from seqwright.arch.candidate import Candidate
from seqwright.arch.network import Network
from seqwright.nn.morphism import inherit
from seqwright.nn.trained import restore, trained
from seqwright.train import checkpoint

BEST = "best/"


def begin(network: nn.Module, candidate: Candidate, parent: "Path | None") -> dict[str, Any]:
    """Give a freshly built `network` what it inherits; what to keep in its own state, for its children and the report.

    Args:
        parent: the parent's training state; None for a network that begins from scratch.
    """
    about: dict[str, Any] = {"candidate": codec.to_data(candidate), "inherited": 0, "began": ""}
    if parent is None:
        return about
    kept = checkpoint.read(parent)
    known: Candidate | None = codec.from_data(kept[1]["candidate"]) if kept and "candidate" in kept[1] else None
    architecture = candidate.architecture
    if kept is None or known is None:
        return about | {"began": "began from scratch: its parent's weights are not kept any more"}
    if not isinstance(architecture, Network) or not isinstance(known.architecture, Network):
        return about | {"began": "began from scratch: weights are inherited from network to network only"}
    tensors, facts = kept
    best = {name.removeprefix(BEST): value for name, value in tensors.items() if name.startswith(BEST)}
    fresh = {name: value.cpu() for name, value in trained(network).items()}
    made = inherit(known.architecture, architecture, best, fresh)
    restore(network, made.weights)
    told = "computing what its parent computed" if made.preserved else "with its parent's weights, where they fit"
    return about | {
        "inherited": facts["inherited"] + facts["best_step"] * known.recipe.batch_size,
        "began": f"began {told}",
    }

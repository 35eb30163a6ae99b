"""What a network has learned: the tensors that a state or a bundle keeps.

A pretrained encoder's frozen weights lie in its checkpoint, so they are in neither.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from seqwright.errors import SeqwrightError
from seqwright.nn.pretrained import PretrainedStem


def trained(network: nn.Module) -> dict[str, Tensor]:
    """The parameters that require a gradient and the persistent buffers beside them, by name; not copied.

    Those of a pretrained encoder are among them once it has thawed.
    """
    parameters = dict(network.named_parameters(remove_duplicate=False))
    chosen = {name: p.detach() for name, p in network.named_parameters() if p.requires_grad}
    own = tuple(f"{name}.{part}." for name, stem in _stems(network).items() for part in ("blocks", "final"))
    buffers = {n: b for n, b in network.state_dict().items() if n not in parameters and not n.startswith(own)}
    return chosen | buffers


def restore(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Put what `trained` gave back, in place; encoders thaw that had thawed then.

    Raises: SeqwrightError when the tensors are not this network's: one is missing, too many, or of another shape.
    """
    for name, stem in _stems(network).items():
        if any(key.startswith((f"{name}.blocks.", f"{name}.final.")) for key in tensors):
            stem.thaw()
    own = trained(network)
    wrong = [
        *(f"{n} is missing" for n in own if n not in tensors),
        *(f"{n} is not in the network" for n in tensors if n not in own),
        *(
            f"{n} is {tuple(tensors[n].shape)}, not {tuple(own[n].shape)}"
            for n in own
            if n in tensors and tensors[n].shape != own[n].shape
        ),
    ]
    if wrong:
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise SeqwrightError(
            f"These weights are of another network: {wrong[0]}{more}. Build the network that they were trained in."
        )
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(tensors[name])


def _stems(network: nn.Module) -> dict[str, PretrainedStem]:
    return {name: module for name, module in network.named_modules() if isinstance(module, PretrainedStem)}

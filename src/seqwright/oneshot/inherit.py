"""A network with the weights that it has in a supernet: read from the state, only those that it needs."""

from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import nn

from seqwright.arch.interface import Interface
from seqwright.data.batch import collate
from seqwright.data.examples import Encoded
from seqwright.errors import StudyError
from seqwright.nn.build import build
from seqwright.nn.image_operations import ImageNorm
from seqwright.nn.norms import MaskedBatchNorm
from seqwright.nn.slices import cut, room
from seqwright.nn.supernet import covers, place, tensors_of
from seqwright.oneshot.shared_learner import WEIGHTS
from seqwright.train.fit import Plan, batches
from seqwright.train.predict import tensors

CALIBRATION_STEPS, CALIBRATION_BATCH = 10, 64


def inherited(architecture: Any, interface: Interface, state: Path) -> nn.Module:
    """The network of `architecture` with its slices of the supernet whose training state is `state`.

    Raises:
        StudyError: the state is gone, or has no weights for this network.
    """
    network = build(architecture, interface)
    try:
        with safe_open(state, "pt") as opened, torch.no_grad():
            held = set(opened.keys())
            for name, tensor in tensors_of(network):
                key, shape, groups = place(architecture, name, tensor)
                kept = next((n for n in (f"{WEIGHTS}parts.{key}", f"{WEIGHTS}statistics.{key}") if n in held), None)
                bank = opened.get_tensor(kept) if kept else None
                if bank is None or not covers(tuple(bank.shape), tuple(room(shape, groups))):
                    raise StudyError(
                        f"{state} has no weights for {name}: this network is not in the space of that supernet. "
                        "Train a supernet of a space that contains it."
                    )
                tensor.copy_(cut(bank, shape, groups))
    except FileNotFoundError:
        raise StudyError(f"The weights of the supernet are gone ({state}). Train it again.") from None
    return network


def recalibrate(network: nn.Module, train: Encoded, streams: tuple[str, ...], seed: int = 0) -> None:
    """Count batch norms' means and variances anew: those of the supernet are of all its networks (arXiv:1904.00420)."""
    norms = [module for module in network.modules() if isinstance(module, MaskedBatchNorm | ImageNorm)]
    if not norms:
        return
    device = next(network.parameters()).device
    network.train()
    momenta = [norm.momentum for norm in norms]
    with torch.no_grad():
        for step, index in batches(train, CALIBRATION_BATCH, Plan(CALIBRATION_STEPS, seed=seed), 0, streams):
            for norm in norms:
                norm.momentum = 1 / step  # a plain mean over the batches
            network(tensors(collate(train, index, streams), device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.eval()

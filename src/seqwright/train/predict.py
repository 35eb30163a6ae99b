"""Probabilities from a network: batched by length, given back in the order asked for."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seqwright.data.batch import collate, lengths
from seqwright.data.examples import Encoded
from seqwright.train.device import autocast

STEPS_A_BATCH = 16_384


def tensors(batch: "dict[str, np.ndarray]", device: "torch.device | str" = "cpu") -> "dict[str, Tensor]":
    return {name: torch.from_numpy(array).to(device, non_blocking=True) for name, array in batch.items()}


@torch.no_grad()
def probabilities(network: nn.Module, data: Encoded, streams: "tuple[str, ...]", precision: str = "float32") -> Any:
    """(N, C) float32, or a list of N arrays (T, C) where the network has an output per step."""
    device = next(network.parameters()).device
    long = lengths(data, streams)
    order = np.argsort(long, kind="stable")
    training = network.training
    network.eval()
    found: list[Any] = [None] * len(data)
    start = 0
    while start < len(order):
        # As many examples as fit, at the length of the batch's longest.
        stop = start + 1
        while stop < len(order) and (stop + 1 - start) * long[order[stop]] <= STEPS_A_BATCH and stop - start < 512:
            stop += 1
        index = order[start:stop]
        with autocast(device, precision):
            logits = network(tensors(collate(data, index, streams), device))
        out = logits.float().softmax(-1).cpu().numpy()
        for place, i in enumerate(index):
            found[i] = out[place, : long[i]] if out.ndim == 3 else out[place]
        start = stop
    network.train(training)
    if found and found[0].ndim == 2:
        return found
    return np.stack(found) if found else np.zeros((0, 1), np.float32)

"""Probabilities from a network: batched by length, given back in the order asked for."""

from collections.abc import Iterator
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
    training = network.training
    network.eval()
    found: list[Any] = [None] * len(data)
    for index in evaluation_batches(long):
        with autocast(device, precision):
            logits = network(tensors(collate(data, index, streams), device))
        put(found, logits.float().softmax(-1).cpu().numpy(), index, long)
    network.train(training)
    return listed(found)


def evaluation_batches(long: np.ndarray, steps: int = STEPS_A_BATCH) -> Iterator[np.ndarray]:
    """Examples that are judged together, shortest first: as many as fit, at the length of the longest of them."""
    order = np.argsort(long, kind="stable")
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and (stop + 1 - start) * long[order[stop]] <= steps and stop - start < 512:
            stop += 1
        yield order[start:stop]
        start = stop


def put(found: "list[Any]", answers: np.ndarray, index: np.ndarray, long: np.ndarray) -> None:
    """What is answered to the examples at `index`, in their places and without padding."""
    for place, i in enumerate(index):
        found[i] = answers[place, : long[i]] if answers.ndim == 3 else answers[place]


def listed(found: "list[Any]") -> Any:
    """One array of all answers, or the list where there is one for every step."""
    if found and found[0].ndim == 2:
        return found
    return np.stack(found) if found else np.zeros((0, 1), np.float32)

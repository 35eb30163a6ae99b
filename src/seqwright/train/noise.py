"""The noise of training: every draw is a function of (seed, step), so that a continued run sees the same."""

import hashlib

import torch
from torch import Tensor

from seqwright.arch.interface import UNKNOWN


def reseed(seed: int, step: int, device: torch.device) -> None:
    """Begin the noise of one step. The device's own generator is asked: `torch.manual_seed` takes a millisecond."""
    if device.type == "cpu":
        torch.default_generator.manual_seed(draw(seed, step))
    elif device.type == "cuda":
        torch.cuda.manual_seed(draw(seed, step))
    else:
        torch.manual_seed(draw(seed, step))


def draw(seed: int, step: int) -> int:
    """A 63-bit seed for all noise of one step."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{step}".encode(), digest_size=8).digest(), "big") >> 1


def corrupt(batch: "dict[str, Tensor]", share: float) -> None:
    """Input dropout, in place: tokens become unknown, bags lose entries, channels and features are zeroed.

    A pretrained encoder's input stays as it is: what is kept of its states was made of whole texts.
    """
    if not share:
        return
    for name, values in list(batch.items()):
        if name in ("targets", "weights") or name.endswith(".mask") or name.startswith("pretrained"):
            continue
        if name.endswith(".weight") or (values.is_floating_point() and values.dim() == 2):
            batch[name] = values * (torch.rand_like(values) >= share) / (1 - share)
        elif values.is_floating_point():  # (B, T, C): whole channels of a series
            batch[name] = values * (torch.rand_like(values[:, :1]) >= share)
        elif name + ".weight" not in batch:
            hit = (torch.rand(values.shape[:2], device=values.device) < share).view(
                *values.shape[:2], *[1] * (values.dim() - 2)
            )
            batch[name] = torch.where(hit & (values > UNKNOWN), UNKNOWN if values.dim() == 2 else 0, values)

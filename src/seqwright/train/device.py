"""Where and how precisely to compute: the device, the autocast, the threads."""

import contextlib
from collections.abc import Iterator

import torch

from seqwright.errors import InputError


def device_of(name: str) -> torch.device:
    """'auto' is a GPU where there is one; otherwise any name that torch knows.

    Raises:
        InputError: the device is unknown or absent.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.zeros(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f'Device "{name}" cannot be used: {str(error).splitlines()[0]} Give --device auto, cpu or cuda.'
        ) from None


@contextlib.contextmanager
def autocast(device: torch.device, precision: str) -> Iterator[None]:
    """bfloat16 where `precision` says so, float32 otherwise."""
    if precision == "bfloat16":
        with torch.autocast(device.type, torch.bfloat16):
            yield
    else:
        yield

"""Where and how precisely to compute: the device, the autocast, the threads."""

import contextlib
from collections.abc import Iterator

import torch
from torch import nn

from seqwright.errors import InputError
from seqwright.nn.pretrained import PretrainedStem


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


def precision_of(network: nn.Module, precision: str, device: torch.device) -> str:
    """What "auto" means for a network on a CPU: bfloat16 for a pretrained encoder, where there are instructions for it.

    Measured on a CPU that has them: fine-tuning six layers of width 384 is 2.5 to 4 times as fast.
    """
    large = any(isinstance(module, PretrainedStem) for module in network.modules())
    if precision == "auto" and device.type == "cpu" and large and torch.cpu._is_avx512_bf16_supported():
        return "bfloat16"
    return precision


@contextlib.contextmanager
def autocast(device: torch.device, precision: str) -> Iterator[None]:
    """bfloat16 where `precision` says so; "auto" says so on a GPU.

    On a CPU, even one with bfloat16 instructions, networks of these sizes spend their time elsewhere: measured
    with a width of 128, a convolutional one gained 2 to 12 %, recurrent and attention ones lost 10 to 45 %.
    """
    if precision == "bfloat16" or (precision == "auto" and device.type == "cuda"):
        with torch.autocast(device.type, torch.bfloat16):
            yield
    else:
        yield


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """So many numerical threads meanwhile.

    Small networks gain little from a second thread and lose much where cores are shared, as threads that wait for
    one another burn what the others need: measured on a busy machine, two threads took seven times as long as one.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)

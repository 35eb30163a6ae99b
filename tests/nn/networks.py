"""Interfaces and random batches for the tests of whole networks."""

import torch
from torch import Tensor

from seqwright.arch.interface import Interface, Stream

T = 9
TEXT = (
    ("words", Stream("tokens", 23, T)),
    ("subwords", Stream("tokens", 19, T)),
    ("characters", Stream("tokens", 17, T)),
    ("word_characters", Stream("characters", 29, T)),
    ("ngrams", Stream("bag", 31)),
)
SERIES = (("channels", Stream("channels", 3, T)), ("kernels", Stream("features", 12)))
INTERFACES = {
    "text": Interface(TEXT, classes=4),
    "pairs": Interface(TEXT, classes=3, sides=2),
    "tagging": Interface(TEXT[:4], classes=5, per_step=True),
    "series": Interface(SERIES, classes=2),
    "tiny": Interface(TEXT, classes=4),
    "transformers": Interface(TEXT, classes=4),
}


def drawn(interface: Interface, seed: int = 0, size: int = 3) -> dict[str, Tensor]:
    """A batch of random values with sequences of several lengths, the first the longest."""
    rng = torch.Generator().manual_seed(seed)
    batch: dict[str, Tensor] = {}
    for side in ("", ".a", ".b")[: 3 if interface.sides == 2 else 1]:
        lengths = torch.randint(1, T + 1, (size,), generator=rng).clamp(max=T)
        lengths[0] = T
        mask = torch.arange(T) < lengths[:, None]
        for name, stream in interface.streams:
            match stream.form:
                case "tokens" | "pieces":
                    batch[name + side] = torch.randint(1, stream.size, (size, T), generator=rng) * mask
                case "characters":
                    batch[name + side] = torch.randint(0, stream.size, (size, T, 4), generator=rng) * mask[..., None]
                case "bag":
                    batch[name + side] = torch.randint(1, stream.size, (size, 6), generator=rng)
                    batch[f"{name}{side}.weight"] = torch.rand(size, 6, generator=rng)
                case "channels":
                    batch[name + side] = torch.randn(size, T, stream.size, generator=rng) * mask[..., None]
                case "features":
                    batch[name + side] = torch.randn(size, stream.size, generator=rng)
            if stream.form in ("tokens", "characters", "channels", "pieces"):
                batch[f"{name}{side}.mask"] = mask
            if stream.form == "pieces" and interface.sides == 2 and not side:
                batch[f"{name}.segments"] = (torch.arange(T) >= lengths[:, None] // 2).long() * mask
    return batch

"""Random architectures from every named space build, run, learn, and do not see their padding."""

import random

import pytest
import torch
import torch.nn.functional as F
from networks import INTERFACES, T, drawn

from seqwright.arch.spaces import named
from seqwright.nn import build
from seqwright.space.moves import sample


def padded(batch: dict[str, torch.Tensor], extra: int) -> dict[str, torch.Tensor]:
    """The same batch with `extra` more steps of padding (and n-grams of weight zero)."""
    out = {}
    for name, value in batch.items():
        fixed = name.startswith("kernels")
        out[name] = value if fixed else F.pad(value, (0, 0) * (value.ndim - 2) + (0, extra))
    return out


@pytest.mark.parametrize("name", list(INTERFACES))
def test_random_architectures_build_run_and_ignore_padding(name: str) -> None:
    interface = INTERFACES[name]
    batch = drawn(interface)
    for seed in range(12):
        candidate = sample(named(name), random.Random(seed))
        torch.manual_seed(seed)
        network = build(candidate.architecture, interface, candidate.recipe.dropout)
        logits = network(batch)
        assert logits.shape == ((3, T, 5) if interface.per_step else (3, interface.classes))
        logits.logsumexp(-1).sum().backward()
        idle = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
        assert not idle, candidate.architecture
        network.eval()
        with torch.no_grad():
            short, long = network(batch), network(padded(batch, 6))
        if interface.per_step:
            mask = batch["words.mask"]
            short, long = short[mask], long[:, :T][mask]
        assert (short - long).abs().max() < 1e-5 * short.abs().max().clamp(min=1), candidate.architecture


@pytest.mark.parametrize("name", list(INTERFACES))
def test_random_architectures_train_in_bfloat16(name: str) -> None:
    batch = drawn(INTERFACES[name])
    for seed in range(6):
        architecture = sample(named(name), random.Random(100 + seed)).architecture
        torch.manual_seed(seed)
        network = build(architecture, INTERFACES[name])
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(batch)
        logits.float().logsumexp(-1).sum().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters()), architecture

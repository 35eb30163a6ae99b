"""Scores of untrained networks: what their first answers to a few examples say. They order or prune, and never judge.

============= =================================================================================================
parameters    how many there are behind the stem (Javaheripi et al. 2022, LiteTransformerSearch, arXiv:2203.02094)
saliency      log of the sum of \\|weight x gradient\\| at absolute weights (SynFlow, Tanaka et al. 2020,
              arXiv:2006.05467; as a score Abdelfattah et al. 2021, arXiv:2101.08134)
jacobian      how little the examples' gradients at the stem's output correlate (Mellor et al. 2020,
              arXiv:2006.04647, first version)
naswot        log-determinant of how often the signs of all units agree between two examples (Mellor et al. 2021,
              arXiv:2006.04647)
hidden        how little the examples' last hidden states correlate (Serianni & Kalita 2023, arXiv:2306.00288)
============= =================================================================================================

Ours differ: embeddings are left out, which are the most of a text network and say nothing of it; the signs are those of
all that linear maps, convolutions and recurrences give, for few of our blocks have a ReLU; and hidden states are what
the head reads, so any network has them. Higher promises more.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from seqwright.arch.interface import Interface
from seqwright.data.batch import collate
from seqwright.evaluate.workbench import Workbench
from seqwright.nn.build import build

EXAMPLES = 32
SMALLEST = 1e-5  # added to eigenvalues, as the papers do
Batch = dict[str, Tensor]


def training_free(name: str, architecture: Any, interface: Interface, batch: Batch, seed: int = 0) -> float:
    """One score of a network with random weights; minus infinity where it is not a number.

    Args:
        name: one of `SCORES`.
        batch: a few examples, as `arch.interface` describes them.
        seed: of the weights.

    Raises:
        SpaceError: the architecture does not suit the interface.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build(architecture, interface).eval()
    value = SCORES[name](network, batch)
    return value if math.isfinite(value) else -math.inf


def of_bench(name: str, architecture: Any, bench: Workbench) -> float:
    """The score on a few of a run's training examples, spread over the first fold, on the CPU."""
    rows = bench.folds[0][0]
    chosen = rows[np.linspace(0, len(rows) - 1, min(EXAMPLES, len(rows))).astype(int)]
    arrays = collate(bench.development, chosen, architecture.streams)
    batch = {stream: torch.from_numpy(a) for stream, a in arrays.items() if stream not in ("targets", "weights")}
    return training_free(name, architecture, bench.interface, batch)


def _parameters(network: nn.Module, batch: Batch) -> float:
    return float(sum(p.numel() for p in _own(network)))


def _saliency(network: nn.Module, batch: Batch) -> float:
    with torch.no_grad():
        for p in network.parameters():
            p.abs_()
    own = [p for p in _own(network) if p.requires_grad]
    with torch.enable_grad():
        gradients = torch.autograd.grad(network(batch).double().sum(), own, allow_unused=True)
    pairs = [(p, g) for p, g in zip(own, gradients, strict=True) if g is not None]
    return math.log(sum(float((p.detach().double() * g.double()).abs().sum()) for p, g in pairs) + 1e-30)


def _jacobian(network: nn.Module, batch: Batch) -> float:
    seen: list[Tensor] = []

    def leaf(module: nn.Module, args: Any, output: Any) -> Any:
        x, mask = output
        seen.append(x.detach().requires_grad_())
        return seen[-1], mask

    with torch.enable_grad(), _hooked([network.get_submodule("stem")], leaf):
        network(batch).sum().backward(inputs=seen)
    return _apart(torch.cat([x.grad.flatten(1) for x in seen if x.grad is not None], 1))


def _hidden(network: nn.Module, batch: Batch) -> float:
    read: list[Tensor] = []

    def note(module: nn.Module, args: Any, output: Any) -> None:
        read.append(args[0])

    with torch.no_grad(), _hooked([network.get_submodule("head")], note):
        network(batch)
    return _apart(read[-1].mean(1) if read[-1].dim() == 3 else read[-1])


def _naswot(network: nn.Module, batch: Batch) -> float:
    signs = _Signs(len(next(iter(batch.values()))))
    with torch.no_grad(), signs, _hooked([m for m in network.modules() if isinstance(m, nn.RNNBase)], signs.hook):
        network(batch)
    code = torch.cat(signs.found, 1).double()
    alike = (code @ code.T + (1 - code) @ (1 - code).T) / code.shape[1]  # the share of signs that two examples share
    return float(torch.linalg.slogdet(alike + SMALLEST * torch.eye(len(code)))[1])


class _Signs(TorchFunctionMode):
    """Collects the signs (B, P) of all that linear maps and convolutions give while it is entered."""

    def __init__(self, examples: int) -> None:
        super().__init__()
        self.examples, self.found = examples, list[Tensor]()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if func in (F.linear, F.conv1d, F.conv2d):
            self.note(made)
        return made

    def hook(self, module: nn.Module, args: Any, output: Any) -> None:
        self.note(output[0])

    def note(self, values: Tensor) -> None:
        if len(values) == self.examples:
            self.found.append((values > 0).flatten(1).float())


SCORES: dict[str, Callable[[nn.Module, Batch], float]] = {
    "parameters": _parameters,
    "saliency": _saliency,
    "jacobian": _jacobian,
    "naswot": _naswot,
    "hidden": _hidden,
}


def _own(network: nn.Module) -> list[nn.Parameter]:
    """Parameters behind the stem."""
    return [p for name, p in network.named_parameters() if not name.startswith("stem.")]


class _hooked:
    """Forward hooks on modules, for as long as a `with` block lasts."""

    def __init__(self, modules: list[nn.Module], hook: Callable[..., Any]) -> None:
        self._handles = [module.register_forward_hook(hook) for module in modules]

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()


def _apart(rows: Tensor) -> float:
    """How far from alike B rows (B, P) are: minus the sum of log(e) + 1 / e over eigenvalues e of their correlation."""
    values = rows.detach().double().numpy()
    if not np.isfinite(values).all():
        return -math.inf
    values = values - values.mean(1, keepdims=True)
    values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
    found = np.linalg.eigvalsh(values @ values.T).clip(0) + SMALLEST
    return -float(np.sum(np.log(found) + 1 / found))

"""Gates: how much each of several options counts, as a function of weights that training finds.

Gates of one path are one gate, wherever they stand: all normal cells of a network share theirs, as published.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

SPREAD = 1e-3  # of the first weights (Liu et al. 2019)


class Gate(nn.Module):
    """softmax(alpha), or sigmoid(alpha), over the options that are kept; (O,). One that is kept alone weighs 1."""

    alpha: nn.Parameter

    def __init__(self, path: str, labels: Sequence[str]) -> None:
        super().__init__()
        self.path, self.labels, self.sigmoid = path, tuple(labels), False
        self.alpha = nn.Parameter(SPREAD * torch.randn(len(self.labels)))
        self.kept = tuple(range(len(self.labels)))
        self.lacks = False  # one was left out

    def strengths(self) -> Tensor:
        """What alpha says of all options, kept or not."""
        return self.alpha.sigmoid() if self.sigmoid else self.alpha.softmax(0)

    def forward(self) -> Tensor:
        """What each option weighs, nothing where it is not kept; (O,)."""
        if len(self.kept) == len(self.labels) > 1:
            return self.strengths()
        counts = torch.zeros_like(self.alpha)
        counts[list(self.kept)] = 1.0
        return counts * self.strengths() if self.lacks or len(self.kept) > 1 else counts

    def keep(self, labels: Sequence[str]) -> None:
        """From now on only these options count."""
        self.kept, self.lacks = tuple(i for i, name in enumerate(self.labels) if name in labels), False

    def leave_out(self, label: str) -> None:
        """From now on all others count, each as before: one that is left over is not made stronger."""
        self.keep([name for name in self.labels if name != label])
        self.lacks = True


def tied(network: nn.Module) -> dict[str, Gate]:
    """The gates of a network by path, after those of one path were made one."""
    gates: dict[str, Gate] = {}
    for module in list(network.modules()):
        for name, part in module.named_children():
            if isinstance(part, Gate):
                module._modules[name] = gates.setdefault(part.path, part)
    return gates


def keep(gates: Mapping[str, Gate], kept: "Mapping[str, str | None]") -> None:
    """Make every gate count the one option that it keeps, or none; gates that are not named count all of theirs."""
    for path, gate in gates.items():
        name = kept.get(path, "")
        gate.keep(gate.labels if name == "" else () if name is None else (name,))

"""The network of a mixture: every option of every open question runs, and gates weigh what they give.

Options have weights of their own, as in DARTS (Liu et al. 2019, arXiv:1806.09055), not slices of a shared bank.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.blocks import Skip
from seqwright.arch.interface import Interface
from seqwright.arch.mixed import Mixed
from seqwright.errors import SpaceError
from seqwright.nn.build import block, build
from seqwright.nn.gates import Gate, tied
from seqwright.nn.role import Context, Role
from seqwright.nn.stems import Batch


class MixedModule(nn.Module):
    """y = sum_i g_i f_i(x), g the gate. (B, T, D) -> (B, T, D).

    With partial channels the f_i read and write D / P units, and the others get nothing, which on a residual stream
    lets them pass. PC-DARTS (arXiv:1907.05737) shuffles the units after each mixture; here every slot takes others.
    """

    def __init__(self, spec: Mixed, width: int, role: Role) -> None:
        super().__init__()
        self.width = width // spec.partial
        self.before, self.after = spec.place * self.width, width - (spec.place + 1) * self.width
        self.gate = Gate(spec.path, spec.labels)
        self.options = nn.ModuleList(block(option, self.width, role) for option in spec.options)
        self.nothing = tuple(isinstance(option, Skip) for option in spec.options)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        part = x.narrow(-1, self.before, self.width)
        total = part.new_zeros(part.shape)
        weights = self.gate().unbind()
        for i in self.gate.kept:
            if not self.nothing[i]:
                total = total + weights[i] * self.options[i](part, context)
        return F.pad(total, (self.before, self.after)) if self.before or self.after else total


@block.register
def _(spec: Mixed, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    if width % spec.partial:
        raise SpaceError(
            f"A width of {width} has no {spec.partial} equal parts, which partial channels need. Use a multiple."
        )
    return MixedModule(spec, width, role)


class MixtureNetwork(nn.Module):
    """An architecture with mixtures in it (see `arch.mixing.mixture`): a batch to logits.

    Args:
        sigmoid: options are weighed each alone, and do not compete.
    """

    def __init__(self, mixed: Any, interface: Interface, dropout: float = 0.0, sigmoid: bool = False) -> None:
        super().__init__()
        self.mixed = mixed
        self.network = build(mixed, interface, dropout)
        self.gates = tied(self.network)
        for gate in self.gates.values():
            # Weights of edges and states compete always: without, a mean over states would be none.
            gate.sigmoid = sigmoid and not gate.path.rpartition("/")[0].endswith("/combinations")

    def forward(self, batch: Batch) -> Tensor:
        return self.network(batch)

    def alphas(self) -> list[nn.Parameter]:
        """The architecture's weights: one vector a gate."""
        return [gate.alpha for gate in self.gates.values()]

    def weights(self) -> list[nn.Parameter]:
        """The networks' weights: all other parameters that train."""
        own = {id(alpha) for alpha in self.alphas()}
        return [p for p in self.parameters() if p.requires_grad and id(p) not in own]

    @torch.no_grad()
    def strengths(self) -> dict[str, list[float]]:
        """What each option weighs, by gate."""
        return {path: gate.strengths().tolist() for path, gate in self.gates.items()}

"""Linear recurrences: blocks whose memory is h_t = a_t * h_{t-1} + b_t, so one parallel scan runs all steps.

Their gates see only the input (`MinGru`) or are constants (`Ssm`); that is what makes the recurrence linear in h.
Backward in time is the same scan on the flipped sequence: padding adds nothing to the state, so the state is still
zero when the flipped sequence reaches its first real step, and no step depends on how far a batch was padded.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqwright.arch.blocks import MinGru, Ssm
from seqwright.errors import SpaceError
from seqwright.nn.build import block
from seqwright.nn.role import Context, Role
from seqwright.nn.scan import linear_scan


class MinGruModule(nn.Module):
    """Minimal gated recurrence: h_t = (1 - z_t) * h_{t-1} + z_t * v_t with z_t = σ(W_z x_t), v_t = W_v x_t.

    (B, T, D) to (B, T, D); O(T·D·H) work, O(log T) depth. Gates that see only the input cannot count as an LSTM does
    in one layer, but two stacked layers recover most of it, and long sequences cost no Python per step.

    Feng et al. 2024, arXiv:2410.01201. Ours scans in the linear domain (z in (0, 1) keeps it stable, so no logarithms
    and no positivity of v are needed), projects H back to D, and may run in both directions.
    """

    def __init__(self, width: int, hidden: int, bidirectional: bool = False) -> None:
        super().__init__()
        self.hidden, self.directions = hidden, 2 if bidirectional else 1
        self.enter = nn.Linear(width, self.directions * 2 * hidden)
        self.leave = nn.Linear(self.directions * hidden, width)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        both = self.enter(x).float().unflatten(-1, (self.directions, 2, self.hidden))
        z, v = both.unbind(-2)  # each (B, T, directions, H)
        z = z.sigmoid()
        b = z * v * context.mask[..., None, None]
        h = [linear_scan(1 - z[:, :, 0], b[:, :, 0])]
        if self.directions == 2:
            h.append(linear_scan(1 - z[:, :, 1].flip(1), b[:, :, 1].flip(1)).flip(1))
        return self.leave(torch.cat(h, -1).to(x.dtype))

    def initial(self, batch: int) -> Tensor:
        """The state before the first step, (B, H)."""
        return self.leave.weight.new_zeros(batch, self.hidden)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One step, (B, D) and (B, H), of a one-directional block."""
        z, v = self.enter(x).chunk(2, -1)
        z = z.sigmoid()
        state = (1 - z) * state + z * v
        return self.leave(state), state


class SsmModule(nn.Module):
    """Diagonal state-space layer: h_t = λ * h_{t-1} + γ * (B x_t), y_t = GLU(C [Re h_t, Im h_t]), with λ complex.

    (B, T, D) to (B, T, D); O(T·D·N) work, O(log T) depth. Each of the N states is a damped oscillator, so it hears
    rhythms and long smooth trends that gates miss.

    Gu et al. 2022 (S4D), arXiv:2206.11893; Orvieto et al. 2023 (LRU), arXiv:2303.06349. As in the LRU, B and C are
    full, |λ| = exp(-exp(ν)) < 1 always, and γ = sqrt(1 - |λ|²) keeps the states' scale; as in S4D, a GLU follows.
    Ours stores real pairs only (a checkpoint holds no complex numbers) and starts |λ| lower, for shorter sequences.
    """

    def __init__(self, width: int, state: int, bidirectional: bool = False) -> None:
        super().__init__()
        self.state, self.directions = state, 2 if bidirectional else 1
        self.enter = nn.Linear(width, self.directions * 2 * state)
        self.leave = nn.Linear(self.directions * 2 * state, 2 * width)
        radius = torch.empty(self.directions, state).uniform_(0.5**2, 0.999**2).sqrt()  # uniform on the ring
        self.log_decay = nn.Parameter((-radius.log()).log())
        self.phase = nn.Parameter(torch.rand(self.directions, state) * math.pi)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        decay, scale = self._decay()
        u = self.enter(x).float().unflatten(-1, (self.directions, 2, self.state)) * context.mask[..., None, None, None]
        u = torch.complex(u[..., 0, :], u[..., 1, :]) * scale  # (B, T, directions, N)
        h = [linear_scan(decay[0], u[:, :, 0])]
        if self.directions == 2:
            h.append(linear_scan(decay[1], u[:, :, 1].flip(1)).flip(1))
        return self._read(torch.stack(h, 2), x.dtype)

    def initial(self, batch: int) -> Tensor:
        """The state before the first step, (B, N) complex."""
        return torch.zeros(batch, self.state, dtype=torch.complex64, device=self.phase.device)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One step, (B, D) and (B, N), of a one-directional block."""
        decay, scale = self._decay()
        real, imaginary = self.enter(x).float().chunk(2, -1)
        state = decay[0] * state + torch.complex(real, imaginary) * scale[0]
        return self._read(state[:, None], x.dtype), state

    def _decay(self) -> tuple[Tensor, Tensor]:
        """λ and γ, (directions, N)."""
        radius = torch.exp(-self.log_decay.float().exp())
        return torch.polar(radius, self.phase.float()), (1 - radius.square()).clamp(min=1e-8).sqrt()

    def _read(self, h: Tensor, dtype: torch.dtype) -> Tensor:
        pairs = torch.stack([h.real, h.imag], -2)  # (..., directions, 2, N)
        return F.glu(self.leave(pairs.flatten(-3).to(dtype)))


def _one_way(spec: MinGru | Ssm, role: Role) -> None:
    """Refuse a block that looks ahead where nothing may.

    Raises:
        SpaceError: a bidirectional block in a causal role. Give bidirectional=False.
    """
    if role.causal and spec.bidirectional:
        raise SpaceError(f"{spec} reads backwards in time, but its role is causal. Give it bidirectional=False.")


@block.register
def _(spec: MinGru, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    _one_way(spec, role)
    return MinGruModule(width, spec.hidden, spec.bidirectional)


@block.register
def _(spec: Ssm, width: int, role: Role = Role()) -> nn.Module:  # noqa: B008
    _one_way(spec, role)
    return SsmModule(width, spec.state, spec.bidirectional)

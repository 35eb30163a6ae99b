"""How a mixture is trained by gradient descent on architectures: DARTS, and what mends it, as plain data."""

from dataclasses import dataclass

from seqwright.arch.kinds import kind
from seqwright.errors import SpaceError, did_you_mean

ALLOWED = {
    "order": (1, 2),
    "partial": (1, 2, 4, 8),
    "gate": ("softmax", "sigmoid"),
    "stop": ("none", "eigenvalue"),
    "selection": ("alpha", "perturbation"),
}


@kind
@dataclass(frozen=True)
class Darts:
    """Differentiable architecture search (Liu et al. 2019, arXiv:1806.09055). Its mends may be combined.

    Args:
        order: of the approximation to the gradient: 1, or 2 with a virtual step of the weights.
        partial: one in so many channels passes the operations, edges are normalised, and architecture weights rest
            for the first 30 % of the steps (PC-DARTS, Xu et al. 2020, arXiv:1907.05737).
        gate: "softmax", where options compete, or "sigmoid" with a loss that draws each to 0 or 1 (Fair-DARTS, Chu et
            al. 2020, arXiv:1911.12126).
        stop: "eigenvalue" ends when the curvature of the validation loss rises, and goes back (R-DARTS's early stop,
            Zela et al. 2020, arXiv:1909.09656).
        selection: "alpha" keeps the option with the largest weight, "perturbation" the one whose removal hurts most
            (DARTS-PT, Wang et al. 2021, arXiv:2108.04392).

    Raises:
        SpaceError: a field has a value that is not known.
    """

    order: int = 1
    partial: int = 1
    gate: str = "softmax"
    stop: str = "none"
    selection: str = "alpha"

    def __post_init__(self) -> None:
        for name, allowed in ALLOWED.items():
            if (given := getattr(self, name)) not in allowed:
                meant = did_you_mean(given, [str(one) for one in allowed]) if isinstance(given, str) else ""
                raise SpaceError(
                    f"Darts({name}={given!r}) is not known.{meant} Give one of: {', '.join(map(repr, allowed))}."
                )


DARTS = {
    "darts": Darts(),
    "darts-2nd": Darts(order=2),
    "pc-darts": Darts(partial=4),
    "fair-darts": Darts(gate="sigmoid"),
    "r-darts": Darts(stop="eigenvalue"),
    "darts-pt": Darts(selection="perturbation"),
}

"""BANANAS: an ensemble of networks predicts, neighbours of the best are ranked by independent Thompson sampling.

White et al. 2021, arXiv:1910.11858. Ours differs: candidates are encoded by their answers (`space.encode`), which every
space has, rather than by the paths through a cell; see `surrogate` and `ensemble` for the rest.
"""

from typing import Any

from seqwright.search.ensemble import Ensemble
from seqwright.search.surrogate import Surrogate
from seqwright.space.nodes import Space

REFIT = 0.1  # the networks learn again when the trials grew by a tenth; in the paper every ten trials


class Bananas(Surrogate):
    """Args: as `Surrogate` takes them."""

    def __init__(self, space: Space, **given: Any) -> None:
        settings: dict[str, Any] = {"model": Ensemble, "acquisition": "thompson", "refit": REFIT} | given
        super().__init__(space, name="ensemble", **settings)

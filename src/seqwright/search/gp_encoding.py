"""Bayesian optimisation with a Gaussian process on the encoding: exact for a few hundred trials, and learnt at once.

Its kernel has a relevance for each question of the space (`gaussian_process`). Thompson sampling ranks neighbours of
the best: expected improvement is quicker at first, but on NAS-Bench-201 it now and then stayed on the first summit.
"""

from typing import Any

from seqwright.search.gaussian_process import GaussianProcess, groups
from seqwright.search.surrogate import Surrogate
from seqwright.space.census import questions
from seqwright.space.nodes import Space


class EncodedGp(Surrogate):
    """Args: as `Surrogate` takes them, but for the model."""

    def __init__(self, space: Space, **given: Any) -> None:
        settings: dict[str, Any] = {"acquisition": "thompson"} | given
        sizes = [2 if q.ordered else len(q.options) for q in questions(space).values() if len(q.options) > 1]
        place = None if settings.get("encoding") else groups(sizes)
        super().__init__(space, model=lambda: GaussianProcess(place), name="Gaussian process", **settings)

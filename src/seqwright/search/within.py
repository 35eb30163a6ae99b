"""Within limits: no candidate is trained that costs more than it may, and one that would is made smaller.

Parameters, operations and the like are counted before training. What must be measured, as latency, is first guessed
from what was measured so far: a candidate that is surely too dear is not proposed, and any other is measured by its
worker, which trains it only if it obeys. So the guess saves time and decides nothing in a network's favour.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.search.cost_model import CostModel
from seqwright.search.fresh import generator
from seqwright.search.limits import Admissible
from seqwright.search.objectives import COSTS
from seqwright.search.strategy import Strategy
from seqwright.space.census import questions
from seqwright.space.encode import encode, names
from seqwright.space.fill import answers, read
from seqwright.space.moves import change
from seqwright.space.nodes import Space
from seqwright.study.record import Proposal, Trial

Count = Callable[[Candidate, tuple[str, ...]], Mapping[str, float]]
COUNTED = "parameters", "flops"  # what a measured cost is guessed from
STEPS = 60  # attempts to make a candidate smaller
LOWERED = 0.9  # share of them that lower a width, a depth or the like; others try another kind of block


class Within:
    """Called with a candidate, says why it may not be trained, or None: an `Admissible` that learns.

    Args:
        limits: the most that each cost may be.
        count: those costs of a candidate that can be counted, by name.
        also: another rule, asked first.
    """

    def __init__(self, space: Space, limits: Mapping[str, float], count: Count, also: Admissible | None = None) -> None:
        self.space, self.limits, self.also = space, dict(limits), also
        self._count = count
        self._places: np.ndarray | None = None
        self._exact = tuple(name for name in limits if not COSTS[name].measured)
        self._models = {name: CostModel(self._described) for name in limits if COSTS[name].measured}

    def __call__(self, candidate: Candidate) -> str | None:
        if self.also is not None and (reason := self.also(candidate)):
            return reason
        broken = {name: over for name, over in self.excess(candidate).items() if over > 0}
        return " and ".join(f"more than {self.limits[name]:,.10g} {name}" for name in broken) or None

    def tell(self, trials: Sequence[Trial]) -> None:
        """Learn from what was measured, of networks that were not trained as well."""
        for trial in trials:
            for name, model in self._models.items():
                cost = trial.costs.get(name)
                if cost is not None and read(self.space, trial.proposal.candidate) is not None:
                    model.learn(trial.proposal.candidate, cost)

    def excess(self, candidate: Candidate) -> dict[str, float]:
        """How far over each limit a candidate is, as the logarithm of the ratio; surely so, where it is guessed."""
        costs = {name: model.least(candidate) for name, model in self._models.items()}
        if self._exact:
            costs |= self._count(candidate, self._exact)
        return {name: math.log(max(cost, 1e-12) / self.limits[name]) for name, cost in costs.items()}

    def repaired(self, candidate: Candidate) -> Candidate | None:
        """A candidate near `candidate` that obeys: answers are lowered and changed while that lessens the excess.

        None where it breaks no limit, or none was found.
        """
        over = _total(self.excess(candidate))
        if over == 0:
            return None
        asked, rng = questions(self.space), generator(0, int(identity(candidate), 16))
        for _ in range(STEPS):
            known = answers(self.space, candidate)
            places = [path for path in known if path.startswith("/architecture") and len(asked[path].options) > 1]
            lower = [path for path in places if asked[path].ordered and known[path]]
            other = [path for path in places if not asked[path].ordered]
            if not lower and not other:
                return None
            if lower and (not other or rng.random() < LOWERED):
                path = rng.choice(lower)
                new = rng.randrange(known[path])
            else:
                path = rng.choice(other)
                new = rng.randrange(len(asked[path].options))
            child, _ = change(self.space, known, path, new, rng)
            if (less := _total(self.excess(child))) < over:
                candidate, over = child, less
                if over == 0:
                    return candidate
        return None

    def _described(self, candidate: Candidate) -> tuple[list[float], np.ndarray]:
        """Logarithms of what can be counted, and how many layers of each kind and size there are, wherever they are."""
        counted = self._count(candidate, COUNTED)
        if self._places is None:
            alike = [re.sub(r"/\d+(?=[/?=]|$)", "/*", name) for name in names(self.space)]
            self._places = np.unique(alike, return_inverse=True)[1]
        summed = np.bincount(self._places, weights=encode(self.space, candidate))
        return [math.log(max(1.0, counted[name])) for name in COUNTED], summed


def _total(excess: Mapping[str, float]) -> float:
    return sum(max(0.0, over) for over in excess.values())


class Constrained:
    """A strategy, or a schedule around one, whose `within` hears of all trials too."""

    def __init__(self, strategy: Strategy, within: Within) -> None:
        self.strategy, self.within = strategy, within

    def ask(self, n: int) -> list[Proposal]:
        return self.strategy.ask(n)

    def tell(self, trials: Sequence[Trial]) -> None:
        self.within.tell(trials)
        self.strategy.tell(trials)

    def ban(self, pattern: str) -> None:
        ban: Any = getattr(self.strategy, "ban", None)
        if callable(ban):
            ban(pattern)

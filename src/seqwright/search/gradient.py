"""Gradient search: a mixture of the whole space is trained once; then its derived networks, then evolution from there.

DARTS (Liu et al. 2019, arXiv:1806.09055) delivers the one architecture that it derives, which on some spaces is a bad
one (Zela et al. 2020, arXiv:1909.09656). So ours differs: the weights that it finds are a prior, not a verdict. Some
derived architectures are trained as any other candidate, and the evolution that follows draws and mutates by that
prior, mixed with an even one so that nothing is ruled out; where the mixture collapsed, it goes without.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.codec import from_data
from seqwright.arch.darts import Darts
from seqwright.arch.mixing import mixture
from seqwright.arch.supernet import Supernet
from seqwright.errors import SpaceError
from seqwright.search.evolution import Evolution
from seqwright.search.fresh import generator
from seqwright.search.nearest import nearest, nearest_recipe
from seqwright.search.strategy import Strategy
from seqwright.space.census import questions
from seqwright.space.nodes import Space
from seqwright.space.prior import Prior
from seqwright.study.record import Fidelity, Proposal, Trial

EVEN = 0.2  # share of the prior that is even: what a mixture found weak may be good alone
DERIVED = "derived from the mixture"  # how the `why` of one begins
LONGER = 2  # a mixture sees so many times the examples that a candidate does, half of them for its gates


class Guided(Evolution):
    """Evolution that is told a prior and some architectures after it has begun."""

    def __init__(self, space: Space, **more: Any) -> None:
        super().__init__(space, **more)
        self._derived: deque[tuple[str, Candidate]] = deque()
        usual: Recipe = self._portfolio[0][1][1].recipe if self._portfolio else Recipe()
        self.recipe = nearest_recipe(space, usual, generator(self.seed, -5))

    def guide(self, found: Mapping[str, Any]) -> None:
        """Take in what a supernet's trial `found`: "derived" architectures, and the "prior" unless it "collapsed"."""
        collapsed = found.get("collapsed", "")
        for place, data in enumerate(found.get("derived", ())):
            name = "the strongest of every question" if place == 0 else f"one decision from the strongest, {place}"
            candidate = nearest(self.space, Candidate(from_data(data), self.recipe), generator(self.seed, -4, place))
            said = f"; the mixture {collapsed} Its prior is not used." if collapsed else ""
            self._derived.append((f"{DERIVED}: {name}{said}", candidate))
        if not collapsed:
            self.prior = blended(self.space, found.get("prior", {}), self.prior)

    def _next(self) -> Proposal | None:
        while self._derived:
            why, candidate = self._derived.popleft()
            obeys = candidate if self.fresh.takes(candidate) else self.fresh.obeying(candidate)
            if obeys is not None:
                return Proposal(obeys, why=why)
        return super()._next()


class Gradient:
    """A wrapper around a `Guided` evolution: the mixture first, the portfolio meanwhile, then what it found.

    Args:
        guided: the evolution.
        strategy: the same, with its schedule around it.
        training: how the mixture is trained.
        fidelity: at which candidates are trained to their end.

    Raises:
        SpaceError: nothing in the space can be mixed, or it is none of candidates.
    """

    def __init__(self, guided: Guided, strategy: Strategy, training: Darts, fidelity: Fidelity) -> None:
        mixture(guided.space, training.partial)  # now, and not in the first trial
        self.guided, self.strategy = guided, strategy
        self._supernet = Proposal(
            Candidate(Supernet(guided.space, training), guided.recipe),
            Fidelity(max(1, LONGER * fidelity.examples), stage="supernet"),
            why="a mixture of the space: what it finds is a prior for what follows",
        )
        self._asked = self._ready = False
        self._meanwhile = len(guided._portfolio)

    def ask(self, n: int) -> list[Proposal]:
        return list(islice(iter(self._next, None), n))

    def _next(self) -> Proposal | None:
        if not self._asked:
            self._asked = True
            return self._supernet
        if not self._ready and not self._meanwhile:
            return None
        proposal = next(iter(self.strategy.ask(1)), None)
        self._meanwhile -= proposal is not None
        return proposal

    def tell(self, trials: Sequence[Trial]) -> None:
        """A mixture that failed leaves an evolution as any other."""
        for trial in trials:
            if trial.proposal.fidelity.stage != "supernet":
                self.strategy.tell([trial])
            elif not self._ready:
                self._ready = True
                self.guided.guide(trial.found)

    def ban(self, pattern: str) -> None:
        """Propose nothing new that `pattern` matches."""
        if callable(ban := getattr(self.strategy, "ban", None)):
            ban(pattern)


def blended(space: Space, found: Mapping[str, Mapping[str, float]], given: Prior | None) -> Prior:
    """What was found, mixed with an even share, times what was given; elsewhere what was given.

    Raises:
        SpaceError: it weighs what the space does not ask.
    """
    asked, weights = questions(space), dict(given.as_data()) if given else {}
    for path, options in found.items():
        if (question := asked.get(path)) is None:
            raise SpaceError(f"The mixture found weights for {path}, which the space does not ask.")
        labels, total = question.labels(), max(sum(options.values()), 1e-12)
        shares = [(1 - EVEN) * options.get(name, 0.0) / total + EVEN / len(labels) for name in labels]
        before = given.weights(path, question) if given else None
        weights[path] = [a * b for a, b in zip(shares, before or [1.0] * len(labels), strict=True)]
    return Prior(weights)

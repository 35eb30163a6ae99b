"""Random search: a portfolio of hand-made candidates, if one is given, then draws from the space.

Bergstra & Bengio 2012 (jmlr.org/papers/v13/bergstra12a). The yardstick for every other strategy.
"""

from collections import deque
from collections.abc import Iterable, Sequence

from seqwright.arch.candidate import Candidate
from seqwright.search.fresh import Fresh, generator
from seqwright.search.limits import Admissible
from seqwright.search.nearest import nearest
from seqwright.space.moves import sample
from seqwright.space.nodes import Space
from seqwright.space.prior import Prior
from seqwright.study.record import Fidelity, Proposal, Trial

PORTFOLIO = "portfolio"  # how the `why` of a hand-made candidate begins
WHOLE = Fidelity(0)  # where fidelity means nothing, as on a table


class RandomSearch:
    """Proposal k depends on (seed, k) and on what was proposed before.

    Args:
        fidelity: of every proposal; a schedule around the strategy sets its own.
        prior: weights for the draws.
        portfolio: (name, candidate)s to propose first; one outside the space is brought to the nearest inside.
        admissible: says why a candidate may not be trained, or None; see `limits.Limits`.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        fidelity: Fidelity = WHOLE,
        prior: Prior | None = None,
        portfolio: Iterable[tuple[str, Candidate]] = (),
        admissible: Admissible | None = None,
    ) -> None:
        self.space, self.seed, self.fidelity, self.prior = space, seed, fidelity, prior
        self.fresh = Fresh(space, admissible)
        self.made = 0
        self._portfolio = deque(enumerate(portfolio))

    def ask(self, n: int) -> list[Proposal]:
        proposals: list[Proposal] = []
        while len(proposals) < n and (proposal := self._next()) is not None:
            proposals.append(proposal.at(self.fidelity))
            self.made += 1
        return proposals

    def tell(self, trials: Sequence[Trial]) -> None:
        """Random search learns nothing."""

    def ban(self, pattern: str) -> None:
        """Propose nothing more that `pattern` matches."""
        self.fresh.ban(pattern)

    def _next(self) -> Proposal | None:
        while self._portfolio:
            place, (name, given) = self._portfolio.popleft()
            candidate = nearest(self.space, given, generator(self.seed, -1, place))
            if not self.fresh.takes(candidate):
                candidate = self.fresh.obeying(candidate)
            if candidate is not None:
                moved = "" if candidate == given else ", brought into the space"
                return Proposal(candidate, why=f"{PORTFOLIO}: {name}{moved}")
        return self.fresh.first(self.draw)

    def draw(self, attempt: int) -> Proposal:
        """A proposal, fresh or not; another for every attempt."""
        rng = generator(self.seed, self.made, attempt)
        return Proposal(sample(self.space, rng, self.prior), why="drawn at random")

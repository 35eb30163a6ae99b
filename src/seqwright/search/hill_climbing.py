"""Hill climbing by network morphisms: the best network grows a little, and its children begin with what it has learned.

Elsken et al. 2018, arXiv:1711.04528, with its 8 neighbours a step; the moves are those of Chen et al. 2016 (Net2Net,
arXiv:1511.05641) and Jin et al. 2019 (Auto-Keras, arXiv:1806.10282). Ours differs: a child is one move away and not
five, a share of them shrink or replace something and inherit what still fits, or change the recipe, and the climb goes
best-first: when a network has had its children, the next best that has not is next, so that a summit is left by
itself and many can be trained at a time.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.arch.network import Network
from seqwright.search.fresh import generator
from seqwright.search.limits import Admissible
from seqwright.search.random_search import WHOLE, RandomSearch
from seqwright.space.census import size
from seqwright.space.moves import Move, duplicate, insert, mutate
from seqwright.space.nodes import Space
from seqwright.space.prior import Prior
from seqwright.study.record import Fidelity, Proposal, Trial

NEIGHBOURS = 8  # Elsken et al. 2018, section 4
BEGIN = 8
PATIENCE = 20  # attempts at a growing move before any move will do, and as many before a fresh draw
LARGER = ("hidden", "state", "width", "kernel", "heads", "expand", "layers")  # fields that may be raised unharmed
HARMED = ("lightconv/kernel", "branchedconv/expand")  # but for these, which share out or normalise what they have


class HillClimbing(RandomSearch):
    """Random search until `begin` candidates are proposed, then children of the best.

    A child starts from its parent's weights, and for that the parent's training must have ended: no schedule may
    promote it later.

    Args:
        begin: how many are drawn before the first child, the portfolio's included.
        neighbours: children of one network.
        growing: the share of children that can compute what their parent computes.
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
        begin: int = BEGIN,
        neighbours: int = NEIGHBOURS,
        growing: float = 0.8,
    ) -> None:
        super().__init__(space, seed=seed, fidelity=fidelity, prior=prior, portfolio=portfolio, admissible=admissible)
        self.begin, self.neighbours, self.growing = begin, neighbours, growing
        self.known: dict[str, Trial] = {}
        self.children: Counter[str] = Counter()
        self._single = size(space) == 1

    def ask(self, n: int) -> list[Proposal]:
        proposals: list[Proposal] = []
        while len(proposals) < n and (asked := super().ask(1)):
            proposals += asked
            if (parent := asked[0].parent) is not None:
                self.children[parent] += 1
        return proposals

    def tell(self, trials: Sequence[Trial]) -> None:
        self.known |= {identity(trial.proposal.candidate): trial for trial in trials if not trial.failed}

    def draw(self, attempt: int) -> Proposal:
        name = self._parent()
        if self.made < self.begin or self._single or name is None or attempt >= 2 * PATIENCE:
            return super().draw(attempt)
        rng = generator(self.seed, self.made, attempt)
        parent = self.known[name].proposal.candidate
        grows = attempt < PATIENCE and rng.random() < self.growing
        child, move = (
            grown(self.space, parent, rng, self.prior) if grows else mutate(self.space, parent, rng, self.prior)
        )
        inherits = isinstance(parent.architecture, Network) and isinstance(child.architecture, Network)
        start = "parent" if inherits else "scratch"
        return Proposal(child, why=f"neighbour of {name}: {move}", start=start, move=move.as_data(), parent=name)

    def _parent(self) -> str | None:
        """The best that has not had all its children; the earlier of two alike."""
        able = (
            (t.score, -t.proposal.number, name)
            for name, t in self.known.items()
            if self.children[name] < self.neighbours
        )
        return max(able, default=(0.0, 0, None))[2]


def grown(space: Space, candidate: Candidate, rng: Random, prior: Prior | None) -> tuple[Candidate, Move]:
    """A neighbour that can do all that the candidate does; any neighbour where luck runs out."""
    if rng.random() < 0.5 and (done := rng.choice((insert, duplicate))(space, candidate, rng)):
        return done
    for _ in range(PATIENCE):
        done = mutate(space, candidate, rng, prior)
        if grows(done[1]):
            return done
    return mutate(space, candidate, rng, prior)


def grows(move: Move) -> bool:
    """Whether a move makes an architecture larger and leaves all there that was there, as `nn.morphism` can keep it."""
    field = move.path.rpartition("/")[2]
    change: Any = (field, move.before.lower(), move.after.lower())
    return (
        (move.name == "raise" and field in LARGER and not move.path.endswith(HARMED))
        or change in (("bidirectional", "false", "true"), ("depthwise", "true", "false"))
        or change == ("readout", "mean", "attentionpool")
        or (field in ("mixer", "channel") and move.before == "skip")
    )

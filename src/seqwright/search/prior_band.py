"""PriorBand: under Hyperband, draw evenly, from an expert's belief, or around the best known, as each has deserved.

Mallik et al. 2023, arXiv:2306.12370. A bracket that begins at rung r draws evenly with probability 1 / (1 + eta^r),
since a long training is no place for a wild guess; the rest is shared by belief and incumbent as their likelihoods of
the best candidates heard tell. Ours differs: likelihoods are geometric means over the questions that each
speaks of, for spaces have many; an even draw is weighted by the size of each part of the space.
"""

import math
from collections.abc import Iterable, Sequence
from random import Random

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.search.fresh import generator
from seqwright.search.limits import Admissible
from seqwright.search.random_search import WHOLE, RandomSearch
from seqwright.space.census import questions, size
from seqwright.space.fill import fill, read
from seqwright.space.moves import draw, sample
from seqwright.space.nodes import Answers, Choice, Path, Space
from seqwright.space.prior import Prior, by_size, log_beliefs
from seqwright.study.record import Fidelity, Proposal, Trial

ETA = 3
KEPT, SPREAD = 0.5, 0.25  # chance that the incumbent's answer stays; deviation of another, in lengths of its scale


class PriorBand(RandomSearch):
    """Three ways to draw. The schedule around it says at which rung a proposal begins (`begins_at`).

    Args:
        prior: what an expert believes (`--prior`); its belief is a way to draw, and never rules an option out.
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
        super().__init__(space, seed=seed, fidelity=fidelity, prior=prior, portfolio=portfolio, admissible=admissible)
        self.belief = prior.belief if prior else None
        self._even = by_size(space)
        self._rung, self._lowest = fidelity, fidelity
        self._heard: dict[Fidelity, dict[str, tuple[float, Answers]]] = {}
        self._single = size(space) == 1
        self._likeliest_drawn = False

    def begins_at(self, rung: Fidelity) -> None:
        """What is asked for next begins at this rung."""
        self._rung, self._lowest = rung, min(rung, self._lowest)

    def tell(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            known = read(self.space, trial.proposal.candidate)
            if not trial.failed and known is not None:
                at = self._heard.setdefault(trial.proposal.fidelity, {})
                at.setdefault(identity(trial.proposal.candidate), (trial.score, known))

    def shares(self) -> dict[str, float]:
        """How likely each way of drawing is now."""
        even = 1 / (1 + self._rung.examples / max(1, self._lowest.examples))
        rung = max((rung for rung, heard in self._heard.items() if len(heard) >= ETA), default=None)
        if rung is None:
            return {"evenly": even, "by the prior": 1 - even}
        ranked = sorted(self._heard[rung].values(), key=lambda pair: -pair[0])
        best = [known for _, known in ranked[: math.ceil(len(ranked) / ETA)]]
        around = self._around(best[0])
        believed, near = 0.0, 0.0
        for weight, known in zip(range(len(best), 0, -1), best, strict=True):
            believed += weight * self._likelihood(known, self.belief)
            near += weight * self._likelihood(known, around)
        share = believed / (believed + near)
        return {"evenly": even, "by the prior": (1 - even) * share, "around the best": (1 - even) * (1 - share)}

    def draw(self, attempt: int) -> Proposal:
        rng = generator(self.seed, self.made, attempt)
        if self._single:
            return super().draw(attempt)
        if self.belief and not self._likeliest_drawn:
            self._likeliest_drawn = True
            return Proposal(self._likeliest(rng), why="what the prior holds likeliest")
        shares = self.shares()
        way = rng.choices(list(shares), list(shares.values()))[0]
        told = ", ".join(f"{name} {share:.2f}" for name, share in shares.items())
        return Proposal(self._drawn(way, rng), why=f"drawn {way} ({told})")

    def _drawn(self, way: str, rng: Random) -> Candidate:
        if way == "evenly":
            return sample(self.space, rng, self._even)
        if way == "by the prior":
            return sample(self.space, rng, self.prior)
        rung = max(rung for rung, heard in self._heard.items() if len(heard) >= ETA)
        _, best = max(self._heard[rung].values(), key=lambda pair: pair[0])
        around = self._around(best)
        return fill(self.space, lambda path, q: draw(rng, path, q, around if path in best else self.prior))

    def _likelihood(self, known: Answers, belief: Prior | None) -> float:
        """Of a question's answer, on average; 1 for even draws."""
        each = log_beliefs(self.space, known, belief) if belief else []
        return math.exp(sum(each) / max(1, len(each)))

    def _around(self, best: Answers) -> Prior:
        """The incumbent as a prior: half the weight on its own answer, the rest on those near it."""
        asked = questions(self.space)
        return Prior({path: _near(asked[path], index) for path, index in best.items()})

    def _likeliest(self, rng: Random) -> Candidate:
        def answer(path: Path, question: Choice) -> int:
            weights = self.belief and self.belief.weights(path, question)
            if not weights or max(weights) == min(weights):
                return draw(rng, path, question, self.prior)
            return max(range(len(weights)), key=weights.__getitem__)

        return fill(self.space, answer)


def _near(question: Choice, index: int) -> list[float]:
    n = len(question.options)
    steps = [abs(i - index) / max(1, n - 1) if question.ordered else 0.0 for i in range(n)]
    near = [0.0 if i == index else math.exp(-0.5 * (step / SPREAD) ** 2) for i, step in enumerate(steps)]
    total = sum(near) or 1.0
    return [KEPT if i == index else (1 - KEPT) * weight / total for i, weight in enumerate(near)]

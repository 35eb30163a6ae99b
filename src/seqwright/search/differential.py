"""Differential evolution: a candidate moves by half of the difference of two others. With Hyperband around it, DEHB.

Awad et al. 2021, arXiv:2105.09921, with its constants (scale 0.5, crossover 0.5; a population for each fidelity;
answers are points of [0, 1]). Ours differs: parents come from the highest fidelity that has four of them
instead of the best of the rung below, one child is made at a time, and nothing is trained twice.
"""

from collections.abc import Iterable, Sequence
from random import Random

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.search.fresh import generator
from seqwright.search.limits import Admissible
from seqwright.search.random_search import WHOLE, RandomSearch
from seqwright.space.census import size
from seqwright.space.fill import fill, read
from seqwright.space.moves import draw, mutate
from seqwright.space.nodes import Answers, Choice, Path, Space
from seqwright.space.prior import Prior
from seqwright.study.record import Fidelity, Proposal, Trial

SCALE, CROSSOVER = 0.5, 0.5  # Awad et al. 2021, section 5
POPULATION = 20  # the usual size for differential evolution alone
LEAST = 4  # a target and three others
PATIENCE = 20  # attempts at a fresh child before one more answer is changed at random


class Differential(RandomSearch):
    """Random search until `population` candidates are proposed, then children that replace worse targets."""

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        fidelity: Fidelity = WHOLE,
        prior: Prior | None = None,
        portfolio: Iterable[tuple[str, Candidate]] = (),
        admissible: Admissible | None = None,
        population: int = POPULATION,
    ) -> None:
        super().__init__(space, seed=seed, fidelity=fidelity, prior=prior, portfolio=portfolio, admissible=admissible)
        self.population = max(LEAST, population)
        self.members: dict[Fidelity, dict[str, Trial]] = {}
        self._single = size(space) == 1

    def tell(self, trials: Sequence[Trial]) -> None:
        """A child takes its target's place if it is better; where the target is not, the worst member's."""
        for trial in trials:
            name = identity(trial.proposal.candidate)
            alive = self.members.setdefault(trial.proposal.fidelity, {})
            if trial.failed or name in alive or read(self.space, trial.proposal.candidate) is None:
                continue
            if len(alive) >= self.population:
                target = trial.proposal.parent
                if target not in alive:
                    target = min(alive, key=lambda each: alive[each].score)
                if alive[target].score >= trial.score:
                    continue
                del alive[target]
            alive[name] = trial

    def draw(self, attempt: int) -> Proposal:
        enough = [fidelity for fidelity, alive in self.members.items() if len(alive) >= LEAST]
        if self.made < self.population or not enough or self._single:
            return super().draw(attempt)
        rng = generator(self.seed, self.made, attempt)
        alive = self.members[max(enough)]
        names = rng.sample(list(alive), LEAST)
        child = self._child(rng, *(alive[name].proposal.candidate for name in names))
        why = f"{names[0]} crossed with {names[1]}, moved by half the way from {names[3]} to {names[2]}"
        for _ in range(attempt // PATIENCE):
            child, move = mutate(self.space, child, rng, self.prior)
            why += f"; {move}"
        return Proposal(child, why=why, parent=names[0])

    def _child(self, rng: Random, target: Candidate, *others: Candidate) -> Candidate:
        known, a, b, c = (read(self.space, candidate) or {} for candidate in (target, *others))
        forced = rng.choice(list(known))  # one answer at least is the mutant's

        def answer(path: Path, question: Choice) -> int:
            n = len(question.options)
            if path in known and path != forced and rng.random() >= CROSSOVER:
                return known[path]
            if path not in a:
                return known[path] if path in known else draw(rng, path, question, self.prior)
            at, to, off = (_point(each, path, n, rng) for each in (a, b, c))
            moved = at + SCALE * (to - off)
            return min(n - 1, int(n * (moved if 0 <= moved < 1 else rng.random())))

        return fill(self.space, answer)


def _point(answers: Answers, path: Path, n: int, rng: Random) -> float:
    """An answer as the point of [0, 1] in the middle of its option; a drawn one where the question was not asked."""
    return (answers[path] + 0.5) / n if path in answers else rng.random()

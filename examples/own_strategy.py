"""A strategy of your own, tried on a table in place of training: the best so far is changed, and nothing else.

Run as: python examples/own_strategy.py
"""

import math
import tempfile
from collections.abc import Sequence

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.arch.spaces import named
from seqwright.evaluate.table import TableEvaluator
from seqwright.search.fresh import generator
from seqwright.search.loop import search
from seqwright.search.random_search import RandomSearch
from seqwright.space.moves import mutate
from seqwright.study.record import Proposal, Trial
from seqwright.study.store import Study
from seqwright.testing import check_strategy


class Climb(RandomSearch):
    """Hill climbing: each proposal is the best candidate with one answer changed. It gets stuck, and shows how."""

    best: Trial | None = None

    def tell(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            if not trial.failed and (self.best is None or trial.score > self.best.score):
                self.best = trial

    def draw(self, attempt: int) -> Proposal:
        if self.best is None or attempt > 20:
            return super().draw(attempt)
        parent = self.best.proposal.candidate
        child, move = mutate(self.space, parent, generator(self.seed, self.made, attempt))
        return Proposal(child, why=f"climbed from {identity(parent)}: {move}")


def landscape(candidate: Candidate) -> float:
    """A made-up score: recurrences do good, the wider the better, and the learning rate has to suit."""
    body = candidate.architecture.body
    units = sum(getattr(layer.mixer, "hidden", 0) for layer in body.layers)
    return (units + body.width) / 48 - abs(math.log10(candidate.recipe.learning_rate) + 3) / 4


if __name__ == "__main__":
    space = named("tiny")
    check_strategy(lambda: Climb(space, seed=1), space, trials=30)
    print("the strategy keeps the contract: repeatable, resumable, inside the space")
    for strategy in (RandomSearch(space, seed=1), Climb(space, seed=1)):
        with tempfile.TemporaryDirectory() as folder, Study.begin(folder, {}) as study, study.lease():
            search(study, strategy, TableEvaluator(landscape), trials=30)
            best = max(study.trials(), key=lambda trial: trial.score)
        print(f"{type(strategy).__name__}: {best.score:.3f} after 30 trials")

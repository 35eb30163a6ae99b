"""The sieve of a run: training-free scores on a few training examples, each computed once in a study's life."""

import math
from collections.abc import Sequence

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.evaluate.workbench import Workbench
from seqwright.study.store import Study

EVENT = "training-free score"


class Sieve:
    """Chooses among candidates by one score. They compare where they read the same way: of one kind of stem."""

    def __init__(self, study: Study, bench: Workbench, name: str) -> None:
        self._study, self._bench, self._name = study, bench, name
        self._known: dict[str, float] = {
            data["architecture"]: -math.inf if data["score"] is None else data["score"]
            for _, data in study.events(EVENT)
            if data["name"] == name
        }

    def __call__(self, candidates: Sequence[Candidate]) -> int:
        """The place of the best of those that are like the first."""
        kind = type(candidates[0].architecture.stem)
        alike = [i for i, one in enumerate(candidates) if type(one.architecture.stem) is kind]
        if len(alike) == 1 or hasattr(candidates[0].architecture.stem, "tuning"):
            return 0  # of heads on a trained encoder these scores say nothing
        return max(alike, key=lambda i: self.score(candidates[i]))

    def score(self, candidate: Candidate) -> float:
        name = identity(candidate.architecture)
        if name not in self._known:
            from seqwright.evaluate.training_free import of_bench

            found = of_bench(self._name, candidate.architecture, self._bench)
            self._known[name] = found
            told = found if math.isfinite(found) else None
            self._study.event(EVENT, {"name": self._name, "architecture": name, "score": told})
        return self._known[name]

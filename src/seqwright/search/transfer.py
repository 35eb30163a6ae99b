"""Neural Architecture Transfer: a supernet is adapted, again and again, to what the search on its weights has found.

Lu et al. 2021 (arXiv:2005.05859): an archive of networks scored on shared weights teaches a predictor; evolution by
its word and by the costs gives the next ones to score (NSGA-II, as their many-objective algorithm's ancestor); and the
supernet trains on, along the distribution of the archive's front alone. Ours differs: the supernet is trained
here from the start and not on another data set, costs of what was not yet built are predicted too, and after each round
the best are trained alone, so that the search may end at any time.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.codec import identity
from seqwright.arch.supernet import Paths, Supernet, weights_of
from seqwright.search.ensemble import Ensemble
from seqwright.search.fresh import generator
from seqwright.search.limits import Admissible
from seqwright.search.nearest import nearest_recipe
from seqwright.search.nsga2 import Nsga2
from seqwright.search.pareto import order, points
from seqwright.search.random_search import WHOLE, RandomSearch
from seqwright.search.surrogate import normal_scores
from seqwright.space.census import contains, questions
from seqwright.space.encode import encode
from seqwright.space.fill import answers
from seqwright.space.nodes import Space
from seqwright.space.prior import Prior
from seqwright.study.record import Fidelity, Proposal, Trial

BEGIN, EACH, FRONT, ALONE = 24, 8, 12, 2  # drawn first, found a search, kept on the front, trained alone a round
SEARCHES = 3  # by the predictor's word between two trainings of the supernet
INNER, ASKED = 120, 20  # children of an evolution by prediction, so many at a time
FIRST, AGAIN = 4, 1  # times a candidate's training that the supernet trains at first, and when it adapts
EVEN = 0.2  # share of the draws of an adapting supernet that is even


class Transfer(RandomSearch):
    """A supernet, an archive of what its weights score, evolution by prediction, the best alone; then all again.

    Args:
        space: whose networks can share weights.
        objectives: costs to lower beside raising the score (the paper has parameters, FLOPs and latencies).
        begin: networks drawn before there is a prediction.
        inner: children of an evolution by prediction.
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
        objectives: Sequence[str] = (),
        begin: int = BEGIN,
        inner: int = INNER,
    ) -> None:
        super().__init__(space, seed=seed, fidelity=fidelity, prior=prior, portfolio=portfolio, admissible=admissible)
        self.objectives, self.begin, self.inner = tuple(objectives), begin, inner
        self.archive: dict[str, Trial] = {}  # by id; a score is that of the weights of its day, as in the paper
        self.judge = Fidelity(0, fidelity.folds, "shared")
        self.adapted = 0
        self._parent = ""  # the supernet whose weights score; none before the first is trained
        self._trains = ""  # the one that trains now
        self._waits: set[str] = set()
        self._trained: set[str] = set()  # alone
        self._searches = 0
        self._in_vain: tuple[int, int] | None = None  # how much was known when a round found nothing new
        self._supernets: set[str] = set()
        self._queue: deque[Proposal] = deque()
        self._train(Prior(prior.as_data()) if prior else None, FIRST, "weights for the whole space")

    def ask(self, n: int) -> list[Proposal]:
        return list(islice(iter(self._next, None), n))

    def tell(self, trials: Sequence[Trial]) -> None:
        """A supernet that failed is done without: the last one scores on, or every candidate trains alone."""
        for trial in trials:
            name = identity(trial.proposal.candidate)
            if name == self._trains:
                if not trial.failed:
                    self._parent = name
                elif not self._parent:
                    self.judge = self.fidelity
                self._trains = ""
            elif trial.proposal.fidelity == self.judge and contains(self.space, trial.proposal.candidate):
                self._waits.discard(name)
                if not trial.failed:
                    self.archive[name] = trial

    def ban(self, pattern: str) -> None:
        """Propose nothing more that `pattern` matches."""
        super().ban(pattern)
        rule = self.fresh.rules[-1]
        kept = [p for p in self._queue if p.fidelity.stage == "supernet" or rule(p.candidate) is None]
        self._waits -= {identity(p.candidate) for p in self._queue} - {identity(p.candidate) for p in kept}
        self._queue = deque(kept)

    def _next(self) -> Proposal | None:
        done = len(self.archive), len(self._trained)
        if not self._queue and not self._trains and not self._waits and self._in_vain != done:
            for _ in range(SEARCHES + 1):  # a whole round, so that asking in vain leaves all as it was
                if not self._queue:
                    self._go_on()
            self._in_vain = None if self._queue else done
        return self._queue.popleft() if self._queue else None

    # One step of a round -------------------------------------------------------------------------

    def _go_on(self) -> None:
        if len(self.archive) >= 3 and not self._trained:  # however early the end comes, one is to have trained alone
            self._alone()
        if self._queue:
            return
        if len(self.archive) < 3:
            self._draw()
        elif self._searches < SEARCHES:
            self._searches += 1
            self._search()
        else:
            self._searches = 0
            self._alone()
            if self._parent:
                self._adapt()
        if not self._queue:  # nothing new was predicted: draw
            self._draw()

    def _draw(self) -> None:
        for _ in range(self.begin):
            if (proposal := super()._next()) is None:
                return
            self._score(proposal)

    def _search(self) -> None:
        """What an evolution finds by the predictor's word, the front of it first."""
        known = list(self.archive.values())
        rng = generator(self.seed, -2, len(known), self.adapted)
        predict = Predicted(self.space, known, self.objectives, rng.getrandbits(32))
        inner = Nsga2(self.space, objectives=self.objectives, seed=rng.getrandbits(32), prior=self.prior, begin=0)
        inner.tell(known)
        found: list[Trial] = []
        for _ in range(max(1, self.inner // ASKED)):
            told = predict(inner.ask(ASKED))
            inner.tell(told)
            found += told
        for i in order(points([*known, *found], self.objectives)):
            if len(self._queue) == EACH:
                return
            if i >= len(known) and self.fresh.takes((new := found[i - len(known)]).proposal.candidate):
                why = f"on the predicted front of {len(known)} networks, {new.score:+.2f} deviations from their mean"
                self._score(replace(new.proposal, why=f"{why}; {new.proposal.why}"))

    def _alone(self) -> None:
        """Train the best of the front alone."""
        if self.judge == self.fidelity:
            return
        front = sorted(self._front(), key=lambda trial: -trial.score)
        left = [trial for trial in front if identity(trial.proposal.candidate) not in self._trained]
        left = [trial for trial in left if not any(rule(trial.proposal.candidate) for rule in self.fresh.rules)]
        for trial in left[:ALONE]:
            why = (
                f"{trial.score:.4g} on shared weights, on the front of {len(self.archive)} networks; now trained alone"
            )
            self._trained.add(identity(trial.proposal.candidate))
            self._queue.append(Proposal(trial.proposal.candidate, self.fidelity, why))

    def _adapt(self) -> None:
        """Train the supernet on, drawing as the front has it."""
        front = self._front()
        self.adapted += 1
        self._train(likely(self.space, [trial.proposal.candidate for trial in front]), AGAIN,
                    f"weights along a front of {len(front)} networks")  # fmt: skip

    def _front(self) -> list[Trial]:
        known = list(self.archive.values())
        return [known[i] for i in order(points(known, self.objectives))[:FRONT]]

    # Proposals -----------------------------------------------------------------------------------

    def _score(self, proposal: Proposal) -> None:
        shared = self.judge.stage == "shared"
        more = {"start": "supernet", "parent": self._parent} if shared else {"start": "scratch", "parent": None}
        self._waits.add(identity(proposal.candidate))
        self._queue.append(proposal.at(self.judge, move=None, **more))

    def _train(self, prior: Prior | None, times: int, why: str) -> None:
        weights = weights_of(self.space, prior) if prior else ()
        candidate = Candidate(
            Supernet(self.space, Paths("uniform" if self._parent else "sandwich", weights)), self._recipe()
        )
        if (name := identity(candidate)) in self._supernets:
            return  # the front has not moved
        self._supernets.add(name)
        self._trains = name
        whole = Fidelity(times * self.fidelity.examples, self.fidelity.folds, "supernet")
        begun = {"start": "supernet", "parent": self._parent} if self._parent else {}
        self._queue.append(Proposal(candidate, why=why).at(whole, **begun))

    def _recipe(self) -> Recipe:
        best = max(self.archive.values(), key=lambda trial: trial.score, default=None)
        if best:
            return best.proposal.candidate.recipe
        usual = next((c.recipe for _, (_, c) in self._portfolio), Recipe())
        return nearest_recipe(self.space, usual, generator(self.seed, -5))


class Predicted:
    """A predictor of the score and of each cost, learnt from an archive: proposals in, imagined trials out."""

    def __init__(self, space: Space, known: Sequence[Trial], objectives: Sequence[str], seed: int) -> None:
        self.space, self.objectives = space, objectives
        x = self._encoded([trial.proposal for trial in known])
        columns = [normal_scores([trial.score for trial in known])]
        self.scales: list[tuple[float, float]] = []
        for logs in -points(known, objectives).T[1:]:
            self.scales.append((float(logs.mean()), float(logs.std()) or 1.0))
            columns.append((logs - self.scales[-1][0]) / self.scales[-1][1])
        self.models = [Ensemble() for _ in columns]
        for model, column in zip(self.models, columns, strict=True):
            model.fit(x, column, seed)

    def __call__(self, proposals: Sequence[Proposal]) -> list[Trial]:
        if not proposals:
            return []
        x = self._encoded(proposals)
        score, *costs = (model.predict(x)[0] for model in self.models)
        found: list[Trial] = []
        for i, proposal in enumerate(proposals):
            logs = (mean + deviation * cost[i] for cost, (mean, deviation) in zip(costs, self.scales, strict=True))
            named = dict(zip(self.objectives, (2.0**log for log in logs), strict=True))
            found.append(Trial(proposal, float(score[i]), costs=named))
        return found

    def _encoded(self, proposals: Sequence[Proposal]) -> np.ndarray:
        return np.array([encode(self.space, proposal.candidate) for proposal in proposals])


def likely(space: Space, candidates: Sequence[Candidate], even: float = EVEN) -> Prior:
    """How often each answer is given among candidates, mixed with an even share; by path and label."""
    asked = questions(space)
    counts: dict[str, dict[str, float]] = {}
    for candidate in candidates:
        for path, index in answers(space, candidate).items():
            labels = asked[path].labels()
            row = counts.setdefault(path, dict.fromkeys(labels, 0.0))
            row[labels[index]] += 1.0
    weighed: dict[str, Mapping[str, float]] = {}
    for path, row in counts.items():
        total = sum(row.values())
        weighed[path] = {name: (1 - even) * count / total + even / len(row) for name, count in row.items()}
    return Prior(weighed)

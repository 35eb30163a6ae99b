"""Neural Architecture Transformer: a policy learns to rewrite an architecture so that it gets better and never dearer.

Guo et al. 2019 (arXiv:1910.14488) with its constants: random architectures are rewritten by a policy over their graphs,
which is rewarded by what that gains in accuracy on shared weights, less a moving average (0.99), with a bonus for its
entropy and Adam at 3e-4; at the end the best of 10 rewritings is taken. Ours differs: half of the architectures are the
given one rather than drawn evenly, each place has a bias that learns faster (some hundreds of rewritings are judged,
not a hundred thousand), gains are measured in standard deviations (scores need not be accuracies) and so is the
bonus, and what is given and its best rewritings are then trained alone.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Any

import torch

from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.codec import identity
from seqwright.arch.supernet import Supernet
from seqwright.search.fresh import generator
from seqwright.search.learned.controller import Baseline
from seqwright.search.learned.graph_policy import GraphPolicy, Sites, changed
from seqwright.search.limits import Admissible
from seqwright.search.random_search import PORTFOLIO, WHOLE, RandomSearch
from seqwright.space.census import contains
from seqwright.space.fill import answers, fill
from seqwright.space.moves import sample
from seqwright.space.nodes import Space
from seqwright.space.prior import Prior
from seqwright.study.record import Fidelity, Proposal, Trial

KEPT, LEARNING_RATE, SAMPLES = 0.99, 3e-4, 10  # Guo et al. 2019, section 4.1
ENTROPY = 0.03  # theirs is .003 beside accuracies, whose gains vary by some points
PLACES = 0.1  # the learning rate of the biases: Adam's steps are as large as the rate, and there are a hundred
EPISODES = 400
MINIBATCH, AHEAD = 4, 4  # episodes a lesson; episodes that may wait for their scores
GIVEN = 0.5  # share of the episodes that rewrite the given architecture
FINALS = 2  # rewritings that are trained alone
SHARED = 2  # times the examples of a full training that the shared weights see
JUDGING = 0.2  # of the seconds that training took so far may go into judging by a clock; asking takes time as well
SMALLER = 9  # where weights are not shared, judging is by so much shorter a training
KNOWN = 50  # episodes in a row whose scores are known already


def episodes_of(trials: int | None) -> dict[str, Any]:
    """How many rewritings to learn from in a search of about so many trials; by the clock where that is not known.

    >>> episodes_of(114)
    {'episodes': 50}
    """
    return {"timed": True} if trials is None else {"episodes": max(1, (trials - 2 - SAMPLES - FINALS) // 2)}


@dataclass(frozen=True)
class Episode:
    """A rewriting: what was chosen at each slot of `before`, by its place among the allowed options."""

    before: str
    after: str
    sites: Sites
    chosen: tuple[int, ...]


class Rewriter(RandomSearch):
    """The given architecture, a supernet of the space, rewritings judged on its weights, the best of them trained.

    The space is one of rewritings (`arch.rewriting`): its options never cost more than those before them, and answers
    only ever move on. In any other space a later option counts as cheaper, or a lower one on a scale.

    Args:
        portfolio: the first in the space is given; without one, the first option of each question is.
        episodes: rewritings to learn from.
        timed: end them sooner, by the seconds that trials took.
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
        episodes: int = EPISODES,
        timed: bool = False,
    ) -> None:
        super().__init__(space, seed=seed, fidelity=fidelity, prior=prior, admissible=admissible)
        inside = (candidate for _, candidate in portfolio if contains(space, candidate))
        self.given: Candidate = next(inside, None) or fill(space, lambda path, question: 0)
        self.episodes, self.timed = episodes, timed
        self.policy = GraphPolicy(space, seed=generator(seed, -3).getrandbits(32))
        places = self.policy.bias.weight
        graph = [p for p in self.policy.parameters() if p is not places]
        self.optimizer = torch.optim.Adam([{"params": graph}, {"params": [places], "lr": PLACES}], lr=LEARNING_RATE)
        self.begun = self.lessons = 0
        supernet = Candidate(Supernet(space), getattr(self.given, "recipe", Recipe()))
        self._supernet = identity(supernet)
        self._judge: Fidelity | None = None  # known once the supernet is trained, or has failed
        self._scores: dict[str, float] = {}  # at that fidelity
        self._seconds = {"judging": 0.0, "training": 0.0}
        self._waiting: list[Episode] = []
        self._lesson: list[tuple[Episode, float]] = []
        self._baseline = Baseline(0.0)
        self._samples: list[Candidate] = []
        self._ended = False
        self._asked: set[tuple[str, Fidelity]] = set()
        self._queue: deque[Proposal] = deque()
        self._put(self.given, fidelity, f"{PORTFOLIO}: given, and to be rewritten")
        if self.policy.sites(self.given).slots:
            self._put(
                supernet, Fidelity(SHARED * fidelity.examples, fidelity.folds, "supernet"), "weights for all rewritings"
            )

    def ask(self, n: int) -> list[Proposal]:
        return list(islice(iter(self._next, None), n))

    def tell(self, trials: Sequence[Trial]) -> None:
        """A failure counts as the worst score that was heard."""
        for trial in trials:
            fidelity, name = trial.proposal.fidelity, identity(trial.proposal.candidate)
            self._seconds["judging" if fidelity == self._judge else "training"] += trial.seconds
            if fidelity.stage == "supernet":
                few = Fidelity(fidelity.examples // SHARED // SMALLER, self.fidelity.folds)
                self._judge = few if trial.failed else Fidelity(0, self.fidelity.folds, "shared")
            if fidelity == self._judge:
                self._scores.setdefault(name, -math.inf if trial.failed else trial.score)
        self._settle()

    def ban(self, pattern: str) -> None:
        """Propose nothing more that `pattern` matches, but for what was given."""
        super().ban(pattern)
        kept = [p for p in self._queue if p.fidelity.stage == "supernet" or not self._refused(p.candidate)]
        lost = {identity(p.candidate) for p in self._queue} - {identity(p.candidate) for p in kept}
        self._queue = deque(kept)
        self._waiting = [episode for episode in self._waiting if not {episode.before, episode.after} & lost]
        self._samples = [candidate for candidate in self._samples if not self._refused(candidate)]

    def _next(self) -> Proposal | None:
        if not self._queue and self._judge is not None:
            for _ in range(KNOWN):
                if self._queue or len(self._waiting) >= AHEAD or self._over():
                    break
                self._begin()
                self._settle()
            if self._over() and not self._queue:
                self._end()
        return self._queue.popleft() if self._queue else None

    def _over(self) -> bool:
        late = self.timed and self._seconds["judging"] > JUDGING * self._seconds["training"]
        return late or self.begun >= self.episodes

    def _put(self, candidate: Candidate, fidelity: Fidelity, why: str) -> None:
        """Queue a proposal, unless the same was made before."""
        if (key := (identity(candidate), fidelity)) in self._asked:
            return
        self._asked.add(key)
        proposal = Proposal(candidate, fidelity, why)
        if fidelity.stage == "shared":
            proposal = proposal.at(fidelity, start="supernet", parent=self._supernet)
        self._queue.append(proposal)

    def _begin(self) -> None:
        """Draw an architecture, rewrite it, and have both judged where their scores are not known."""
        assert self._judge is not None
        rng = generator(self.seed, self.begun)
        before = self.given if rng.random() < GIVEN else sample(self.space, rng, self.prior)
        after, sites, chosen = self._rewritten(before, rng)
        self.begun += 1
        if self._refused(before) or self._refused(after) or identity(before) == identity(after):
            return
        self._put(before, self._judge, "drawn, and to be rewritten")
        told = f"rewriting of {identity(before)} by the policy after {self.lessons} lessons"
        self._put(after, self._judge, told)
        self._waiting.append(Episode(identity(before), identity(after), sites, chosen))

    def _refused(self, candidate: Candidate) -> bool:
        return candidate != self.given and any(rule(candidate) for rule in self.fresh.rules)

    @torch.no_grad()
    def _rewritten(self, before: Candidate, rng: Random) -> tuple[Candidate, Sites, tuple[int, ...]]:
        """A rewriting drawn from the policy, and how it was drawn."""
        sites = self.policy.sites(before)
        odds = [log.exp().tolist() for log in self.policy.logs(sites)]
        chosen = tuple(rng.choices(range(len(weights)), weights)[0] for weights in odds)
        known = changed(answers(self.space, before), sites.slots, chosen)
        return fill(self.space, lambda path, question: known[path]), sites, chosen

    def _settle(self) -> None:
        """Learn from the episodes whose scores are known by now, in order."""
        while self._waiting and {self._waiting[0].before, self._waiting[0].after} <= self._scores.keys():
            episode = self._waiting.pop(0)
            gain = self._score(episode.after) - self._score(episode.before)
            self._lesson.append((episode, self._baseline.advantage(gain, KEPT)))
            if len(self._lesson) == MINIBATCH:
                self._learn()

    def _score(self, name: str) -> float:
        score = self._scores[name]
        return score if math.isfinite(score) else min((s for s in self._scores.values() if math.isfinite(s)), default=0)

    def _learn(self) -> None:
        loss = torch.zeros((), dtype=torch.float64)
        for episode, advantage in self._lesson:
            for log, i in zip(self.policy.logs(episode.sites), episode.chosen, strict=True):
                loss = loss - (advantage * log[i] - ENTROPY * (log.exp() * log).sum()) / len(self._lesson)
        self._lesson = []
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.lessons += 1

    def _end(self) -> None:
        """Have the last samples judged, then the best of them trained alone, beside what was given."""
        if self._judge is None or self._waiting or self._ended:
            return
        if not self._samples:
            drawn = (self._rewritten(self.given, generator(self.seed, -1, i))[0] for i in range(SAMPLES))
            self._samples = [c for c in dict.fromkeys(drawn) if not self._refused(c)] or [self.given]
            self._put(self.given, self._judge, "given, judged as its rewritings are")
            for i, candidate in enumerate(self._samples, 1):
                self._put(candidate, self._judge, f"last rewriting {i} of what was given")
        judged = [c for c in self._samples if identity(c) in self._scores]
        if self._queue or len(judged) < len(self._samples):
            return
        self._ended = True
        own = self._score(identity(self.given)) if identity(self.given) in self._scores else math.nan
        cheapest = {c: sum(answers(self.space, c).values()) for c in judged}
        best = sorted(judged, key=lambda c: (-self._score(identity(c)), -cheapest[c]))
        for place, candidate in enumerate(best[:FINALS], 1):
            told = f"{self._score(identity(candidate)):.4f}, what was given {own:.4f}"
            self._put(candidate, self.fidelity, f"rewriting: place {place} of {len(best)} as judged ({told})")

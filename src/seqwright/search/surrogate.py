"""Search by a surrogate: a model of the scores ranks many neighbours of the best candidates, and the first is tried.

The acquisition is optimised by mutating the best known, as in BANANAS (White et al. 2021, arXiv:1910.11858, section 4),
which works in any space that has moves (`ranking_pool`). Two acquisitions: independent Thompson sampling, as there, and
expected improvement (Jones et al. 1998); or both in turn, as the one is bold and the other quick. Ours differs: the
model learns from the best and the newest 200 trials, of the highest fidelity with enough of them, and predicts
normal scores of their ranks, which no outlier can distort. Around a summit a model is sure of itself: so the longer
nothing better was found, the more its doubt counts, up to twice. What an expert believes fades as trials come in, as in
piBO (Hvarfner et al. 2022, arXiv:2204.11051): 10/n times its logarithm is added to that of the improvement, or to what
was sampled.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from random import Random
from statistics import NormalDist
from typing import Literal, Protocol

import numpy as np

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.search.fresh import generator
from seqwright.search.limits import Admissible
from seqwright.search.random_search import WHOLE, RandomSearch
from seqwright.search.ranking_pool import Encoding, Member, RankingPool
from seqwright.space.census import size
from seqwright.space.fill import answers, read
from seqwright.space.moves import mutate
from seqwright.space.nodes import Answers, Space
from seqwright.space.prior import Prior
from seqwright.study.record import Fidelity, Proposal, Trial

BEGIN = 10
POOL, PARENTS = 120, 10  # White et al. 2021 rank 100 mutants
KEPT = 200  # of the best trials and of the newest: what a model is asked to learn from stays small
OFFERED = 100  # of those ranked; below them one drifts away from the best
STALLED, BOLDEST = 25, 2.0  # trials without a new best, from which on doubt grows with them; and the most it grows to
BELIEF = 10.0  # trials for which an expert's belief counts in full; a tenth of the budget in the paper

Acquisition = Literal["thompson", "improvement", "both"]


class Predictor(Protocol):
    """A model of scores over encodings of P places."""

    def fit(self, x: np.ndarray, y: np.ndarray, seed: int = 0) -> None: ...

    def predict(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


class Surrogate(RandomSearch):
    """Random search until `begin` trials of some fidelity have a score, then what the model ranks first.

    Args:
        model: makes a fresh predictor, one for each fidelity that is modelled.
        name: of the model, for `why`.
        begin: trials with a score that a fidelity needs before it is modelled.
        pool: how many candidates are ranked for each proposal.
        refit: the model learns again when the trials grew by this share.
        stalled: trials without a new best, from which on its doubt counts more.
        encoding: what a model sees of a candidate, (P,) numbers from 0 to 1; by default its answers (`space.encode`).
    """

    def __init__(
        self,
        space: Space,
        *,
        model: Callable[[], Predictor],
        name: str,
        acquisition: Acquisition,
        seed: int = 0,
        fidelity: Fidelity = WHOLE,
        prior: Prior | None = None,
        portfolio: Iterable[tuple[str, Candidate]] = (),
        admissible: Admissible | None = None,
        begin: int = BEGIN,
        pool: int = POOL,
        refit: float = 0.0,
        stalled: int = STALLED,
        encoding: Encoding | None = None,
    ) -> None:
        super().__init__(space, seed=seed, fidelity=fidelity, prior=prior, portfolio=portfolio, admissible=admissible)
        self.model, self.name = model, name
        self.acquisition: Acquisition = acquisition
        self.begin, self.refit, self.stalled = max(3, begin), refit, stalled
        self.pool = RankingPool(space, pool, prior, encoding)
        self.heard: dict[Fidelity, dict[str, Trial]] = {}
        self._read: dict[str, tuple[Answers, np.ndarray]] = {}  # of all that was proposed or told, by id
        self._models: dict[Fidelity, tuple[Predictor, int]] = {}  # and from how many trials it learnt
        self._ranked: list[tuple[Member, Proposal]] = []
        self._single = size(space) == 1

    def tell(self, trials: Sequence[Trial]) -> None:
        """Each fidelity has a model of its own, for scores of different ones do not compare."""
        for trial in trials:
            name = identity(trial.proposal.candidate)
            if self.remember(name, trial.proposal.candidate):
                self.heard.setdefault(trial.proposal.fidelity, {}).setdefault(name, trial)

    def ready(self) -> Fidelity | None:
        """The highest fidelity with enough trials to be modelled."""
        enough = (f for f, heard in self.heard.items() if sum(not t.failed for t in heard.values()) >= self.begin)
        return max(enough, default=None)

    def _next(self) -> Proposal | None:
        if (proposal := super()._next()) is not None:
            self.remember(identity(proposal.candidate), proposal.candidate)
        return proposal

    def draw(self, attempt: int) -> Proposal:
        fidelity = self.ready()
        if fidelity is None or self._single:
            return super().draw(attempt)
        if attempt == 0:
            self._ranked = self.ranked(fidelity)
        if attempt < len(self._ranked):
            member, proposal = self._ranked[attempt]
            self.pool.drop(member.key)  # taken or refused, it need not be ranked again
            return proposal
        # All that was ranked is known or not admissible: drift away from the best.
        rng = generator(self.seed, self.made, attempt)
        child: Candidate = rng.choice(self.best(fidelity)).proposal.candidate
        for _ in range(2 + attempt // 20):
            child, _ = mutate(self.space, child, rng, self.prior)
        return Proposal(child, why=f"some edits from one of the best, as all that the {self.name} ranked is known")

    def ranked(self, fidelity: Fidelity) -> list[tuple[Member, Proposal]]:
        """New candidates around the best of `fidelity`, and some from anywhere: the most promising first."""
        rng = generator(self.seed, self.made, 0)
        best = [(identity(t.proposal.candidate), t.proposal.candidate) for t in self.best(fidelity)]
        members = self.pool.members([(name, candidate, self._read[name][0]) for name, candidate in best], rng)
        if not members:
            return []
        model, known = self._fitted(fidelity)
        mean, deviation = model.predict(np.stack([member.vector for member in members]))
        turn: Acquisition = "improvement" if self.made % 2 else "thompson"
        used = turn if self.acquisition == "both" else self.acquisition
        deviation = deviation * min(BOLDEST, max(1.0, self.since_best(fidelity) / self.stalled))
        top = 0.0
        if used == "improvement":
            top = float(model.predict(np.stack([self._read[name][1] for name, _ in best]))[0].max())
        values = self._acquire(used, mean, deviation, top, rng)
        values = values + BELIEF / max(1, known) * np.array([member.belief for member in members])
        # Rounded, so that the last bits of a sum, which may differ with the number of threads, decide nothing.
        order = np.lexsort((np.arange(len(members)), -values.round(6)))[:OFFERED]
        said = f"{self.name} on {known} trials"
        if fidelity.examples:
            said += f" of {fidelity.examples:,} examples"
        proposals: list[tuple[Member, Proposal]] = []
        for place, i in enumerate(order, 1):
            member = members[i]
            begun = "of the whole space" if self.pool.whole else "drawn at random"
            if member.parent:
                begun = f"mutated {member.parent}: {'; '.join(map(str, member.moves))}"
            why = f"{said}: place {place} of {len(members)} by {_WORDS[used]}; {begun}"
            move = member.moves[0].as_data() if len(member.moves) == 1 else None
            proposals.append((member, Proposal(member.candidate, why=why, move=move, parent=member.parent)))
        return proposals

    def expected(self, fidelity: Fidelity, candidates: Sequence[Candidate]) -> np.ndarray:
        """Means (M,) that the model of `fidelity` expects, as normal scores of ranks."""
        model, _ = self._fitted(fidelity)
        return model.predict(np.stack([self.pool.vector(c, answers(self.space, c)) for c in candidates]))[0]

    def remember(self, name: str, candidate: Candidate) -> bool:
        """Never rank this one again; False where it is of another space, as a replayed study may hold."""
        if name not in self._read:
            if (known := read(self.space, candidate)) is None:
                return False
            self._read[name] = known, self.pool.vector(candidate, known)
            self.pool.drop(tuple(known.items()))
        return True

    def best(self, fidelity: Fidelity) -> list[Trial]:
        """The first few of `fidelity`, best first."""
        good = [trial for trial in self.heard[fidelity].values() if not trial.failed]
        return sorted(good, key=lambda trial: -trial.score)[:PARENTS]

    def since_best(self, fidelity: Fidelity) -> int:
        """Trials of `fidelity` that were heard after its best one."""
        scores = [-math.inf if trial.failed else trial.score for trial in self.heard[fidelity].values()]
        return len(scores) - 1 - scores.index(max(scores))

    def _fitted(self, fidelity: Fidelity) -> tuple[Predictor, int]:
        """The model, which learns again when enough has come since."""
        trials = list(self.heard[fidelity].items())
        model, known = self._models.get(fidelity) or (self.model(), 0)
        if not known or len(trials) > known * (1 + self.refit):
            chosen = trials
            if len(trials) > KEPT:
                best = sorted(trials, key=lambda pair: math.inf if pair[1].failed else -pair[1].score)[: KEPT // 2]
                chosen = list(dict([*best, *trials[-(KEPT - len(best)) :]]).items())
            x = np.stack([self._read[name][1] for name, _ in chosen])
            y = normal_scores([-math.inf if t.failed else t.score for _, t in chosen])
            model.fit(x, y, generator(self.seed, -2, len(trials)).getrandbits(32))
            known = len(trials)
            self._models[fidelity] = model, known
        return model, known

    def _acquire(
        self, used: Acquisition, mean: np.ndarray, deviation: np.ndarray, top: float, rng: Random
    ) -> np.ndarray:
        if used == "thompson":
            return mean + deviation * np.array([rng.gauss(0, 1) for _ in mean])
        z = (mean - top) / np.maximum(deviation, 1e-9)
        below = np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in z])
        return np.log(np.maximum(deviation * (z * below + np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)), 1e-300))


_WORDS: dict[Acquisition, str] = {"thompson": "Thompson sampling", "improvement": "expected improvement"}


def normal_scores(scores: Sequence[float]) -> np.ndarray:
    """What (N,) ranks would be if they were normal: equal scores share the middle of theirs.

    >>> normal_scores([1.0, 5.0, -1e9]).round(2)
    array([ 0.  ,  0.97, -0.97])
    """
    values = np.asarray(scores)
    ordered = np.sort(values)
    middle = (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2
    normal = NormalDist()
    return np.array([normal.inv_cdf(float(m) / len(values)) for m in middle])

"""Search by a surrogate: a model of the scores ranks many neighbours of the best candidates, and the first is tried.

The acquisition is optimised by mutating the best known, as in BANANAS (White et al. 2021, arXiv:1910.11858, section 4),
which works in any space that has moves. Two acquisitions: independent Thompson sampling, as there, and expected
improvement (Jones et al. 1998); or both in turn, as the one is bold and the other quick. Ours differs:
the model learns from the best and the newest few hundred trials, of the highest fidelity with enough of them, and
predicts normal scores of their ranks, which no outlier can distort.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from random import Random
from statistics import NormalDist
from typing import Any, Literal, Protocol

import numpy as np

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.search.evolution import EDITS
from seqwright.search.fresh import generator
from seqwright.search.limits import Admissible
from seqwright.search.random_search import WHOLE, RandomSearch
from seqwright.space.census import contains, every, questions, size
from seqwright.space.encode import encode
from seqwright.space.moves import Move, mutate, sample
from seqwright.space.nodes import Choice, Record, Space, Stack
from seqwright.space.prior import Prior
from seqwright.study.record import Fidelity, Proposal, Trial

BEGIN = 10
POOL, PARENTS = 120, 10  # White et al. 2021 rank 100 mutants
KEPT = 200  # of the best trials and of the newest: what a model is asked to learn from stays small
STRUCTURAL = 0.3  # of the edits, where the space has stacks
SMALL = 600  # a space no larger is ranked as a whole
FEW, ROWS = 20_000, 1000  # of one no larger, so many drawn candidates are ranked beside the mutants
DRAWN = 0.15  # of the pool, drawn afresh

Acquisition = Literal["thompson", "improvement", "both"]
Mutant = tuple[Candidate, str | None, list[Move], np.ndarray]  # a candidate, its parent's id, moves from it, encoding


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
        encoding: Callable[[Candidate], Sequence[float] | np.ndarray] | None = None,
    ) -> None:
        super().__init__(space, seed=seed, fidelity=fidelity, prior=prior, portfolio=portfolio, admissible=admissible)
        self.model, self.name = model, name
        self.acquisition: Acquisition = acquisition
        self.begin, self.pool, self.refit = max(3, begin), pool, refit
        self._encode = encoding
        self._size = size(space)
        self._listed: tuple[list[Candidate], np.ndarray] | None = None
        self.heard: dict[Fidelity, dict[str, Trial]] = {}
        self._vectors: dict[str, np.ndarray] = {}  # of all that was proposed or told, by id
        self._tried: set[Candidate] = set()
        self._models: dict[Fidelity, tuple[Predictor, int]] = {}  # and from how many trials it learnt
        self._ranked: list[Proposal] = []
        self._origin = "of the whole space" if self._size <= SMALL else "drawn at random"
        self._single = self._size == 1

    def tell(self, trials: Sequence[Trial]) -> None:
        """Each fidelity has a model of its own, for scores of different ones do not compare."""
        for trial in trials:
            candidate = trial.proposal.candidate
            if not contains(self.space, candidate):
                continue  # of another space, as a replayed study may hold
            name = identity(candidate)
            self.remember(name, candidate)
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
            return self._ranked[attempt]
        # All that was ranked is known or not admissible: drift away from the best.
        rng = generator(self.seed, self.made, attempt)
        child: Candidate = rng.choice(self.best(fidelity)).proposal.candidate
        for _ in range(2 + attempt // 20):
            child, _ = mutate(self.space, child, rng, self.prior)
        return Proposal(child, why=f"some edits from one of the best, as all that the {self.name} ranked is known")

    def ranked(self, fidelity: Fidelity) -> list[Proposal]:
        """New candidates around the best of `fidelity`, and some from anywhere: the most promising first."""
        rng = generator(self.seed, self.made, 0)
        pool = self._pool(self.best(fidelity), rng)
        if not pool:
            return []
        model, known = self._fitted(fidelity)
        mean, deviation = model.predict(np.stack([vector for *_, vector in pool]))
        turn: Acquisition = "improvement" if self.made % 2 else "thompson"
        used = turn if self.acquisition == "both" else self.acquisition
        top = self._top(fidelity) if used == "improvement" else 0.0
        values = self._acquire(used, mean, deviation, top, rng)
        # Rounded, so that the last bits of a sum, which may differ with the number of threads, decide nothing.
        order = sorted(range(len(pool)), key=lambda i: (-round(float(values[i]), 6), i))
        said = f"{self.name} on {known} trials"
        if fidelity.examples:
            said += f" of {fidelity.examples:,} examples"
        proposals: list[Proposal] = []
        for place, i in enumerate(order, 1):
            child, parent, moves, _ = pool[i]
            begun = f"mutated {parent}: {'; '.join(map(str, moves))}" if parent else self._origin
            why = f"{said}: place {place} of {len(pool)} by {_WORDS[used]}; {begun}"
            move = moves[0].as_data() if len(moves) == 1 else None
            proposals.append(Proposal(child, why=why, move=move, parent=parent))
        return proposals

    def predicted(self, fidelity: Fidelity, candidates: Sequence[Candidate]) -> np.ndarray:
        """Means (M,) that the model of `fidelity` expects, as normal scores of ranks."""
        model, _ = self._fitted(fidelity)
        return model.predict(np.stack([self._encoded(candidate) for candidate in candidates]))[0]

    def _encoded(self, candidate: Candidate) -> np.ndarray:
        if self._encode is not None:
            return np.asarray(self._encode(candidate), float)
        return np.array(encode(self.space, candidate)) * self._scales()

    def _scales(self) -> np.ndarray:
        """Places of alternatives weigh 1/sqrt(2), so that two different answers lie a distance of 1 apart."""
        if not hasattr(self, "_kept_scales"):
            wide = [(2, 1.0) if q.ordered else (len(q.options), math.sqrt(0.5)) for q in _open(self.space)]
            self._kept_scales = np.concatenate([np.full(n, scale) for n, scale in wide] or [np.zeros(0)])
        return self._kept_scales

    def remember(self, name: str, candidate: Candidate) -> None:
        """Never rank this one again."""
        if name not in self._vectors:
            self._vectors[name] = self._encoded(candidate)
            self._tried.add(candidate)

    def best(self, fidelity: Fidelity) -> list[Trial]:
        """The first few of `fidelity`, best first."""
        good = [trial for trial in self.heard[fidelity].values() if not trial.failed]
        return sorted(good, key=lambda trial: -trial.score)[:PARENTS]

    def _pool(self, best: Sequence[Trial], rng: Random) -> list[tuple[Candidate, str | None, list[Move], np.ndarray]]:
        """(candidate, parent's id, moves from it, encoding) of candidates that were not tried, each once."""
        if self._size <= SMALL:
            return [(candidate, None, [], vector) for candidate, vector in zip(*self._whole(), strict=True)
                    if candidate not in self._tried]  # fmt: skip
        found: dict[Candidate, Mutant] = {}
        parents = [(identity(trial.proposal.candidate), trial.proposal.candidate) for trial in best]
        for k in range(self.pool):
            parent, moves = None, list[Move]()
            if rng.random() < DRAWN:
                child = sample(self.space, rng, self.prior)
            else:
                parent, child = parents[k % len(parents)]
                while True:
                    child, move = self._change(child, rng)
                    moves.append(move)
                    if rng.random() < 0.5:
                        break
            if child not in self._tried and child not in found:
                found[child] = (child, parent, moves, self._encoded(child))
        if self._size <= FEW:
            candidates, vectors = self._whole()
            for row in rng.sample(range(len(candidates)), ROWS):
                child = candidates[row]
                if child not in self._tried and child not in found:
                    found[child] = (child, None, [], vectors[row])
        return list(found.values())

    def _whole(self) -> tuple[list[Candidate], np.ndarray]:
        """All N candidates of a space that has few, and their encodings (N, P)."""
        kept: dict[str, Any] = self.space.__dict__ if isinstance(self.space, Choice | Record | Stack) else {}
        if self._listed is None and (self._encode is not None or "_encoded" not in kept):
            candidates = list(every(self.space))
            self._listed = candidates, np.stack([self._encoded(candidate) for candidate in candidates])
            if self._encode is None:
                kept["_encoded"] = self._listed  # on the node itself, for other searches of the same space
        return self._listed or kept["_encoded"]

    def _change(self, candidate: Candidate, rng: Random) -> tuple[Candidate, Move]:
        if rng.random() < STRUCTURAL and (done := rng.choice(EDITS)(self.space, candidate, rng)):
            return done
        return mutate(self.space, candidate, rng, self.prior)

    def _fitted(self, fidelity: Fidelity) -> tuple[Predictor, int]:
        """The model, which learns again when enough has come since."""
        trials = list(self.heard[fidelity].items())
        model, known = self._models.get(fidelity) or (self.model(), 0)
        if not known or len(trials) > known * (1 + self.refit):
            chosen = trials
            if len(trials) > KEPT:
                best = sorted(trials, key=lambda pair: pair[1].failed or -pair[1].score)[: KEPT // 2]
                chosen = list(dict([*best, *trials[-(KEPT - len(best)) :]]).items())
            x = np.stack([self._vectors[name] for name, _ in chosen])
            y = normal_scores([-math.inf if t.failed else t.score for _, t in chosen])
            model.fit(x, y, generator(self.seed, -2, len(trials)).getrandbits(32))
            known = len(trials)
            self._models[fidelity] = model, known
        return model, known

    def _top(self, fidelity: Fidelity) -> float:
        return float(self.predicted(fidelity, [t.proposal.candidate for t in self.best(fidelity)]).max())

    def _acquire(
        self, used: Acquisition, mean: np.ndarray, deviation: np.ndarray, top: float, rng: Random
    ) -> np.ndarray:
        if used == "thompson":
            return mean + deviation * np.array([rng.gauss(0, 1) for _ in mean])
        z = (mean - top) / np.maximum(deviation, 1e-9)
        below = np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in z])
        return np.log(np.maximum(deviation * (z * below + np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)), 1e-300))


_WORDS: dict[Acquisition, str] = {"thompson": "Thompson sampling", "improvement": "expected improvement"}


def _open(space: Space) -> list[Choice]:
    return [question for question in questions(space).values() if len(question.options) > 1]


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

"""Reinforcement learning: a recurrent controller proposes candidates, and their scores teach it.

NASNet's (Zoph et al. 2018, arXiv:1707.07012) with its constants: proximal policy optimisation (Schulman et al. 2017,
arXiv:1707.06347), a baseline that is a moving average, minibatches of 20; or REINFORCE (Williams 1992; Zoph & Le 2017,
arXiv:1611.01578), as ENAS has it (Pham et al. 2018, arXiv:1802.03268), of whose constants only the rate is near ours
for a short search (theirs 3.5e-3, with an entropy of 1e-4 and logits through a tanh). Ours differs: it answers the
questions of any space, advantages are measured in standard deviations of the scores (which need not be accuracies), the
portfolio teaches it as if it had drawn it, and nothing is trained twice.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.search.fresh import generator
from seqwright.search.learned.policy import Policy
from seqwright.search.limits import Admissible
from seqwright.search.random_search import WHOLE, RandomSearch
from seqwright.space.census import size
from seqwright.space.fill import read
from seqwright.space.moves import mutate
from seqwright.space.nodes import Answers, Space
from seqwright.space.prior import Prior
from seqwright.study.record import Fidelity, Proposal, Trial

Learning = Literal["ppo", "reinforce"]
LEARNING_RATE, ENTROPY, KEPT, MINIBATCH = 3.5e-4, 1e-5, 0.95, 20  # Zoph et al. 2018, appendix A.1
CLIP, EPOCHS = 0.2, 4  # Schulman et al. 2017, table 3 and section 6; the NASNet paper does not say
MANY, FAST = 4000, 3e-3  # trials from which on the published rate is used, and the rate below
ASKS = 6  # draws that may turn out known, before one is changed by hand
PATIENCE = 20  # attempts at a fresh neighbour before one more answer is changed


def pace(trials: int | None, learning: Learning = "ppo") -> dict[str, Any]:
    """What suits a search of about so many trials: the published constants from thousands on, else faster learning.

    >>> pace(200)
    {'learning_rate': 0.003, 'minibatch': 10}
    """
    if trials is None or trials >= MANY:
        return {}
    return {"learning_rate": FAST, "minibatch": MINIBATCH // 2 if learning == "ppo" else 1}


@dataclass
class Baseline:
    """Moving averages of the scores of one fidelity and of their squared distance from that average."""

    mean: float
    square: float = 0.0
    worst: float = math.inf

    def advantage(self, score: float, kept: float) -> float:
        """How far a score is above the average, in standard deviations; the averages move on."""
        self.worst = min(self.worst, score)
        above = score - self.mean
        self.square = above**2 if self.square == 0 else kept * self.square + (1 - kept) * above**2
        self.mean += (1 - kept) * above
        return above / math.sqrt(self.square) if self.square > 0 else 0.0


@dataclass(frozen=True)
class Episode:
    """The answers of a trial, and what it taught."""

    answers: Answers
    advantage: float
    before: Tensor  # log-probability of each answer when they were drawn, (T,)


class Controller(RandomSearch):
    """The portfolio, then what the controller draws; it learns whenever `minibatch` trials were told.

    Args:
        learning: "ppo" or "reinforce".
        learning_rate: Adam's. The published one is for thousands of trials.
        entropy: weight of the entropy of its distributions, which keeps it curious.
        kept: share of the old in the moving averages.
        minibatch: trials a lesson.
        epochs: steps a lesson, for "ppo".
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
        learning: Learning = "ppo",
        learning_rate: float = LEARNING_RATE,
        entropy: float = ENTROPY,
        kept: float = KEPT,
        minibatch: int = MINIBATCH,
        epochs: int = EPOCHS,
    ) -> None:
        super().__init__(space, seed=seed, fidelity=fidelity, prior=prior, portfolio=portfolio, admissible=admissible)
        self.learning: Learning = learning
        self.entropy, self.kept, self.minibatch = entropy, kept, minibatch
        self.epochs = epochs if learning == "ppo" else 1
        self.policy = Policy(space, prior, seed=generator(seed, -3).getrandbits(32))
        self.optimizer = torch.optim.Adam(self.policy.parameters(), lr=learning_rate)
        self.lessons = 0
        self._baselines: dict[Fidelity, Baseline] = {}
        self._drawn: dict[str, Tensor] = {}
        self._told: set[tuple[str, Fidelity]] = set()
        self._episodes: list[Episode] = []
        self._last: Candidate | None = None
        self._single = size(space) == 1

    def tell(self, trials: Sequence[Trial]) -> None:
        """A failure counts as the worst score heard at its fidelity; before there is one it teaches nothing."""
        for trial in trials:
            key = name, fidelity = identity(trial.proposal.candidate), trial.proposal.fidelity
            answers = read(self.space, trial.proposal.candidate)
            if key in self._told or answers is None or self._single:
                continue
            self._told.add(key)
            baseline = self._baselines.get(fidelity)
            if baseline is None:
                if trial.failed:
                    continue
                baseline = self._baselines[fidelity] = Baseline(trial.score)
            advantage = baseline.advantage(baseline.worst if trial.failed else trial.score, self.kept)
            before = self._drawn.get(name)
            self._episodes.append(Episode(answers, advantage, self._logs(answers) if before is None else before))
            if len(self._episodes) == self.minibatch:
                self._learn()

    def _next(self) -> Proposal | None:
        proposal = super()._next()
        if proposal is not None and not self._single and (answers := read(self.space, proposal.candidate)) is not None:
            self._drawn[identity(proposal.candidate)] = self._logs(answers)
        return proposal

    def draw(self, attempt: int) -> Proposal:
        if self._single:
            return super().draw(attempt)
        rng = generator(self.seed, self.made, attempt)
        if attempt < ASKS or self._last is None:
            self._last = drawn = self.policy.draw(rng)
            return Proposal(drawn, why=f"drawn by the controller after {self.lessons} lessons")
        child, told = self._last, list[str]()
        for _ in range(1 + (attempt - ASKS) // PATIENCE):
            child, move = mutate(self.space, child, rng, self.prior)
            told.append(str(move))
        return Proposal(child, why=f"beside what the controller drew again: {'; '.join(told)}")

    @torch.no_grad()
    def _logs(self, answers: Answers) -> Tensor:
        return self.policy.judge([answers])[0][0]

    def _learn(self) -> None:
        """A lesson from the trials since the last."""
        episodes, self._episodes = self._episodes, []
        advantage = torch.tensor([episode.advantage for episode in episodes], dtype=torch.float64)[:, None]
        before = torch.nn.utils.rnn.pad_sequence([episode.before for episode in episodes], batch_first=True)
        for _ in range(self.epochs):
            logs, entropy, counts = self.policy.judge([episode.answers for episode in episodes])
            if self.learning == "ppo":
                ratio = (logs - before).exp()
                gain = torch.minimum(ratio * advantage, ratio.clamp(1 - CLIP, 1 + CLIP) * advantage)
            else:
                gain = logs * advantage
            loss = -((gain + self.entropy * entropy) * counts).sum() / len(episodes)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
        self.lessons += 1

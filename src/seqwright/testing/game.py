"""A search without training: a made-up landscape judges what is proposed, and what was asked and told is kept."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from seqwright.arch import codec
from seqwright.arch.candidate import Candidate
from seqwright.arch.supernet import Supernet
from seqwright.search.strategy import Strategy
from seqwright.space.census import questions
from seqwright.space.moves import sample
from seqwright.study.record import Proposal, Trial
from seqwright.study.rows import proposal_from_data, proposal_to_data, trial_from_data, trial_to_data

Judge = Callable[[Proposal], Trial]
DERIVED = 3  # architectures that a made-up supernet hands back


def score(candidate: Candidate) -> float:
    """A landscape that is arbitrary but always the same, in [0, 1)."""
    return int(codec.identity(candidate), 16) / 16**12


def scored(proposal: Proposal) -> Trial:
    return Trial(proposal, score(proposal.candidate), seconds=1.0, found=_found(proposal))


def failed(proposal: Proposal) -> Trial:
    return Trial(proposal, -math.inf, error="killed by signal 9")


def _found(proposal: Proposal) -> dict[str, Any]:
    """What a supernet's trial hands back: weights for every question, and some architectures of its space."""
    supernet = proposal.candidate.architecture
    if not isinstance(supernet, Supernet):
        return {}
    rng = Random(codec.identity(proposal.candidate))
    asked = questions(supernet.architectures)
    prior = {
        f"{supernet.root}{path}": {label: rng.random() for label in question.labels()}
        for path, question in asked.items()
    }
    derived = [codec.to_data(sample(supernet.architectures, rng)) for _ in range(DERIVED)]
    return {"prior": prior, "derived": derived}


def recorded(trial: Trial) -> Trial:
    """A trial as the study hands it out again: through JSON and back."""
    proposal = proposal_from_data(json.loads(json.dumps(proposal_to_data(trial.proposal))))
    return trial_from_data(json.loads(json.dumps(trial_to_data(trial), allow_nan=False)), proposal)


@dataclass
class Game:
    """A search without evaluation: what was asked and told, in order."""

    strategy: Strategy
    judge: Judge = scored
    proposals: list[Proposal] = field(default_factory=list[Proposal])
    told: list[Trial] = field(default_factory=list[Trial])
    knew: list[int] = field(default_factory=list[int])  # how many trials were told when each proposal was made

    def play(self, trials: int, n: int = 1) -> "Game":
        """Ask `n` ahead, and tell in order, until so many trials are told or nothing is left to try."""
        while len(self.told) < trials:
            self.ask(n - (len(self.proposals) - len(self.told)))
            if len(self.told) == len(self.proposals):
                break
            self.tell(self.judge(self.proposals[len(self.told)]))
        return self

    def ask(self, n: int) -> None:
        asked = self.strategy.ask(n)
        assert len(asked) <= n, f"asked for {n} proposals, got {len(asked)}"
        self.proposals += [replace(p, number=len(self.proposals) + i) for i, p in enumerate(asked)]
        self.knew += [len(self.told)] * len(asked)

    def tell(self, *trials: Trial) -> None:
        self.told += trials
        self.strategy.tell(trials)

    def replayed(self, strategy: Strategy, proposals: int) -> "Game":
        """The game as it stood after so many proposals, brought to a fresh strategy as a resumed search does it."""
        game = Game(strategy, self.judge)
        for proposal, knew in zip(self.proposals[:proposals], self.knew, strict=False):
            for trial in self.told[len(game.told) : knew]:
                game.tell(recorded(trial))
            game.ask(1)
            again = game.proposals[len(game.knew) - 1 :]
            assert again == [proposal], (
                f"resumed, it proposes another number {proposal.number}: {again[0].why if again else 'nothing'}, "
                f"and not: {proposal.why}"
            )
        return game

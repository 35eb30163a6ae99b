"""Search on shared weights: a supernet is trained once, and any strategy goes on from what its networks score.

ENAS (Pham et al. 2018, arXiv:1802.03268) is a controller on shared weights, SPOS (Guo et al. 2020, arXiv:1904.00420) an
evolution. Inherited scores may order candidates badly (Li & Talwalkar 2019, arXiv:1902.07638; Yu et al. 2020,
arXiv:1902.08142). So ours differs: again and again the best by inherited score, and some of the others, are trained
alone; Kendall's tau between both scores is kept; and where it is low the search goes on without the supernet. Weights
come first and proposals then, where ENAS alternates.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.arch.show import line
from seqwright.errors import SpaceError
from seqwright.search.agreement import Agreement
from seqwright.search.halving import Order, by_score
from seqwright.search.limits import Limits
from seqwright.search.objectives import is_beyond
from seqwright.search.strategy import Strategy
from seqwright.study.record import Fidelity, Proposal, Trial

EACH, ALONE, SPREAD = 32, 8, 3  # inherited scores a round; trained alone after it; of these, not by their rank
LEAST_TAU, LEAST_PAIRS = 0.25, 8  # below which, from so many pairs on, the supernet is given up
WITHOUT = "without the supernet"
MEANWHILE = 8  # proposals at most that train alone while the supernet does, where slots are free


class Shared:
    """A wrapper around two searches of a space: one on inherited weights, one without.

    Args:
        strategy: proposes what is scored on inherited weights; over the part of the space that can share them.
        alone: what the search goes on with where sharing does not help; a strategy with its schedule.
        supernet: the candidate that carries the space of `strategy`.
        examples: for which it is trained.
        full: the fidelity at which candidates are trained alone.
        each, trained: inherited scores a round, and candidates that are trained alone after it.
        least_tau: Kendall's tau below which the supernet is given up, from `LEAST_PAIRS` pairs on.
    """

    def __init__(
        self,
        strategy: Strategy,
        alone: Strategy,
        supernet: Candidate,
        examples: int,
        full: Fidelity,
        *,
        each: int = EACH,
        trained: int = ALONE,
        least_tau: float = LEAST_TAU,
    ) -> None:
        self.strategy, self.alone, self.full = strategy, alone, full
        self.each, self.trained, self.least_tau = each, trained, least_tau
        self.agreement = Agreement()
        self.order: Order = by_score
        self.given_up = ""  # why, once it is
        self._supernet = Proposal(
            supernet,
            Fidelity(examples, full.folds, "supernet"),
            why=f"{line(supernet)}: what follows is scored on its weights",
        )
        self._name = identity(supernet)
        self._asked = self._ready = False
        self._meanwhile = 0
        self._scoring: dict[str, Proposal] = {}  # under way, as the strategy proposed them
        self._scored = 0  # begun in this round
        self._errors: list[str] = []  # of those of this round that failed
        self._whole: dict[str, Trial | None] = {}  # alone at the full fidelity, by id; None of what is yet to end
        self._queue: list[Proposal] = []
        self._rules: list[Limits] = []  # bans

    def rank_by(self, order: Order) -> None:
        """Choose who trains alone by another order than by score: with several objectives, by front."""
        self.order = order

    def ask(self, n: int) -> list[Proposal]:
        return list(islice(iter(self._next, None), n))

    def tell(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            stage = trial.proposal.fidelity.stage
            if stage == "supernet":
                self._ready = True
                if trial.failed:
                    self._give_up(f"the supernet could not be trained: {trial.error}")
                continue
            self.agreement.add(trial)
            name = identity(trial.proposal.candidate)
            if stage != "shared":
                if trial.proposal.fidelity == self.full:
                    self._whole[name] = trial
                self.alone.tell([trial])
                self._judge()
            elif asked := self._scoring.pop(name, None):
                if trial.failed and not is_beyond(trial):
                    self._errors.append(trial.error)
                self.strategy.tell([replace(trial, proposal=replace(asked, number=trial.proposal.number))])

    def ban(self, pattern: str) -> None:
        """Propose nothing that `pattern` matches, not even what is scored already."""
        if callable(ban := getattr(self.alone, "ban", None)):
            ban(pattern)
        with suppress(SpaceError):  # it may be of the other part of the space alone
            self._rules.append(Limits(self._supernet.candidate.architecture.space, ban=(pattern,)))
            self._queue = [proposal for proposal in self._queue if self._allowed(proposal.candidate)]
            if callable(ban := getattr(self.strategy, "ban", None)):
                ban(pattern)

    def _allowed(self, candidate: Candidate) -> bool:
        return all(rule(candidate) is None for rule in self._rules)

    # Which comes next ---------------------------------------------------------------------------

    def _next(self) -> Proposal | None:
        if not self._asked:
            self._asked = True
            return self._supernet
        if not self._ready:
            proposal = self._without("while the supernet trains") if self._meanwhile < MEANWHILE else None
            self._meanwhile += proposal is not None
            return proposal
        if self.given_up:
            return self._without(f"{WITHOUT}, as {self.given_up}")
        if not self._queue:
            if self._scored < self.each and (proposal := self._score()) is not None:
                return proposal
            if self._scoring:
                return None  # the round's last scores
            self._choose()
        if self._queue:
            proposal = self._queue.pop(0)
            self._whole[identity(proposal.candidate)] = None
            return proposal
        return self._without(f"{WITHOUT}, as {self.given_up or 'the shared part of the space is used up'}")

    def _score(self) -> Proposal | None:
        asked = self.strategy.ask(1)
        if not asked:
            return None
        self._scored += 1
        self._scoring[identity(asked[0].candidate)] = asked[0]
        why = f"{asked[0].why}; scored on the supernet's weights"
        fidelity = Fidelity(0, self.full.folds, "shared")
        return asked[0].at(fidelity, why=why, start="supernet", parent=self._name)

    def _choose(self) -> None:
        """End the round: the best that were not yet trained alone, and some spread over the rest, are."""
        if self._scored and len(self._errors) == self._scored:
            self._give_up(f"no network could be scored on its weights: {self._errors[-1]}")
            return
        self._scored, self._errors = 0, []
        inherited = self.agreement.inherited
        left = [t for n, t in inherited.items() if n not in self._whole and self._allowed(t.proposal.candidate)]
        ranked = [identity(trial.proposal.candidate) for trial in self.order(left)]
        spread = min(SPREAD if not self.agreement.pairs else 1, self.trained // 2)
        best, rest = ranked[: self.trained - spread], ranked[self.trained - spread :]
        others = [rest[len(rest) * (i + 1) // spread - 1] for i in range(spread)] if rest else []
        for name in dict.fromkeys([*best, *others]):
            trial = inherited[name]
            by = "inherited score" if self.order is by_score else "inherited score and costs"
            place = f"place {ranked.index(name) + 1} of {len(ranked)} by {by}, {trial.score:.4g}"
            purpose = "" if name in best else ", to see how far to trust that order"
            why = f"{place}; now trained alone{purpose} ({self.agreement})"
            self._queue.append(Proposal(trial.proposal.candidate, self.full, why))

    def _without(self, why: str) -> Proposal | None:
        while asked := self.alone.ask(1):
            proposal, name = asked[0], identity(asked[0].candidate)
            if proposal.fidelity != self.full or name not in self._whole:
                if proposal.fidelity == self.full:
                    self._whole[name] = None
                return proposal.at(proposal.fidelity, why=f"{proposal.why}; {why}")
            if (known := self._whole[name]) is not None:  # else it runs, and is told when it ends
                self.alone.tell([replace(known, proposal=replace(proposal, number=known.proposal.number))])
        return None

    def _judge(self) -> None:
        enough = len(self.agreement.pairs) >= LEAST_PAIRS
        if not self.given_up and enough and self.agreement.tau < self.least_tau:
            self._give_up(f"inherited scores order candidates badly ({self.agreement}, less than {self.least_tau:g})")

    def _give_up(self, why: str) -> None:
        self.given_up, self._queue = why, []

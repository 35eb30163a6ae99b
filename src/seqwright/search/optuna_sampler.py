"""Bayesian optimisation: optuna's TPE and Gaussian process behind our Strategy.

Around it Hyperband makes BOHB (Falkner et al. 2018, arXiv:1807.01774): the model is that of the highest fidelity with
enough trials, and a third of all proposals is drawn at random. Ours differs: the model begins after `begin` trials
instead of one more than there are questions (our spaces have a hundred, of which a candidate answers twenty), the
TPE is optuna's as it stands (good are a tenth of the trials, 24 samples) and not theirs (15 %, 64 samples, bandwidths
three times as wide), the portfolio comes first, and nothing is proposed twice.
"""

import importlib.util
import math
from collections.abc import Iterable, Sequence

from seqwright.arch.candidate import Candidate
from seqwright.arch.codec import identity
from seqwright.errors import InputError
from seqwright.search.fresh import generator
from seqwright.search.limits import Admissible
from seqwright.search.optuna_model import Kind, OptunaModel
from seqwright.search.random_search import WHOLE, RandomSearch
from seqwright.space.census import size
from seqwright.space.fill import read
from seqwright.space.moves import mutate
from seqwright.space.nodes import Answers, Space
from seqwright.space.prior import Prior
from seqwright.study.record import Fidelity, Proposal, Trial

BEGIN = 10
BOHB_DRAWN = 1 / 3  # Falkner et al. 2018, section 4
ASKS: dict[Kind, int] = {"tpe": 6, "gp": 3}  # how often a model is asked for something new; a process takes long
PATIENCE = 20  # attempts at a fresh neighbour before one more answer is changed
NAMES: dict[Kind, str] = {"tpe": "TPE", "gp": "Gaussian process"}


class Bayesian(RandomSearch):
    """Random search until `begin` trials of some fidelity have a score, then what the model would try.

    Args:
        model: "tpe" or "gp"; see `optuna_model.OptunaModel`.
        begin: trials with a score that a fidelity needs before it is modelled.
        drawn: the share of later proposals that is drawn at random all the same, and says so.

    Raises:
        InputError: optuna is not installed.
    """

    def __init__(
        self,
        space: Space,
        *,
        model: Kind = "tpe",
        seed: int = 0,
        fidelity: Fidelity = WHOLE,
        prior: Prior | None = None,
        portfolio: Iterable[tuple[str, Candidate]] = (),
        admissible: Admissible | None = None,
        begin: int = BEGIN,
        drawn: float = 0.0,
    ) -> None:
        super().__init__(space, seed=seed, fidelity=fidelity, prior=prior, portfolio=portfolio, admissible=admissible)
        if importlib.util.find_spec("optuna") is None:
            raise InputError(
                f"The {NAMES[model]} is optuna's, which is not installed. "
                'Install it with: pip install "seqwright[bohb]", or choose another strategy.'
            )
        self.kind: Kind = model
        self.begin, self.drawn = max(2, begin), drawn
        self.models: dict[Fidelity, OptunaModel] = {}
        self.running: dict[str, Answers] = {}
        self._suggested: Candidate | None = None
        self._single = size(space) == 1

    def tell(self, trials: Sequence[Trial]) -> None:
        """Each fidelity has a model of its own, for scores of different ones do not compare."""
        for trial in trials:
            name, fidelity = identity(trial.proposal.candidate), trial.proposal.fidelity
            self.running.pop(name, None)
            if (found := read(self.space, trial.proposal.candidate)) is None:
                continue  # of another space, as a replayed study may hold
            model = self.models.setdefault(fidelity, OptunaModel(self.kind, self.space))
            model.tell(name, found, -math.inf if trial.failed else trial.score)

    def _next(self) -> Proposal | None:
        if (proposal := super()._next()) is not None:
            self.running[identity(proposal.candidate)] = read(self.space, proposal.candidate) or {}
        return proposal

    def draw(self, attempt: int) -> Proposal:
        ready = [fidelity for fidelity, model in self.models.items() if model.count >= self.begin]
        if not ready or self._single:
            return super().draw(attempt)
        if generator(self.seed, self.made, -1).random() < self.drawn:
            proposal = super().draw(attempt)
            return proposal.at(proposal.fidelity, why=f"drawn at random, as a share of {self.drawn:.2f} is")
        rng = generator(self.seed, self.made, attempt)
        fidelity, said = max(ready), NAMES[self.kind]
        model = self.models[fidelity]
        if attempt < ASKS[self.kind]:
            suggestion = model.suggest(self.running, rng.getrandbits(32), self.prior)
            self._suggested = suggestion.value
            model.known(identity(suggestion.value), suggestion)  # if it is
            told = f"{said} on {model.count} trials"
            if fidelity.examples:
                told += f" of {fidelity.examples:,} examples"
            if suggestion.drawn:
                told += f"; {suggestion.drawn} answers drawn, as no trial had them"
            return Proposal(suggestion.value, why=told)
        # What the model wants is known already or not admissible: the nearest that is neither.
        child, told = self._suggested, list[str]()
        assert child is not None
        for _ in range(1 + (attempt - ASKS[self.kind]) // PATIENCE):
            child, move = mutate(self.space, child, rng, self.prior)
            told.append(str(move))
        return Proposal(child, why=f"beside what the {said} proposed again: {'; '.join(told)}")

"""Our strategies as an optuna sampler: any of them may search a study of optuna's, over finite distributions.

A joint space, fixed or learnt from the trials that completed, is searched by one strategy; a parameter outside it by a
strategy of its own. Nothing is drawn behind a strategy's back: a distribution that is not finite is an error.
"""

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seqwright.arch.candidate import Candidate, Recipe
from seqwright.errors import InputError
from seqwright.search.strategy import Strategy
from seqwright.space.nodes import Choice, Record, vary
from seqwright.space.prior import Prior
from seqwright.study.record import Proposal, Trial

try:
    import optuna
    from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial, TrialState
except ImportError as error:
    raise InputError(
        f'This needs the optuna package ({error}). Install it with: pip install "seqwright[bohb]".'
    ) from None

MOST = 1000  # options a question may have here
Make = Callable[[Record, int, Prior], Strategy]


class StrategySampler(BaseSampler):
    """An optuna sampler that asks a strategy.

    Args:
        make: (space, seed, prior) -> a fresh strategy. The prior holds the logarithmic scales.
        distributions: the joint space; None for what all completed trials of a study have in common, as optuna's own
            samplers have it. Others, such as conditional parameters, get a strategy each.
        seed: of the first strategy. One that has proposed everything is followed by a fresh one, told the same.
    """

    def __init__(
        self, make: Make, distributions: Mapping[str, BaseDistribution] | None = None, *, seed: int = 0
    ) -> None:
        self.make, self.seed = make, seed
        self.distributions = None if distributions is None else _open(distributions)
        self._searches: dict[tuple[Any, ...], _Search] = {}
        self._one_at_a_time = threading.RLock()  # a study may run several threads

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        _single_objective(study)
        if self.distributions is not None:
            return dict(self.distributions)
        return _open(optuna.search_space.intersection_search_space(study.get_trials(deepcopy=False)))

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Values of all parameters of the joint space.

        Raises:
            InputError: a distribution is not finite, or the study has several objectives.
        """
        _single_objective(study)
        return self._ask(study, search_space) if search_space else {}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """The value of one parameter outside the joint space. Raises as `sample_relative`."""
        _single_objective(study)
        return self._ask(study, {param_name: param_distribution})[param_name]

    def _ask(self, study: optuna.Study, distributions: Mapping[str, BaseDistribution]) -> dict[str, Any]:
        key = study.study_name, *((name, repr(distributions[name])) for name in sorted(distributions))
        with self._one_at_a_time:
            if key not in self._searches:
                self._searches[key] = _Search(self.make, self.seed, distributions)
            return self._searches[key].ask(study)


@dataclass
class _Search:
    """One strategy over one finite space, with what it was told."""

    make: Make
    seed: int
    distributions: Mapping[str, BaseDistribution]
    told: list[Trial] = field(default_factory=list[Trial])
    _known: set[int] = field(default_factory=set[int])  # numbers of optuna's trials

    def __post_init__(self) -> None:
        scales = {name: scale(name, distribution) for name, distribution in self.distributions.items()}
        self.values = {name: values for name, (values, _, _) in scales.items()}
        questions = tuple(Choice(tuple(range(len(values))), ordered) for values, ordered, _ in scales.values())
        self.space = vary(Candidate, architecture=questions, recipe=Recipe())
        self.prior = Prior({f"/architecture/{i}": w for i, (_, _, w) in enumerate(scales.values()) if w})
        self.strategy = self.make(self.space, self.seed, self.prior)

    def ask(self, study: optuna.Study) -> dict[str, Any]:
        news = [trial for frozen in study.get_trials(deepcopy=False) if (trial := self._heard(frozen, study))]
        self.told += news
        self.strategy.tell(news)
        asked = self.strategy.ask(1)
        if not asked:  # everything was proposed, and an objective may be asked again
            self.seed += 1
            self.strategy = self.make(self.space, self.seed, self.prior)
            self.strategy.tell(self.told)
            asked = self.strategy.ask(1)
        if not asked:
            raise InputError(
                "The strategy proposes nothing, though all that ended was told to it. A sampler needs one that answers "
                "whenever it is asked: no schedule, and no limits that nothing fulfils."
            )
        indices: tuple[int, ...] = asked[0].candidate.architecture
        return {name: values[i] for (name, values), i in zip(self.values.items(), indices, strict=True)}

    def _heard(self, frozen: FrozenTrial, study: optuna.Study) -> Trial | None:
        """A trial of optuna's that ended since, if it is of this space."""
        if frozen.number in self._known or not frozen.state.is_finished():
            return None
        self._known.add(frozen.number)
        if not self.values.keys() <= frozen.params.keys():
            return None
        indices = tuple(_index(values, frozen.params[name]) for name, values in self.values.items())
        if None in indices:  # of another range
            return None
        proposal = Proposal(Candidate(indices), why="of optuna's study", number=frozen.number)
        value = frozen.value if frozen.state == TrialState.COMPLETE else None
        if value is None or not math.isfinite(value):
            return Trial(proposal, -math.inf, error=f"ended as {frozen.state.name.lower()} with {value}")
        return Trial(proposal, value if study.direction.name == "MAXIMIZE" else -value)


def scale(name: str, distribution: BaseDistribution) -> tuple[list[Any], bool, list[float] | None]:
    """The options of a distribution, whether they are ordered, and weights where the scale is logarithmic.

    Raises:
        InputError: it is continuous, or has too many options.
    """
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices), False, None
    if isinstance(distribution, IntDistribution):
        count = (distribution.high - distribution.low) // distribution.step + 1
        if count <= MOST:
            values = [distribution.low + i * distribution.step for i in range(count)]
            weights = [math.log((v + 0.5) / (v - 0.5)) for v in values] if distribution.log else None
            return values, True, weights
    elif isinstance(distribution, FloatDistribution) and distribution.step is not None:
        count = round((distribution.high - distribution.low) / distribution.step) + 1
        if count <= MOST:
            steps = [distribution.low + i * distribution.step for i in range(count)]
            return [min(distribution.high, step) for step in steps], True, None
    elif isinstance(distribution, FloatDistribution) and distribution.single():
        return [distribution.low], True, None
    raise InputError(
        f'"{name}" is {distribution}, and our strategies search finite spaces. '
        f"Give a step, or a categorical list, of at most {MOST:,} values."
    )


def _open(distributions: Mapping[str, BaseDistribution]) -> dict[str, BaseDistribution]:
    return {name: distribution for name, distribution in distributions.items() if not distribution.single()}


def _index(values: Sequence[Any], value: Any) -> int | None:
    """Which option a value is, None for none; steps of a float are added up differently by different samplers."""
    if isinstance(value, float):
        return next((i for i, option in enumerate(values) if option == value or _close(option, value)), None)
    return values.index(value) if value in values else None


def _close(a: Any, b: float) -> bool:
    return isinstance(a, float) and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


def _single_objective(study: optuna.Study) -> None:
    if len(study.directions) > 1:
        raise InputError(
            f"A strategy has one score, and this study has {len(study.directions)} objectives. "
            "Optimise one of them, or a weighted sum."
        )

"""What was heard at one fidelity, as an optuna study that TPE or a Gaussian process answers questions from.

Every answer comes from a model or is counted as drawn: a question that no trial has answered yet is drawn from the
prior, and the caller is told how many were.
"""

import math
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from seqwright.search.optuna_space import distribution, optuna_or_say, quiet, suggest
from seqwright.space.census import questions
from seqwright.space.fill import fill
from seqwright.space.moves import draw
from seqwright.space.nodes import Answers, Choice, Path, Space
from seqwright.space.prior import Prior

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler

Kind = Literal["tpe", "gp"]
DIMENSIONS = 16  # a Gaussian process's work grows with its dimensions: 0.3 s a proposal at 16, 5 s at 100


@dataclass(frozen=True)
class Suggestion:
    """A value, the answers of the model (to questions, too, that the value does not ask), and how many were drawn."""

    value: Any
    answers: Answers
    drawn: int


class OptunaModel:
    """Trials of one fidelity, by name, and the model over them.

    A TPE (Bergstra et al. 2011, as in optuna: multivariate, arXiv:2304.11127) models the questions that all trials
    answered jointly and each of the others by itself. A Gaussian process (Matern 5/2, log expected improvement) has a
    fixed number of dimensions: the `DIMENSIONS` questions that most trials answered, where a trial that was not asked
    counts with the middle of a scale or the first option; rarer questions go to a TPE. Trials that run are known to
    both, as a constant liar's or a joint improvement. A failure counts with the worst score heard.
    """

    def __init__(self, kind: Kind, space: Space) -> None:
        self.kind, self.space = kind, space
        self.open = {path: q for path, q in questions(space).items() if len(q.options) > 1}
        self.scores: dict[str, float] = {}  # minus infinity for a failure
        self._answers: dict[str, Answers] = {}
        self._seen: Counter[Path] = Counter()  # how many trials in the study answered it
        self._worst = math.inf
        self._waiting: list[str] = []  # failures before the first score
        self._dimensions: tuple[Path, ...] = ()
        self._chosen_at = 0  # how many trials there were when the dimensions were chosen
        self._study: Study | None = None
        self._entered: list[tuple[str, float]] = []
        self._running: dict[str, list[int]] = {}  # numbers in the optuna study
        self._distributions: dict[Path, BaseDistribution] = {}

    @property
    def count(self) -> int:
        """Trials that have a score."""
        return sum(score > -math.inf for score in self.scores.values())

    def tell(self, name: str, answers: Answers, score: float) -> None:
        """Hear of a trial, once."""
        if name in self.scores:
            return
        self.scores[name] = score
        self._answers[name] = {path: index for path, index in answers.items() if path in self.open}
        if score == -math.inf:
            self._waiting.append(name)
        else:
            self._worst = min(self._worst, score)
            self._enter(name, score)
        if self._worst < math.inf:
            for failure in self._waiting:
                self._enter(failure, self._worst)
            self._waiting = []

    def suggest(self, running: dict[str, Answers], seed: int, prior: Prior | None) -> Suggestion:
        """A value that the model would try next, given what runs.

        Args:
            running: answers of the trials that run, by name.
            seed: of all that is drawn.
        """
        study = self._ready(running)
        study.sampler = self._sampler(seed)
        trial = study.ask()
        rng, drawn = Random(seed), 0

        def answer(path: Path, question: Choice) -> int:
            nonlocal drawn
            if path not in self.open:
                index = 0
            elif self._seen[path]:
                index = suggest(trial, path, question)
            else:
                index = draw(rng, path, question, prior)
                drawn += 1
            return index

        value = fill(self.space, answer)
        given = {**trial.relative_params, **trial.params}
        study.tell(trial, state=optuna_or_say().trial.TrialState.FAIL)  # if it is taken it comes back as running
        return Suggestion(value, given, drawn)

    def known(self, name: str, suggestion: Suggestion) -> None:
        """Hear that a suggestion is a trial that was told or runs, so that the next one is another.

        A process may think that it differs in the answers to questions which are not asked; now it knows better.
        """
        if self._study is None:
            return
        if (score := self.scores.get(name)) is not None:
            self._study.add_trial(self._frozen(suggestion.answers, max(score, self._worst)))
        elif name in self._running:
            self._run(name, suggestion.answers)

    def _enter(self, name: str, score: float) -> None:
        self._entered.append((name, score))
        self._seen.update(self._answers[name].keys())
        if self._study is not None:
            self._finish(name)
            self._add(name, score)

    def _ready(self, running: dict[str, Answers]) -> "Study":
        """The study with all that was told and exactly what runs; made anew when its dimensions change."""
        if self._study is None or (self.kind == "gp" and len(self._entered) >= 2 * self._chosen_at):
            self._begin()
        study = self._study
        assert study is not None
        for name in [name for name in self._running if name not in running]:
            self._finish(name)
        for name, answers in running.items():
            if name not in self._running:
                self._run(name, {path: index for path, index in answers.items() if path in self.open})
        return study

    def _begin(self) -> None:
        optuna = optuna_or_say()
        with quiet():
            self._study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
        self._running = {}
        self._chosen_at = len(self._entered)
        if self.kind == "gp":
            often = sorted(self._seen, key=lambda path: -self._seen[path])  # stable: in the order of questions
            self._dimensions = tuple(often[:DIMENSIONS])
        for name, score in self._entered:
            self._add(name, score)

    def _add(self, name: str, score: float) -> None:
        assert self._study is not None
        self._study.add_trial(self._frozen(self._answers[name], score))

    def _run(self, name: str, answers: Answers) -> None:
        assert self._study is not None
        self._study.add_trial(self._frozen(answers))
        self._running.setdefault(name, []).append(len(self._study.get_trials(deepcopy=False)) - 1)

    def _finish(self, name: str) -> None:
        """Forget that a trial runs."""
        assert self._study is not None
        for number in self._running.pop(name, []):
            self._study.tell(number, state=optuna_or_say().trial.TrialState.FAIL)

    def _frozen(self, answers: Answers, score: float | None = None) -> Any:
        optuna = optuna_or_say()
        params = {path: _unasked(self.open[path]) for path in self._dimensions} | answers
        for path in params:
            if path not in self._distributions:
                self._distributions[path] = distribution(self.open[path])
        states = optuna.trial.TrialState
        return optuna.trial.create_trial(
            state=states.RUNNING if score is None else states.COMPLETE,
            value=score,
            params=params,
            distributions={path: self._distributions[path] for path in params},
        )

    def _sampler(self, seed: int) -> "BaseSampler":
        """A fresh sampler for each proposal, so that the proposal depends on the seed and on nothing that was asked."""
        samplers = optuna_or_say().samplers
        tpe = samplers.TPESampler(n_startup_trials=0, multivariate=True, seed=seed)
        if self.kind == "tpe":
            return tpe
        return samplers.GPSampler(
            n_startup_trials=0, seed=seed, independent_sampler=tpe, warn_independent_sampling=False
        )


def _unasked(question: Choice) -> int:
    return len(question.options) // 2 if question.ordered else 0

"""Questions as optuna's distributions: one parameter a path, its value the index of an option.

An ordered question is an integer, so that a model knows which options are neighbours; our grids are spaced as they are
meant to be searched, so ranks are the right scale. Any other question is categorical.
"""

from types import ModuleType
from typing import TYPE_CHECKING

from seqwright.errors import InputError
from seqwright.space.nodes import Choice, Path

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial


def optuna_or_say() -> ModuleType:
    """The optuna package.

    Raises:
        InputError: it is not installed; says how to.
    """
    try:
        import optuna
    except ImportError as error:
        raise InputError(
            f"This needs the optuna package, which cannot be imported ({error}). "
            'Install it with: pip install "seqwright[bohb]".'
        ) from None
    return optuna


def distribution(question: Choice) -> "BaseDistribution":
    """What optuna needs to know of a question with two options or more."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    n = len(question.options)
    return IntDistribution(0, n - 1) if question.ordered else CategoricalDistribution(tuple(range(n)))


def suggest(trial: "Trial", path: Path, question: Choice) -> int:
    """Have an optuna trial answer a question: the index of an option."""
    n = len(question.options)
    if question.ordered:
        return trial.suggest_int(path, 0, n - 1)
    return trial.suggest_categorical(path, tuple(range(n)))  # type: ignore[return-value]  # its choices are integers

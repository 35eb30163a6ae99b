"""Questions as optuna's distributions: one parameter a path, its value the index of an option.

An ordered question is an integer, so that a model knows which options are neighbours; our grids are spaced as they are
meant to be searched, so ranks are the right scale. Any other question is categorical.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

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


@contextmanager
def quiet() -> Iterator[None]:
    """Without optuna's lines about the studies that we make."""
    logging = optuna_or_say().logging
    before = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def shown(question: Choice) -> "tuple[BaseDistribution, tuple[Any, ...]]":
    """A question for people's eyes: options as numbers where they are steps on a scale, as labels elsewhere.

    The scale is logarithmic where all options are positive and the largest is ten times the smallest or more.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    options = question.options
    kinds = {type(option) for option in options}
    if not question.ordered or not kinds <= {int, float}:
        return CategoricalDistribution(question.labels()), question.labels()
    low, high = min(options), max(options)
    log = low > 0 and high >= 10 * low
    if kinds == {int}:
        return IntDistribution(low, high, log=log), options
    return FloatDistribution(float(low), float(high), log=log), tuple(map(float, options))

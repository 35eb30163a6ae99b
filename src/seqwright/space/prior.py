"""A prior: how likely each option is, by path. It steers sampling and mutation; one-shot search gives one back."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from math import log, log2
from typing import Any

from seqwright.errors import SpaceError
from seqwright.space.census import questions, size
from seqwright.space.nodes import Answers, Choice, Path, Space

LEAST_WEIGHT = 1e-6  # of the largest, for what is believed: even what nobody believes in has a logarithm
Weights = Sequence[float] | Mapping[str, float]


class Prior:
    """Weights for the options of questions.

    Args:
        weights: by path or glob pattern (``"/architecture/*/mixer"``; ``*`` also crosses slashes); the first that
            matches counts. A sequence has one weight an option; a mapping goes by label, and options that it does
            not name weigh 1. Weights need not sum to one.
        belief: what of it somebody believes, where the rest only says how to draw; None for all of it.
    """

    def __init__(self, weights: Mapping[Path, Weights], belief: "Prior | None" = None) -> None:
        self._weights = dict(weights)
        self._belief = belief
        self._patterns = [key for key in self._weights if any(c in key for c in "*?[")]
        self._known: dict[Path, Weights | None] = {}

    def weights(self, path: Path, question: Choice) -> list[float] | None:
        """One weight an option, or None where the prior is silent.

        Raises:
            SpaceError: the weights do not fit the question's options.
        """
        if path not in self._known:
            self._known[path] = self._find(path)
        found = self._known[path]
        if found is None:
            return None
        labels = question.labels()
        if isinstance(found, Mapping):
            if unknown := sorted(found.keys() - set(labels)):
                raise SpaceError(f"The prior at {path} weighs {', '.join(unknown)}; the options: {', '.join(labels)}.")
            values = [float(found.get(label, 1.0)) for label in labels]
        else:
            values = [float(weight) for weight in found]
        if len(values) != len(labels) or min(values) < 0 or not 0 < sum(values) < float("inf"):
            raise SpaceError(
                f"The prior at {path} has the weights {values}. It takes one for each of {', '.join(labels)}, "
                "none negative and not all zero."
            )
        return values

    def _find(self, path: Path) -> Weights | None:
        if path in self._weights:
            return self._weights[path]
        return next((self._weights[key] for key in self._patterns if fnmatchcase(path, key)), None)

    @property
    def belief(self) -> "Prior | None":
        """What somebody believes to be good; None where nothing is believed."""
        belief = self._belief or self
        return belief if belief._weights else None

    def as_data(self) -> dict[str, Any]:
        return {key: dict(w) if isinstance(w, Mapping) else list(w) for key, w in self._weights.items()}

    @staticmethod
    def from_data(data: Mapping[str, Any]) -> "Prior":
        return Prior(data)


def by_size(space: Space, given: "Mapping[Path, Weights] | None" = None) -> Prior:
    """A prior by which an unordered option weighs one more than the logarithm of the number of its values.

    Drawn evenly, a kind with a dozen variants gets as many draws as one with a million beside it.

    Args:
        given: weights that go before these.
    """
    unordered = {path: question for path, question in questions(space).items() if not question.ordered}
    sizes: dict[Path, Weights] = {p: [1 + log2(size(o)) for o in q.options] for p, q in unordered.items()}
    return Prior(sizes | dict(given or {}), Prior({}))


def log_beliefs(space: Space, known: Answers, belief: Prior) -> list[float]:
    """For each question that `belief` speaks of: the log of how much likelier the answer is than the average one."""
    asked = questions(space)
    found = ((index, belief.weights(path, asked[path])) for path, index in known.items())
    return [log(max(w[i], LEAST_WEIGHT * max(w)) * len(w) / sum(w)) for i, w in found if w]

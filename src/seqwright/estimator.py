"""A scikit-learn classifier of texts whose `fit` is a whole search; it travels as the bytes of its bundle."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from seqwright import api
from seqwright.data.profile import missing
from seqwright.deliver import bundle
from seqwright.errors import InputError


class TextClassifier(ClassifierMixin, BaseEstimator):
    """Finds the best sequence model for texts within a budget.

    Args:
        budget: of one `fit`: "10m", "90s", "50trials".
        random_state: seed of everything drawn; None is 0, so that results repeat.
        metric: what the search raises; None for accuracy.
        space: a named space or a JSON file; None for the task's own.
        options: any other of `seqwright.deliver.options.Options`, as a dict.
        folder: where each fit puts a run folder of its own (`fit-1`, `fit-2`, ...); None for a temporary one.

    X is a sequence of str: a list, an array or a pandas Series. No test split is sealed, for whoever holds the
    estimator holds out data of their own; a tenth is validation (folds, under about 1,000 rows).

    >>> from seqwright import TextClassifier
    >>> TextClassifier(budget="2m")
    TextClassifier(budget='2m')
    """

    def __init__(
        self,
        budget: str = "10m",
        *,
        random_state: "int | None" = None,
        metric: "str | None" = None,
        space: "str | None" = None,
        options: "dict[str, Any] | None" = None,
        folder: "str | Path | None" = None,
    ) -> None:
        self.budget = budget
        self.random_state = random_state
        self.metric = metric
        self.space = space
        self.options = options
        self.folder = folder

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "TextClassifier":
        """Search for the best model of `y` (N,) given texts `X` (N,).

        Raises:
            InputError: not texts, unequal lengths, or fewer than two classes.
        """
        texts = texts_of(X)
        if y is None:
            raise InputError("requires y to be passed, but the target y is None.")
        y = np.asarray(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.ndim != 1 or len(y) != len(texts):
            raise InputError(f"There are {len(texts)} texts, but y has shape {y.shape}. Give one label for each text.")
        check_classification_targets(y)  # numbers to predict are no classes: scikit-learn says so in its own words
        classes, numbers = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise InputError(f'y has one class only ("{classes[0]}"): there is nothing to tell apart.')
        names = names_of(classes)
        columns: dict[str, Any] = {"text": texts, "label": [names[i] for i in numbers]}
        options: dict[str, Any] = {
            "split": (90.0, 10.0, 0.0),
            **(self.options or {}),
            "task": "text-classification",
            "text": "text",
            "target": "label",
            "budget": self.budget,
            "seed": _seed(self.random_state),
            "metric": self.metric or "",
            "space": self.space or "",
        }
        if sample_weight is not None:
            weights = np.asarray(sample_weight, dtype=float)
            if weights.shape != y.shape:
                raise InputError(f"sample_weight has shape {weights.shape}, but y has {y.shape}.")
            if not weights.any():
                raise InputError("sample_weight is zero for every text. Give at least some a weight above zero.")
            columns["weight"] = weights.tolist()
            options["weight"] = "weight"
        with _run_folder(self.folder) as folder:
            api.fit(columns, folder=folder, **options)
            model = bundle.load(Path(folder) / "best")
            self.bundle_ = model.to_bytes()
        self._model = None
        self._opened()  # now, for predicting may change nothing of an estimator
        # The model knows classes by name; their order there may differ from that of `classes_`.
        order = {name: i for i, name in enumerate(model.task.labels)}
        self._columns = np.array([order[name] for name in names])
        self.classes_ = classes
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """(N, C) probabilities, columns in the order of `classes_`."""
        check_is_fitted(self)
        _, probabilities = api.predict(self._opened(), {"text": texts_of(X)})
        return np.asarray(probabilities, dtype=float)[:, self._columns]

    def predict(self, X: Any) -> np.ndarray:
        """(N,) classes."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def _opened(self) -> Any:
        if self._model is None:
            with tempfile.TemporaryDirectory(prefix="seqwright-") as folder:
                self._model = bundle.from_bytes(self.bundle_, Path(folder) / "best")
        return self._model

    def __getstate__(self) -> "dict[str, Any]":
        """The parameters and the bundle's bytes; the opened model is left out, and opened again when wanted."""
        state: Any = super().__getstate__()
        return state | {"_model": None} if "_model" in state else state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        tags.non_deterministic = True  # where the budget is time, a busier machine tries fewer candidates
        return tags


def texts_of(X: Any) -> list[str]:
    """The texts in a list, an array or a Series; missing ones are empty.

    Raises:
        InputError: X is one string, empty, not one-dimensional, or holds something else than texts.
    """
    if isinstance(X, str):
        raise InputError("X is one string. Give a list of texts.")
    array = np.asarray(X, dtype=object) if not hasattr(X, "to_numpy") else X.to_numpy()
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(f"X has shape {array.shape}; texts are one-dimensional. Give one column, as in X[:, 0].")
    if not len(array):
        raise InputError("X holds no texts: 0 samples. At least two of each class are needed.")
    cells = ["" if cell is None or cell != cell else cell for cell in array.tolist()]
    if wrong := next((cell for cell in cells if not isinstance(cell, str)), None):
        raise InputError(f"X holds {wrong!r}, which is {type(wrong).__name__} and no text. Give strings.")
    return cells


def names_of(classes: np.ndarray) -> list[str]:
    """A name for each class: as it prints, or "class 0" and so on where a data file could not hold that."""
    names = [str(c).strip() for c in classes.tolist()]
    if len(set(names)) == len(names) and not any(missing(name) for name in names):
        return names
    return [f"class {i}" for i in range(len(names))]


def _seed(random_state: Any) -> int:
    if random_state is None:
        return 0
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(random_state.randint(2**31))  # a numpy RandomState, as scikit-learn allows


def _run_folder(parent: "str | Path | None") -> Any:
    from contextlib import nullcontext

    if parent is None:
        return tempfile.TemporaryDirectory(prefix="seqwright-")
    number = 1
    while True:
        folder = Path(parent) / f"fit-{number}"
        try:
            folder.mkdir(parents=True)
            return nullcontext(folder)
        except FileExistsError:
            number += 1

"""The scikit-learn estimator: its contract, its travels, and scikit-learn's own checks."""

import pickle
from pathlib import Path

import numpy as np
import pandas
import pytest
from commands import sentences
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import estimator_checks_generator
from worded import WordedClassifier

from seqwright import InputError, TextClassifier

TEXTS, LABELS = map(list, zip(*sentences(40), strict=True))
QUICK = {"budget": "1trial", "space": "tiny", "options": {"single": True, "workers": 1}}


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> TextClassifier:
    folder = tmp_path_factory.mktemp("kept")
    numbers = np.array([10 if label == "music" else 9 for label in LABELS])  # as text, 10 comes before 9
    classifier = TextClassifier(**QUICK, folder=folder)
    return classifier.fit(pandas.Series(TEXTS), numbers, sample_weight=np.ones(len(TEXTS)))


def test_classes_are_the_users_own_and_in_order(fitted: TextClassifier) -> None:
    assert fitted.classes_.tolist() == [9, 10]
    found = fitted.predict_proba(["guitar drum", "bread soup"])
    assert found.shape == (2, 2)
    assert np.allclose(found.sum(1), 1.0, atol=1e-5)
    assert fitted.predict(np.array(["guitar drum", "bread soup"], dtype=object)).tolist() == [10, 9]
    assert fitted.score(TEXTS, [10 if label == "music" else 9 for label in LABELS]) > 0.9


def test_each_fit_has_a_folder_of_its_own(fitted: TextClassifier) -> None:
    assert fitted.folder is not None
    assert [path.name for path in Path(fitted.folder).iterdir()] == ["fit-1"]
    assert Path(fitted.folder, "fit-1", "best", "manifest.json").exists()


def test_it_travels_as_the_bytes_of_its_bundle(fitted: TextClassifier) -> None:
    packed = pickle.dumps(fitted)
    assert b"torch" not in packed
    again = pickle.loads(packed)
    assert np.array_equal(again.predict_proba(TEXTS[:5]), fitted.predict_proba(TEXTS[:5]))
    assert not hasattr(clone(fitted), "bundle_")


def test_in_a_pipeline_and_cross_validation() -> None:
    lower = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    pipeline = Pipeline([("lower", lower), ("classify", TextClassifier(**QUICK))])
    scores = cross_val_score(pipeline, [text.upper() for text in TEXTS], LABELS, cv=2, error_score="raise")
    assert scores.min() > 0.7


@pytest.mark.parametrize(
    ("X", "y", "said"),
    [
        ("text", ["a"], "X is one string. Give a list of texts."),
        ([], [], "X holds no texts: 0 samples."),
        ([1, 2], ["a", "b"], "X holds 1, which is int and no text. Give strings."),
        (["a", "b"], ["x"], r"There are 2 texts, but y has shape \(1,\). Give one label for each text."),
        (["a", "b"], ["x", "x"], r'y has one class only \("x"\)'),
        (["a", "b"], None, "requires y to be passed, but the target y is None."),
        (np.array([["a", "b"]]), ["x"], r"X has shape \(1, 2\); texts are one-dimensional."),
    ],
)
def test_what_is_no_data(X: object, y: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        TextClassifier(**QUICK).fit(X, y)


def test_it_must_be_fitted_first() -> None:
    with pytest.raises(NotFittedError):
        TextClassifier().predict(["a"])


# scikit-learn's own checks --------------------------------------------------------------------------------------------
# Every fit is a search of seconds, so the everyday suite runs the checks that need none. scikit-learn gives an
# estimator of texts only the first of them, for all others are of numbers; `WordedClassifier` makes sentences of those.

WITHOUT_FIT = {
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_mixin_order",
    "check_do_not_raise_errors_in_init_or_set_param",
    "check_estimators_unfitted",
    "check_all_zero_sample_weights_error",
    "check_complex_data",
    "check_classifiers_regression_target",
}


def _checks(worded: bool) -> "list[tuple[str, object, object]]":
    if not worded:
        with pytest.warns(UserWarning, match="Can't test estimator TextClassifier"):
            found = list(estimator_checks_generator(TextClassifier(**QUICK)))
    else:
        found = list(estimator_checks_generator(WordedClassifier(**QUICK)))
    return [(getattr(check, "func", check).__name__, estimator, check) for estimator, check in found]


def test_the_checks_that_scikit_learn_has_for_texts() -> None:
    checks = _checks(worded=False)
    assert checks
    for _, estimator, check in checks:
        check(estimator)  # type: ignore[operator]


QUICK_CHECKS = [given for given in _checks(worded=True) if given[0] in WITHOUT_FIT]


@pytest.mark.parametrize(("name", "estimator", "check"), QUICK_CHECKS, ids=[given[0] for given in QUICK_CHECKS])
def test_checks_without_a_search(name: str, estimator: object, check: object) -> None:
    check(estimator)  # type: ignore[operator]


EXCEPTIONS = {
    "check_sample_weight_equivalence_on_dense_data": "a weight of 2 is not a row twice: folds and batches are of rows",
    "check_sample_weight_equivalence_on_sparse_data": "as on dense data; and texts are never sparse",
    "check_classifiers_train": "asks for .83 accuracy on blobs, whose coordinates become words of half a unit each",
}
SEARCHING = [given for given in _checks(worded=True) if given[0] not in WITHOUT_FIT]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "estimator", "check"), SEARCHING, ids=[given[0] for given in SEARCHING])
def test_checks_with_a_search(name: str, estimator: object, check: object, request: pytest.FixtureRequest) -> None:
    if name in EXCEPTIONS:
        request.applymarker(pytest.mark.xfail(reason=EXCEPTIONS[name]))
    check(estimator)  # type: ignore[operator]

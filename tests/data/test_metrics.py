"""Each metric against scikit-learn's or a hand count; every metric is a function of sums."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from seqwright.data.bio import best_legal, is_bio, spans, transitions
from seqwright.data.metrics import Accuracy, MacroF1, Mcc, SpanF1, TokenAccuracy, score
from seqwright.errors import DataError

LABELS = ("O", "B-per", "I-per", "B-loc", "I-loc")
classes_of = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40)


@given(classes_of)
@settings(max_examples=60, deadline=None)
def test_agrees_with_scikit_learn(pairs):
    predicted, true = np.array(pairs).T
    assert score(Accuracy(), predicted, true) == pytest.approx(sk.accuracy_score(true, predicted))
    assert score(MacroF1(4), predicted, true) == pytest.approx(sk.f1_score(true, predicted, average="macro"))
    if len(set(true)) > 1 or len(set(predicted)) > 1:
        assert score(Mcc(4), predicted, true) == pytest.approx(sk.matthews_corrcoef(true, predicted), abs=1e-12)


def test_weights_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    predicted, true, weights = rng.integers(0, 3, 9000), rng.integers(0, 3, 9000), rng.random(9000)
    got = score(MacroF1(3), predicted, true, weights)
    assert got == pytest.approx(sk.f1_score(true, predicted, average="macro", sample_weight=weights))


@pytest.mark.parametrize("metric", [Accuracy(), MacroF1(3), Mcc(3)])
def test_unknown_targets_count_nowhere(metric):
    assert score(metric, [0, 1, 2, 1], [0, 1, -1, 2]) == pytest.approx(score(metric, [0, 1, 1], [0, 1, 2]))


@pytest.mark.parametrize("metric", [Accuracy(), MacroF1(3), Mcc(3)])
def test_nothing_known_is_zero_and_not_nan(metric):
    assert score(metric, [0, 1], [-1, -1]) == 0.0


def test_one_class_only_has_no_correlation():
    assert score(Mcc(2), [0, 0, 0], [0, 1, 0]) == 0.0


def test_class_beyond_the_labels_is_refused():
    with pytest.raises(DataError, match=r"A prediction is class 3, but there are 3 classes \(0 to 2\)\."):
        MacroF1(3).statistics([3], [0])


def test_unequal_counts_are_refused():
    with pytest.raises(DataError, match="2 predictions cannot be scored against 3 targets"):
        Accuracy().statistics([0, 1], [0, 1, 1])


def test_token_accuracy_counts_a_truncated_prediction_as_wrong():
    targets = [np.array([0, 1, 1, -1]), np.array([2])]
    predictions = [np.array([0, 1]), np.array([2])]
    assert TokenAccuracy().statistics(predictions, targets).tolist() == [[2, 3], [1, 1]]
    assert score(TokenAccuracy(), predictions, targets) == pytest.approx(3 / 4)


def test_a_prediction_longer_than_its_sentence_is_refused():
    with pytest.raises(DataError, match="Sentence 0 has 2 predicted tags for 1 tokens"):
        TokenAccuracy().statistics([[0, 0]], [[0]])


@pytest.mark.parametrize(
    "tags, expected",
    [
        ("O O", []),
        ("B-per I-per O", [(0, 2, "per")]),
        ("B-per B-per I-per", [(0, 1, "per"), (1, 3, "per")]),
        ("I-loc I-loc O I-loc", [(0, 2, "loc"), (3, 4, "loc")]),
        ("B-per I-loc I-per", [(0, 1, "per"), (1, 2, "loc"), (2, 3, "per")]),
        ("", []),
    ],
)
def test_spans(tags, expected):
    assert sorted(spans(tags.split())) == expected


def test_span_f1_by_hand():
    true = [np.array([1, 2, 0, 3]), np.array([0, 0])]  # per(0,2) loc(3,4); none
    predicted = [np.array([1, 2, 0, 1]), np.array([0, 3])]  # per(0,2) per(3,4); loc(1,2)
    assert SpanF1(LABELS).statistics(predicted, true).tolist() == [[1, 2, 2], [0, 1, 0]]
    assert score(SpanF1(LABELS), predicted, true) == pytest.approx(2 * 1 / (3 + 2))


def test_a_truncated_sentence_loses_its_last_span():
    assert SpanF1(LABELS).statistics([[1, 2]], [[1, 2, 0, 3, 4]]).tolist() == [[1, 1, 2]]


def test_span_f1_agrees_with_seqeval():
    seqeval = pytest.importorskip("seqeval.metrics")
    rng = np.random.default_rng(1)
    true = [rng.integers(0, 5, rng.integers(1, 12)) for _ in range(200)]
    predicted = [np.where(rng.random(len(t)) < 0.7, t, rng.integers(0, 5, len(t))) for t in true]
    names = [[[LABELS[c] for c in row] for row in rows] for rows in (true, predicted)]
    assert score(SpanF1(LABELS), predicted, true) == pytest.approx(seqeval.f1_score(*names))


def test_is_bio():
    assert is_bio(LABELS) and is_bio(["B-x", "I-x"]) and is_bio(["I-x", "O"])
    assert not is_bio(["O"]) and not is_bio(["NOUN", "O"]) and not is_bio(["B-", "O"]) and not is_bio(["S-x", "B-x"])


@given(st.integers(0, 10_000), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_best_legal_is_the_best_of_all_legal_sequences(seed, steps):
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(5) * 0.4, steps)
    legal = transitions(LABELS)
    every = np.stack(np.meshgrid(*[np.arange(5)] * steps, indexing="ij"), -1).reshape(-1, steps)
    previous = np.concatenate([np.full((len(every), 1), -1), every[:, :-1]], 1)
    allowed = every[legal[previous, every].all(1)]
    chance = np.log(np.maximum(probabilities, 1e-30))[np.arange(steps), allowed].sum(1)
    assert best_legal(probabilities, legal).tolist() == allowed[chance.argmax()].tolist()


def test_transitions_forbid_only_what_bio_forbids():
    legal = transitions(LABELS)
    assert legal[1, 2] and legal[2, 2] and not legal[0, 2] and not legal[3, 2] and not legal[-1, 2]
    assert legal[:, 0].all() and legal[:, 1].all()
    assert transitions(("O", "I-per")).all()  # IOB1: no B- to ask for

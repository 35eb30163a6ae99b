"""Every baseline: learns what is there, keeps to its contract on odd data, honours weights, keeps its time."""

import time

import numpy as np
import pytest

from seqwright.data import examples as data
from seqwright.data.metrics import SpanF1, score
from seqwright.tasks.baselines.kernel_ridge import kernel_ridge
from seqwright.tasks.baselines.linear_tagger import features, linear_tagger
from seqwright.tasks.baselines.linear_text import linear_text
from seqwright.tasks.baselines.majority import majority, word_majority
from seqwright.tasks.baselines.nearest import nearest
from seqwright.tasks.baselines.series_features import simple_features, stretch
from seqwright.tasks.baselines.shares import all_classes, stratified_order
from seqwright.tasks.baselines.trees import trees
from seqwright.tasks.registry import kinds, task_of


def made(inputs, targets=None, weights=None):
    return data.Examples(inputs, targets, weights, rows=np.arange(len(next(iter(inputs.values())))))


WORDS = ["red", "green", "blue", "round", "square", "small", "big", "old", "new", "fast"]


def texts(count, seed, classes=3):
    """The class is the first of `classes` key words that the text holds."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, classes, count)
    return [f"{' '.join(rng.choice(WORDS, 6))} key{t} {rng.choice(WORDS)}" for t in targets], targets


def text_data(count, seed):
    given, targets = texts(count, seed)
    return made({"text": given}, targets)


def pair_data(count, seed):
    """Whether both sides name the same key."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 12, count), rng.integers(0, 12, count)
    b = np.where(rng.random(count) < 0.5, a, b)
    side = [[f"{rng.choice(WORDS)} key{k} {rng.choice(WORDS)}" for k in keys] for keys in (a, b)]
    return made({"a": side[0], "b": side[1]}, (a == b).astype(int))


def tag_data(count, seed):
    """A token after "the" is 1, else its own: "run" is 2 (but 1 after "the")."""
    rng = np.random.default_rng(seed)
    sentences = [rng.choice(["the", "run", "cat", "Dog"], rng.integers(1, 9)).tolist() for _ in range(count)]
    tags = [
        np.array([1 if i and s[i - 1] == "the" else 2 if s[i] == "run" else 0 for i in range(len(s))])
        for s in sentences
    ]
    return made({"tokens": sentences}, tags)


def series_data(count, seed, classes=3):
    """The class is the frequency; lengths differ; two channels of unlike scale."""
    rng = np.random.default_rng(seed)
    targets = np.arange(count) % classes
    series = []
    for t in targets:
        steps = np.arange(rng.integers(30, 50))
        wave = np.sin(steps * (0.3 + 0.4 * t) + rng.uniform(0, 6))
        series.append(np.stack([wave, 100 + 20 * rng.normal(size=len(steps))], -1).astype(np.float32))
    return made({"series": series}, targets)


MADE = {
    "text-classification": text_data,
    "text-pairs": pair_data,
    "tagging": tag_data,
    "series-classification": series_data,
}
ALL = [(kind, b.name) for kind in kinds() if kind in MADE for b in task_of(kind)(("a", "b", "c")).baselines()]


def baseline(kind, name):
    return next(b for b in task_of(kind)(("a", "b", "c")).baselines() if b.name == name)


def learn(rival, train, seconds=30.0):
    said = []
    return rival.fit(train, seconds, said.append), said


def right(predict, test):
    return np.mean(np.argmax(predict(test), -1) == test.targets)


def check_probabilities(kind, given, examples):
    rows = np.concatenate(given) if kind == "tagging" else given
    assert rows.shape == (sum(map(len, examples.inputs["tokens"])) if kind == "tagging" else len(examples), 3)
    assert np.isfinite(rows).all() and (rows >= 0).all()
    np.testing.assert_allclose(rows.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("kind, name", ALL)
def test_gives_probabilities_and_the_same_ones_again(kind, name):
    train, test = MADE[kind](120, 0), MADE[kind](30, 1)
    given = learn(baseline(kind, name), train)[0](test)
    check_probabilities(kind, given, test)
    again = learn(baseline(kind, name), train)[0](test)
    for one, other in zip(given, again, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind, name", ALL)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_learns_from_next_to_nothing(kind, name, count):
    train, test = MADE[kind](count, 0), MADE[kind](7, 1)
    check_probabilities(kind, learn(baseline(kind, name), train)[0](test), test)


@pytest.mark.parametrize("kind, name", ALL)
def test_predicts_no_rows_as_no_rows(kind, name):
    predict, _ = learn(baseline(kind, name), MADE[kind](60, 0))
    assert len(predict(MADE[kind](5, 1).take([]))) == 0


def test_linear_text_learns_words_and_picks_a_penalty():
    predict, said = learn(linear_text(3, ["text"]), text_data(400, 0))
    assert right(predict, text_data(200, 1)) > 0.98 and not said


def test_linear_text_sees_what_a_pair_shares():
    predict, _ = learn(linear_text(2, ["a", "b"]), pair_data(600, 0))
    assert right(predict, pair_data(300, 1)) > 0.8  # each side alone says nothing: about 0.5


def test_linear_text_of_empty_texts_is_the_majority():
    train = made({"text": ["", " ", ""]}, np.array([1, 1, 0]))
    np.testing.assert_allclose(learn(linear_text(2, ["text"]), train)[0](train), [[1 / 3, 2 / 3]] * 3)


def test_linear_text_takes_fewer_rows_when_time_is_short_and_says_so():
    given, targets = texts(6000, 0, 40)
    train = made({"text": given}, targets)
    started = time.perf_counter()
    predict, said = learn(linear_text(40, ["text"]), train, 0.1)
    assert time.perf_counter() - started < 10
    assert said and said[0].startswith("trained on ") and "of 6000 rows" in said[0]
    assert predict(train.take(range(9))).shape == (9, 40)


def test_linear_tagger_sees_the_neighbours_that_word_majority_does_not():
    train, test = tag_data(400, 0), tag_data(200, 1)

    def accuracy(rival):
        given = learn(rival, train)[0](test)
        return np.mean(np.concatenate([p.argmax(-1) for p in given]) == np.concatenate(test.targets))

    assert accuracy(linear_tagger(3)) > 0.98 > 0.95 > accuracy(word_majority(3))


def test_linear_tagger_stops_in_time_and_says_so():
    train = tag_data(60_000, 0)
    started = time.perf_counter()
    predict, said = learn(linear_tagger(3), train, 0.01)
    assert time.perf_counter() - started < 10
    assert said and "of 60000 sentences" in said[0]
    check_probabilities("tagging", predict(train.take(range(5))), train.take(range(5)))


def test_features_of_a_token_do_not_depend_on_other_sentences():
    alone, beside = features([["the", "Cat"]]), features([["x"], ["the", "Cat"], ["y", "z"]])
    assert (alone != beside[1:3]).nnz == 0


def test_an_empty_sentence_has_no_tags():
    predict, _ = learn(linear_tagger(3), tag_data(50, 0))
    given = predict(made({"tokens": [["the"], [], ["cat", "run"], []]}))
    assert [p.shape for p in given] == [(1, 3), (0, 3), (2, 3), (0, 3)]


def test_word_majority_knows_words_then_their_lower_case_then_the_whole():
    train = made({"tokens": [["Bill", "bill", "bill", "is", "is"]]}, [np.array([0, 1, 1, 2, -1])])
    given = learn(word_majority(3), train)[0](made({"tokens": [["Bill", "bill", "BILL", "new"]]}))[0]
    np.testing.assert_allclose(given, [[1, 0, 0], [0, 1, 0], [1 / 3, 2 / 3, 0], [1 / 4, 1 / 2, 1 / 4]])


def test_word_majority_scores_spans():
    labels = ("O", "B-x")
    train = made({"tokens": [["a", "b"], ["b", "c"]]}, [np.array([0, 1]), np.array([1, 0])])
    predict, _ = learn(word_majority(2), train)
    assert score(SpanF1(labels), task_of("tagging")(labels).decode(predict(train)), train.targets) == 1.0


@pytest.mark.parametrize("rival, least", [(nearest(3), 0.5), (trees(3), 0.9), (kernel_ridge(3), 0.95)])
def test_series_rivals_tell_frequencies_apart(rival, least):
    predict, _ = learn(rival, series_data(150, 0))
    assert right(predict, series_data(90, 1)) >= least


def test_nearest_is_the_nearest():
    train, test = series_data(40, 0), series_data(25, 1)
    test = made({"series": [stretch(s, 40).astype(np.float32) for s in test.inputs["series"]]}, test.targets)
    train = made({"series": [stretch(s, 40).astype(np.float32) for s in train.inputs["series"]]}, train.targets)
    known = np.stack(train.inputs["series"]).astype(float)
    centre, spread = known.mean((0, 1)), known.std((0, 1))
    distance = [[np.sum(((a - b) / spread) ** 2) for b in known] for a in np.stack(test.inputs["series"])]
    assert centre.shape == (2,)
    given = learn(nearest(3), train)[0](test).argmax(-1)
    assert given.tolist() == train.targets[np.argmin(distance, 1)].tolist()


def test_series_with_gaps_and_of_one_step():
    odd = [np.full((1, 2), np.nan, np.float32), np.array([[1, np.nan], [np.nan, 2], [3, 4]], np.float32)]
    rows = simple_features(odd)
    assert rows.shape[0] == 2 and np.isfinite(rows).all()
    assert stretch(odd[1], 3)[:, 0].tolist() == [1, 2, 3]
    train = series_data(30, 0)
    for rival in (nearest(3), trees(3), kernel_ridge(3)):
        predict, _ = learn(rival, train)
        check_probabilities("series", predict(made({"series": odd})), made({"series": odd}))


@pytest.mark.parametrize("rival", [majority(2), linear_text(2, ["text"])])
def test_weights_decide_where_labels_disagree(rival):
    train = made({"text": ["same words"] * 40}, np.arange(40) % 2)
    for heavy in (0, 1):
        weighted = made(train.inputs, train.targets, np.where(train.targets == heavy, 5.0, 1.0).astype(np.float32))
        assert learn(rival, weighted)[0](train)[0].argmax() == heavy


def test_a_beginning_of_the_stratified_order_has_every_class():
    targets = np.repeat([0, 1, 2], [900, 90, 10])
    order = stratified_order(targets)
    assert sorted(order.tolist()) == list(range(1000))
    assert set(targets[order[:3]]) == {0, 1, 2}
    np.testing.assert_allclose(np.bincount(targets[order[:200]]), [180, 18, 2], atol=1)


def test_classes_that_training_lacks_have_no_probability():
    assert all_classes(np.array([[0.3, 0.7]]), np.array([0, 2]), 4).tolist() == [[0.3, 0, 0.7, 0]]

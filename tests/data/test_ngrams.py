"""The n-gram bag equals scikit-learn's TF-IDF where both split alike, and serves a linear model as well."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from seqwright.data import ngram_counts
from seqwright.data.ngrams import NgramBag
from seqwright.data.words import Corpus

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "text"


def matrix(bag: NgramBag, texts: list[str]) -> csr_matrix:
    ids, weights = bag.encode(Corpus(texts))
    return csr_matrix((weights.values, ids.values, ids.offsets), shape=(len(texts), bag.rows))


def sentences(n: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list("abcdef"), rng.integers(2, 9))) for _ in range(60)]
    return [" ".join(rng.choice(words, rng.integers(1, 15))) for _ in range(n)]


@pytest.mark.parametrize("at_once", [4_000_000, 50])
def test_weights_are_those_of_tfidf(monkeypatch: pytest.MonkeyPatch, at_once: int):
    from sklearn.feature_extraction.text import TfidfVectorizer

    monkeypatch.setattr(ngram_counts, "AT_ONCE", at_once)
    train, test = sentences(80, 0), [*sentences(40, 0)[20:], "zzz unseen abc"]
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)).fit(train)
    characters = TfidfVectorizer(sublinear_tf=True, analyzer="char_wb", ngram_range=(2, 5)).fit(train)
    bag = NgramBag.fit(Corpus(train), most=1_000_000)
    assert len(bag.grams) == len(words.vocabulary_) + len(characters.vocabulary_)
    ours = matrix(bag, test).toarray()
    for vectorizer, family in ((words, "w:"), (characters, "c:")):
        theirs = vectorizer.transform(test).toarray()
        for gram, column in vectorizer.vocabulary_.items():
            np.testing.assert_allclose(ours[:, bag.row(family + gram)], theirs[:, column], atol=1e-5)


def test_the_most_frequent_keep_their_rows():
    texts = ["alpha beta", "alpha gamma", "alpha beta"]
    bag = NgramBag.fit(Corpus(texts), most=40)
    assert len(bag.grams) == 40
    assert bag.row("w:alpha") and bag.row("w:beta")
    assert not bag.row("w:alpha gamma")
    assert bag == NgramBag.fit(Corpus(texts), most=40)


def test_state_is_json():
    bag = NgramBag.fit(Corpus(sentences(30, 1)), most=200, sides=2)
    again = NgramBag.from_data(json.loads(json.dumps(bag.as_data())))
    assert again == bag
    assert again.stream() == bag.stream()


def test_a_text_of_unknown_ngrams_is_empty():
    bag = NgramBag.fit(Corpus(["one two", "two three"]))
    ids, weights = bag.encode(Corpus(["", "龍", "one"]))
    assert ids.lengths[:2].tolist() == [0, 0]
    assert ids.lengths[2] > 0
    assert np.isfinite(weights.values).all()


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data sets are not here")
@pytest.mark.parametrize(("name", "least"), [("trec6", 0.885), ("sst2", 0.82)])
def test_a_linear_model_on_the_bag_is_the_strong_baseline(name: str, least: float):
    from sklearn.linear_model import LogisticRegression

    def read(file: str) -> tuple[list[str], list[str]]:
        lines = (SHARED / name / file).read_text(encoding="utf-8").splitlines()
        rows = [line.split("\t") for line in lines]
        rows = rows[1:] if rows[0][0] == "label" else rows
        return [row[0] for row in rows], [row[1] for row in rows]

    labels, texts = read("train.tsv")
    test_labels, test_texts = read("test.tsv")
    bag = NgramBag.fit(Corpus(texts))
    model = LogisticRegression(C=10, max_iter=300).fit(matrix(bag, texts), labels)
    assert model.score(matrix(bag, test_texts), test_labels) >= least

"""Preparation: the same arrays after a JSON round trip, for every kind of input and for texts nobody expects."""

import json
import time

import numpy as np
import pytest

from seqwright.arch.interface import SEPARATOR, UNKNOWN
from seqwright.data.batch import collate
from seqwright.data.examples import Encoded, Examples, Ragged
from seqwright.data.prepare import Preparation
from seqwright.data.sides import joined
from seqwright.data.word_characters import case, shape
from seqwright.data.words import Corpus, WordIds, split
from seqwright.errors import BundleError, InputError

TEXT = ("words", "subwords", "characters", "word_characters", "ngrams")
SENTENCES = ["The cat sat on the mat.", "A dog! Sat on the cat?", "Birds sing; the dog listens", "cats and dogs"] * 5
ODD = [
    "",
    "   ",
    "\x00\x01",
    "😀👩‍👩‍👧💕",
    "日本語のテキスト",
    "नमस्ते दुनिया",
    "x" * 50_000,
    "a b " * 12_500,
    "\ud800",
    "e\u0301",
]


def texts(values: list[str]) -> Examples:
    return Examples({"text": values}, np.arange(len(values)) % 2, rows=np.arange(len(values)))


def same(a: Encoded, b: Encoded) -> bool:
    def equal(x: object, y: object) -> bool:
        if isinstance(x, Ragged) and isinstance(y, Ragged):
            return np.array_equal(x.values, y.values) and np.array_equal(x.offsets, y.offsets)
        return np.array_equal(x, y)  # type: ignore[arg-type]

    return list(a.streams) == list(b.streams) and all(equal(a.streams[k], b.streams[k]) for k in a.streams)


def again(preparation: Preparation) -> Preparation:
    return Preparation.from_data(json.loads(json.dumps(preparation.as_data())), preparation.tokenizer_json())


def series(n: int = 8) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(10 + i, 2)).astype(np.float32) for i in range(n)]


CASES = {
    "text": (texts(SENTENCES), TEXT, 1),
    "pairs": (Examples({"a": SENTENCES, "b": SENTENCES[::-1]}), TEXT, 2),
    "tokens": (Examples({"tokens": [split(s) for s in SENTENCES]}), ("words", "word_characters"), 1),
    "series": (Examples({"series": series()}), ("channels", "kernels"), 1),
}


@pytest.mark.parametrize("name", CASES)
def test_state_survives_as_json(name: str):
    examples, streams, sides = CASES[name]
    preparation = Preparation.fit(examples, streams, sides=sides)
    copy = again(preparation)
    assert same(copy.encode(examples), preparation.encode(examples))
    assert copy.interface(3) == preparation.interface(3)
    assert Preparation.fit(examples, streams, sides=sides).as_data() == preparation.as_data()
    assert Preparation.fit(examples, streams, sides=sides).tokenizer_json() == preparation.tokenizer_json()


@pytest.mark.parametrize("name", CASES)
def test_batches_are_what_the_interface_says(name: str):
    examples, streams, sides = CASES[name]
    preparation = Preparation.fit(examples, streams, sides=sides)
    interface = preparation.interface(3)
    batch = collate(preparation.encode(examples), np.arange(5))
    assert interface.sides == sides
    for stream_name, stream in interface.streams:
        array = batch[stream_name]
        if stream.form in ("tokens", "characters", "bag"):
            assert array.dtype == np.int64 and array.min() >= 0 and array.max() < stream.size
        if stream.form in ("tokens", "characters", "channels"):
            assert array.shape[1] <= stream.length
            assert batch[stream_name + ".mask"].any(1).all()
        if stream.form in ("features", "channels"):
            assert array.shape[-1] == stream.size
    assert (f"{streams[0]}.a" in batch) == (sides == 2)


def test_odd_texts_encode_to_at_least_one_step_and_fast():
    preparation = Preparation.fit(texts(SENTENCES), TEXT)
    began = time.perf_counter()
    encoded = preparation.encode(texts(ODD))
    assert time.perf_counter() - began < 2
    for name in ("words", "subwords", "characters", "word_characters"):
        assert encoded.streams[name].lengths.min() == 1
        assert encoded.streams[name].lengths.max() <= preparation.interface(2).stream(name).length
    assert encoded.streams["words"][0].tolist() == [UNKNOWN]
    assert encoded.streams["word_characters"][0][0, 0] == UNKNOWN
    assert np.isfinite(encoded.streams["ngrams.weight"].values).all()


def test_odd_texts_can_be_trained_on():
    preparation = Preparation.fit(texts(ODD), TEXT)
    assert same(again(preparation).encode(texts(ODD)), preparation.encode(texts(ODD)))
    assert Preparation.fit(texts(["", ""]), TEXT).encode(texts(["", "new"])).streams["words"].lengths.tolist() == [1, 1]


def test_a_text_means_the_same_in_any_company():
    preparation = Preparation.fit(texts(SENTENCES), TEXT)
    whole = preparation.encode(texts(SENTENCES + ODD))
    alone = preparation.encode(texts([SENTENCES[1]]))
    for name, stream in alone.streams.items():
        assert np.array_equal(stream[0], whole.streams[name][1])


def test_pairs_are_joined_by_a_separator():
    examples = Examples({"a": ["the cat", ""], "b": ["the dog sat", "cat"]})
    preparation = Preparation.fit(Examples({"a": SENTENCES, "b": SENTENCES}), ("words", "ngrams"), sides=2)
    streams = preparation.encode(examples).streams
    a, b = streams["words.a"], streams["words.b"]
    for i in range(2):
        assert streams["words"][i].tolist() == [*a[i], SEPARATOR, *b[i]]
    assert a[1].tolist() == [UNKNOWN]
    rows = preparation.learned["ngrams"].rows
    shared = set(streams["ngrams.a"][0]) & set(streams["ngrams.b"][0])
    assert shared  # "the" is in both, under one row when sides are alone and under two when they are joined
    bag = set(streams["ngrams"][0])
    assert all(row in bag and row + rows - 1 in bag for row in shared)
    assert len(streams["ngrams"][0]) == len(streams["ngrams.weight"][0])


def test_tagging_keeps_every_token():
    long = ["Word", "of", "the", "day", ""] * 400
    examples = Examples({"tokens": [["a", "b"], long, []]}, [np.array([0, 1]), np.zeros(2000, np.int64), np.array([])])
    preparation = Preparation.fit(examples.take([0]), ("words", "word_characters"))
    encoded = preparation.encode(examples)
    assert encoded.streams["words"].lengths.tolist() == [2, 2000, 1]
    assert encoded.streams["word_characters"].lengths.tolist() == [2, 2000, 1]
    batch = collate(encoded, np.array([0, 2]), ["words"])
    assert batch["targets"].tolist() == [[0, 1], [-1, -1]]


def test_truncation_is_said_with_its_flag():
    long = texts([*["short text"] * 300, "word " * 400])
    preparation = Preparation.fit(long, ("words", "characters"))
    said = [(finding.level, finding.flag) for finding in preparation.findings]
    assert said == [("warned", "--max-length")] * 2
    assert "1 of 301 texts have more than 64 words" in preparation.findings[0].text
    assert preparation.encode(long).streams["words"].lengths.max() == 64
    assert Preparation.fit(long, ("words",), max_length=400).findings == ()
    assert Preparation.fit(long, ("words", "characters"), max_length=3).interface(2).stream("characters").length == 6


def test_words_are_split_and_counted():
    assert split("Don't stop! 3.5% 😀日本") == ["Don", "'", "t", "stop", "!", "3", ".", "5", "%", "😀", "日", "本"]
    assert split("नमस्ते") == ["नमस्ते"]
    corpus = Corpus(["The the cat", "THE cat dog"])
    words = WordIds.fit(corpus)
    assert words.vocabulary == ("the", "cat")
    assert words.encode(corpus).values.tolist() == [3, 3, 4, 3, 4, UNKNOWN]


def test_word_characters_tell_spelling_case_and_shape():
    assert [shape(w) for w in ("London", "2019-20", "NATO", "iPhone", "😀")] == ["Xx", "d-d", "X", "xXx", "s"]
    assert [case(w) for w in ("a", "Ab", "AB", "A", "aB", "12")] == [
        "lower",
        "title",
        "upper",
        "title",
        "mixed",
        "none",
    ]
    preparation = Preparation.fit(Examples({"tokens": [SENTENCES]}), ("word_characters",))
    running, singing, cat = preparation.encode(Examples({"tokens": [["running", "singing", "Cat"]]})).streams[
        "word_characters"
    ][0]
    shared = set(running) & set(singing) - {0}
    assert len(shared) > len(set(running) & set(cat) - {0})


def test_joined_keeps_order():
    a = Ragged.of([np.array([1, 2]), np.array([], np.int64), np.array([3])])
    b = Ragged.of([np.array([4]), np.array([5, 6]), np.array([], np.int64)])
    assert [joined(a, b)[i].tolist() for i in range(3)] == [[1, 2, 4], [5, 6], [3]]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"streams": {}}, "not a preparation"),
        ([1], "not a preparation"),
        ({"kind": "preparation", "schema": 99}, "schema 99; this Seqwright reads schema 1"),
        ({"kind": "preparation", "schema": 1, "inputs": ["text"]}, "damaged"),
        ({"kind": "preparation", "schema": 1, "inputs": [], "longest": {}, "streams": {"runes": {}}}, "damaged"),
        (
            {"kind": "preparation", "schema": 1, "inputs": [], "longest": {}, "streams": {"subwords": {}}},
            "tokenizer.json",
        ),
    ],
)
def test_foreign_state_is_refused(data: object, says: str):
    with pytest.raises(BundleError, match=says):
        Preparation.from_data(data)


def test_a_damaged_tokenizer_is_refused():
    preparation = Preparation.fit(texts(SENTENCES), ("subwords",))
    with pytest.raises(BundleError, match=r"tokenizer\.json is damaged"):
        Preparation.from_data(preparation.as_data(), "{}")


def test_wrong_requests_teach():
    with pytest.raises(InputError, match=r'no stream "wrods".*Did you mean "words"'):
        Preparation.fit(texts(SENTENCES), ("wrods",))
    with pytest.raises(InputError, match="series cannot be prepared as words; it can as channels, kernels"):
        Preparation.fit(Examples({"series": series()}), ("words",))
    with pytest.raises(InputError, match="the examples have no text"):
        Preparation.fit(texts(SENTENCES), ("words",)).encode(Examples({"a": SENTENCES}))

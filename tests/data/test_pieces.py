"""Pieces: what an encoder's own tokenizer gives, cut to what it reads, with its special pieces in place."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from seqwright.data.batch import collate
from seqwright.data.checkpoint import Checkpoint, found, locate
from seqwright.data.examples import Examples
from seqwright.data.pieces import Pieces
from seqwright.data.prepare import Preparation
from seqwright.data.words import Corpus
from seqwright.errors import BundleError, InputError
from seqwright.testing.encoder import tiny_encoder

TEXTS = ["the cat sat on the mat", "a dog", "", "word " * 200, "\ud800 é 日本 <s> [SEP] </s> <|endoftext|>"]


@pytest.fixture(scope="module", params=("bert", "roberta", "xlnet", "gpt2", "llama"))
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return locate(tiny_encoder(tmp_path_factory.mktemp(request.param), request.param))


def prepared(checkpoint: Checkpoint, inputs: dict[str, list[str]], **options: int) -> Preparation:
    return Preparation.fit(Examples(inputs), ["pretrained"], sides=len(inputs), checkpoint=checkpoint, **options)


def test_a_text_is_cut_to_the_window_and_that_is_said(checkpoint: Checkpoint) -> None:
    preparation = prepared(checkpoint, {"text": TEXTS})
    pieces = preparation.encode(Examples({"text": TEXTS})).streams["pretrained"]
    (stream,) = (stream for _, stream in preparation.interface(2).streams)
    assert (stream.form, stream.digest, stream.source) == ("pieces", checkpoint.digest, str(checkpoint.folder))
    assert (stream.depth, stream.width, stream.size) == (4, 32, checkpoint.vocabulary)
    assert pieces.lengths.max() == stream.length <= checkpoint.length
    assert pieces.lengths.min() >= 1
    assert pieces.values.max() < checkpoint.vocabulary
    assert [finding.level for finding in preparation.findings] == ["warned"]
    if checkpoint.family == "bert":
        assert "the 64 pieces that the encoder reads at once" in preparation.findings[0].text
        assert pieces[3][0] == pieces[0][0]
        assert pieces[3][-1] == pieces[0][-1]  # [CLS] and [SEP] stay


def test_no_text_can_spell_a_special_piece(checkpoint: Checkpoint) -> None:
    special = {"bert": {2, 3}, "roberta": {0, 2}, "xlnet": {1, 2, 3, 4}, "gpt2": {0}, "llama": {0, 1, 2}}
    pieces = Pieces.fit(checkpoint)
    plain, spelled = (
        [i for i in pieces.encode(Corpus([text])).values.tolist() if i in special[checkpoint.family]]
        for text in ("a dog", TEXTS[-1])
    )
    assert spelled == plain
    again = copy.deepcopy(pieces).encode(Corpus(TEXTS))
    assert np.array_equal(again.values, pieces.encode(Corpus(TEXTS)).values)


def test_pairs_have_segments_and_something_between(checkpoint: Checkpoint) -> None:
    given = {"a": TEXTS, "b": TEXTS[::-1]}
    preparation = prepared(checkpoint, given)
    encoded = preparation.encode(Examples(given))
    ids, segments = encoded.streams["pretrained"], encoded.streams["pretrained.segments"]
    assert np.array_equal(ids.offsets, segments.offsets)
    for name, stream in preparation.interface(2).streams:
        assert encoded.streams[name].lengths.max() <= stream.length
    sides = [Pieces.fit(checkpoint).encode(Corpus([text])).lengths[0] for text in ("a dog", "the cat")]
    alone, both = prepared(checkpoint, {"a": ["a dog"], "b": ["the cat"]}), {"a": ["a dog"], "b": ["the cat"]}
    together = alone.encode(Examples(both)).streams["pretrained"]
    assert len(together[0]) >= sum(sides) - 1
    if checkpoint.family == "gpt2":  # its tokenizer would run the two texts into one
        assert len(together[0]) == sum(sides) + 1
        assert together[0][sides[0]] == 0
        assert ids.lengths.tolist()[1] == 64  # "a dog" leaves the rest to 200 words
        assert segments[1].tolist().count(0) == sides[0] + 1
    if checkpoint.family != "roberta":
        assert set(segments[1].tolist()) >= {0, 1}
    batch = collate(encoded, np.arange(5))
    assert batch["pretrained.segments"].shape == batch["pretrained"].shape
    assert batch["pretrained.segments"].dtype == np.int64
    assert {"pretrained.a", "pretrained.b"} <= set(batch)
    assert set(encoded.only(["pretrained"]).streams) == {"pretrained", "pretrained.segments"}


def test_the_same_after_json_and_with_the_encoder_elsewhere(checkpoint: Checkpoint, tmp_path: Path) -> None:
    given = {"a": TEXTS, "b": TEXTS[::-1]}
    preparation = prepared(checkpoint, given, max_length=10)
    again = Preparation.from_data(json.loads(json.dumps(preparation.as_data())), None, tmp_path)
    first, second = (p.encode(Examples(given)).streams for p in (preparation, again))
    assert list(first) == list(second)
    assert all(np.array_equal(first[name].values, second[name].values) for name in first)
    assert again.interface(2).stream("pretrained").source == str(tmp_path)
    damaged = preparation.as_data()
    damaged["streams"]["pretrained"]["tokenizer"] = "{"
    with pytest.raises(BundleError, match="tokenizer is damaged"):
        Preparation.from_data(damaged)


def test_pieces_are_those_of_transformers() -> None:
    checkpoint = found()
    if checkpoint is None:
        pytest.skip("no MiniLM here")
    texts = ["What is the capital of Yugoslavia ?", "naïve, isn't it?", "日本語", "x" * 300]
    theirs = AutoTokenizer.from_pretrained(checkpoint.folder)
    pieces = Pieces.fit(checkpoint)
    assert [list(pieces.encode(Corpus(texts))[i]) for i in range(4)] == theirs(texts)["input_ids"]
    ids, segments = pieces.encode_pairs(Corpus(texts), Corpus(texts[::-1]), 20)
    expected = theirs(texts, texts[::-1], truncation="longest_first", max_length=20)
    assert [list(ids[i]) for i in range(4)] == expected["input_ids"]
    assert [list(segments[i]) for i in range(4)] == expected["token_type_ids"]


def test_a_bare_vocabulary_is_converted(tmp_path: Path) -> None:
    folder = tiny_encoder(tmp_path)
    with_file = Pieces.fit(locate(folder)).encode(Corpus(TEXTS[:2])).values
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    (folder / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.get)))
    (folder / "tokenizer.json").unlink()
    assert np.array_equal(Pieces.fit(locate(folder)).encode(Corpus(TEXTS[:2])).values, with_file)


def test_wrong_tokenizers_and_missing_encoders_are_answered(tmp_path: Path) -> None:
    folder = tiny_encoder(tmp_path)
    with pytest.raises(InputError, match=r"needs a pretrained encoder.*--encoder"):
        Preparation.fit(Examples({"text": TEXTS}), ["pretrained"])
    with pytest.raises(InputError, match="cannot be prepared as pretrained"):
        Preparation.fit(Examples({"tokens": [["a"]]}), ["pretrained"], checkpoint=locate(folder))
    whole = (folder / "tokenizer.json").read_text()
    (folder / "tokenizer.json").write_text(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"tokenizer\.json is damaged"):
        Pieces.fit(locate(folder))
    tiny_encoder(tmp_path / "large", texts=[f"{chr(97 + i % 26)}{i} word{i}" for i in range(400)])
    (folder / "tokenizer.json").write_text((tmp_path / "large" / "tokenizer.json").read_text())
    with pytest.raises(InputError, match="not of one checkpoint"):
        Pieces.fit(locate(folder))

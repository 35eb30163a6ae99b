"""Bad input gets one screen that says what is wrong, where, and what to do."""

import gzip
import io
import random
from pathlib import Path

import numpy as np
import pytest

from seqwright.data.infer import load, load_inputs
from seqwright.errors import DataError

GOOD = "text,label\n" + "".join(f"some words {i},{'ab'[i % 2]}\n" for i in range(20))


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **{"X": np.zeros((6, 1, 9)), "y": np.arange(6) % 2} | arrays)
    return file.getvalue()


def refused(source, **flags) -> str:
    with pytest.raises(DataError) as caught:
        load(source, **flags)
    message = str(caught.value)
    assert caught.value.exit_code == 2 and len(message.splitlines()) < 12 and len(message) < 1200
    return message


@pytest.mark.parametrize(
    ("name", "data", "wanted"),
    [
        ("a.csv", b"", "is empty (0 bytes)"),
        ("a.csv", b"\n \n", "nothing but white space"),
        ("a.csv", b"text,label\n", "has a header (text, label) but no rows"),
        ("a.csv", b"text,label\nx,a\ny,a\n", 'one class only, "a"'),
        ("a.csv", random.Random(0).randbytes(3000), "looks like a binary file"),
        ("a.csv", b"PK\x03\x04" + bytes(100), "Excel workbook"),
        ("a.csv", b"text\n" + b"abc\n" * 9, "needs at least two columns"),
        ("a.csv", GOOD.encode() + b"one, two,a\n", "a.csv:22: 3 fields: one, two,a"),
        ("a.tsv", GOOD.replace(",", "\t").encode() + b"one\n", "a.tsv:22: 1 field: one"),
        ("a.csv", b'text,label\n"ab" c,d,a\n' + GOOD.encode(), "a.csv:2: quotes are not paired"),
        ("a.csv", b"text,text\na,b\n", "names text more than once"),
        ("a.jsonl", b'{"text": "a"}\n{"text": \n', "a.jsonl:2: not JSON"),
        ("a.jsonl", b'{"text": "a"}\n[1]\n', "a.jsonl:2: not an object"),
        ("a.conll", b"a\tX\nb\n\n", "a.conll:2: 1 column, but the lines before have 2"),
        ("a.parquet", b"abc", "not a readable parquet file"),
        ("a.npz", b"abc", "not an npz file"),
        ("a.csv.gz", gzip.compress(GOOD.encode(), mtime=0)[:20] + b"\xff" * 40, "cannot be read"),
        ("a.jsonl", b'{"text": "a", "label": {"b": 1}}\n' * 9, "A label is one word or number, not {'b': 1}"),
        ("a.jsonl", b'{"text": ' + b"[" * 100_000, "a.jsonl:1: not JSON (too deeply nested)"),
        ("a.json", b"[" * 100_000, "a.json:1: not JSON (too deeply nested)"),
        ("a.jsonl", b'{"text": "a", "label": ' + b"9" * 5000 + b"}\n", "a.jsonl:1: not JSON (Exceeds the limit"),
        ("a.npz", npz(lengths=np.array(3)), "lengths must be one whole number for each series"),
        ("a.npz", npz(lengths=np.full(6, np.nan)), "lengths must be one whole number for each series"),
        ("a.npz", npz(lengths=np.array(["a"] * 6)), "lengths must be one whole number for each series"),
        ("a.npz", npz(X=np.full((6, 1, 9), 1j)), "X must hold numbers"),
        ("a.npz", npz(X=np.full((6, 1, 9), 1e300)), "beyond 3e38"),
    ],
)
def test_bad_files(tmp_path, name, data, wanted):
    (tmp_path / name).write_bytes(data)
    assert wanted in refused(tmp_path / name)


def test_missing_files_and_folders(tmp_path):
    (tmp_path / "train.csv").write_text(GOOD)
    assert 'Did you mean "train.csv"?' in refused(tmp_path / "trian.csv")
    assert "does not exist either" in refused(tmp_path / "no" / "train.csv")
    assert "is a folder" in refused(tmp_path) and "train.csv" in refused(tmp_path)


def test_wrong_flags(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(GOOD)
    message = refused(path, target="lable")
    assert 'Did you mean "label"?' in message and "Its columns: text, label" in message
    assert "(--weight)" in refused(path, weight="w") and "(--text)" in refused(path, text="text,body")
    assert 'Did you mean "tagging"?' in refused(path, task="taging")
    assert "try --delimiter comma" in refused(path, delimiter="tab")
    assert "one character" in refused(path, delimiter="::")
    assert 'Did you mean "utf-8"?' in refused(path, encoding="utf-9")
    path.write_bytes(GOOD.replace("some", "sömé").encode("cp1252"))
    assert "a.csv:2: byte 0xf6 is not utf-8" in refused(path, encoding="utf-8")


def test_targets_that_are_no_classes():
    texts = [f"words and words {i}" for i in range(60)]
    assert "regression, which is not a task here" in refused((texts, [i * 0.37 for i in range(60)]))
    assert "regression" in refused({"text": texts, "score": [i * 3 for i in range(60)]})
    assert "these are no classes" in refused((texts, [f"k{i}" for i in range(60)]))
    assert "no label at all" in refused((texts, [None] * 60))
    assert "several labels a row" in refused({"text": texts, "label": [["a", "b"]] * 60})


def test_bad_objects(tmp_path):
    assert "1 inputs but 2 labels" in refused((["a"], ["x", "y"]))
    assert "cannot be read from 'int'" in refused(42)
    weights = {"text": ["a b"] * 4, "label": list("xyxy"), "w": [1, -1, 1, 1]}
    assert "-1 in row 2" in refused(weights, weight="w")
    np.savez(tmp_path / "a.npz", X=np.zeros((2, 1, 3)), y=np.array(["a", None], dtype=object))
    assert "fixed-width strings" in refused(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", Z=np.zeros(3))
    assert "no array X, only Z" in refused(tmp_path / "b.npz")
    changing = {"id": [0, 0, 1, 1], "time": [0, 1, 0, 1], "x": [1.0, 2, 3, 4], "label": list("uvuu")}
    assert "changes within one series" in refused(changing)


def test_prediction_without_the_column(tmp_path):
    (tmp_path / "a.csv").write_text(GOOD)
    trained = load(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("texts,other\na,b\n")
    with pytest.raises(DataError, match=r'no column "text".*Did you mean "texts"'):
        load_inputs(tmp_path / "b.csv", trained.kind, trained.columns)


def test_gzip_is_unpacked(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(GOOD.encode()))
    assert len(load(tmp_path / "a.csv.gz").examples) == 20


DATA = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.mark.skipif(not DATA.is_dir(), reason="the real data sets are not here")
@pytest.mark.parametrize(
    ("path", "kind", "rows", "classes"),
    [
        ("text/sst2/train.tsv", "text-classification", 6920, 2),
        ("text/trec6/train.tsv", "text-classification", 5452, 6),
        ("text/irony/train.tsv", "text-classification", 2862, 2),
        ("text/cola/train.tsv", "text-classification", 8551, 2),
        ("text/banking77/train.tsv", "text-classification", 10003, 77),
        ("pairs/rte/train.tsv", "text-pairs", 2490, 2),
        ("tagging/wnut17/train.conll", "tagging", 3394, 13),
        ("tagging/ud_english_ewt/dev.conll", "tagging", 2001, 17),
        ("series/japanesevowels/train.npz", "series-classification", 270, 9),
        ("series/libras/libras.csv", "series-classification", 360, 15),
    ],
)
def test_real_sets_keep_their_rows(path, kind, rows, classes):
    loaded = load(DATA / path)
    assert (loaded.kind, len(loaded.examples), len(loaded.labels)) == (kind, rows, classes)

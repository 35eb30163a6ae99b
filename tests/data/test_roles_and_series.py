"""Columns find their roles, series their form, and what is missing is said and left out or bridged."""

import io

import numpy as np
import pytest

from seqwright.data import checks
from seqwright.data.examples import Examples
from seqwright.data.infer import load, load_inputs

N = 24
WORDS = [f"these are words {i}" for i in range(N)]
AB = ["ab"[i % 2] for i in range(N)]


def texts_of(loaded, level=None) -> str:
    return "\n".join(f.text for f in loaded.findings if level in (None, f.level))


def test_every_inference_names_its_flag():
    loaded = load({"text": WORDS, "label": AB})
    flags = {f.flag: f.text for f in loaded.findings}
    assert {"--task", "--text", "--target"} <= set(flags)
    assert flags["--target"] == 'target "label": 2 classes (a, b)'
    overridden = load({"text": WORDS, "label": AB}, task="text-classification", text="text", target="label")
    assert not {"--task", "--text", "--target"} & {f.flag for f in overridden.findings}


@pytest.mark.parametrize("names", [("premise", "hypothesis"), ("sentence1", "sentence2"), ("question", "answer")])
def test_pairs_by_name(names):
    loaded = load({names[0]: WORDS, names[1]: WORDS[::-1], "label": AB})
    assert loaded.kind == "text-pairs" and loaded.examples.inputs == {"a": WORDS, "b": WORDS[::-1]}


def test_several_text_columns():
    columns = {"id": list(range(N)), "title": WORDS, "body": WORDS[::-1], "kind": AB}
    joined = load(columns)
    assert joined.kind == "text-classification" and joined.columns["target"] == "kind"
    assert joined.examples.inputs["text"][0] == f"{WORDS[0]}\n{WORDS[-1]}"
    assert load(columns, text="body,title").examples.inputs["text"][0] == f"{WORDS[-1]}\n{WORDS[0]}"
    assert load(columns, text="title").examples.inputs["text"] == WORDS
    assert load(columns, task="text-pairs").examples.inputs["b"] == WORDS[::-1]


def test_tags_beside_texts():
    columns = {
        "intent": AB,
        "slots": ["O O O B-x"] * N,
        "text": WORDS,
    }
    loaded = load(columns)
    assert loaded.kind == "text-classification" and loaded.columns["target"] == "intent"
    assert loaded.columns["inputs"] == ["text"] and "--target slots to learn tagging" in texts_of(loaded)
    for flags in ({"task": "tagging"}, {"target": "slots"}):
        tagging = load(columns, **flags)
        assert tagging.kind == "tagging" and tagging.labels == ("B-x", "O")
        assert tagging.examples.inputs["tokens"][1] == ["these", "are", "words", "1"]
        assert list(tagging.examples.targets[1]) == [1, 1, 1, 0]
    broken = load({**columns, "slots": ["O"] + ["O O O B-x"] * (N - 1)}, task="tagging")
    assert len(broken.examples) == N - 1 and "1 sentence left out" in texts_of(broken, "warned")


def test_rows_without_a_label_are_left_out_and_counted():
    loaded = load({"text": WORDS, "label": [None, "", *AB[2:]]})
    assert len(loaded.examples) == N - 2 and list(loaded.examples.rows[:2]) == [2, 3]
    assert "2 rows without a label left out" in texts_of(loaded, "warned")


def test_labels_are_ordered_and_whole_numbers_stay_whole():
    assert load({"text": WORDS, "label": [10.0, 9.0, None] * 8}).labels == ("9", "10")
    assert load({"text": WORDS, "label": [True, False] * 12}).labels == ("False", "True")


def test_weights_and_groups():
    columns = {"text": WORDS, "label": AB, "w": [i / 2 for i in range(N)], "g": [f"g{i // 4}" for i in range(N)]}
    loaded = load(columns, weight="w", group="g")
    assert loaded.examples.weights.dtype == np.float32 and loaded.examples.weights[3] == 1.5
    assert loaded.examples.groups[:5] == ["g0"] * 4 + ["g1"]
    plain = load({"text": WORDS, "label": AB}, labels=loaded.labels, columns=loaded.columns)
    assert plain.examples.weights is None and plain.examples.groups is None


def test_valid_files_are_mapped_to_the_labels_of_training():
    train = load({"text": WORDS, "label": AB})
    valid = load({"text": WORDS[:3], "label": ["b", "new", "b"]}, labels=train.labels, columns=train.columns)
    assert list(valid.examples.targets) == [1, 1] and valid.labels == train.labels
    assert "1 row with labels unseen in training (new)" in texts_of(valid, "warned")


def test_warnings_within_and_across():
    texts = ["same words here", "same words here ", *WORDS, "", "only once"]
    loaded = load((texts, ["a", "b", *["a"] * N, "b", "c"]))
    warned = texts_of(loaded, "warned")
    assert "1 row repeats the input of an earlier one, 1 of them with another label (such as number 1 and 2)" in warned
    assert "1 label seen once (c)" in warned and "1 row with an empty text" in warned
    assert 'imbalance: "a" is' in warned
    parts = {"train": Examples({"text": WORDS}), "test": Examples({"text": [WORDS[0], "new", WORDS[1] + " "]})}
    (leak,) = checks.across(parts)
    assert leak.text.startswith("2 rows of test (66.7%) also in train")
    series = {"train": Examples({"series": [np.ones((3, 1))]}), "valid": Examples({"series": [np.ones((1, 3))]})}
    assert checks.across(series) == []


def long_csv() -> str:
    rows = [f"{i},{t},{i + t},{-t if (i, t) != (1, 2) else ''},{'uv'[i % 2]}" for t in (3, 1, 2, 0) for i in range(6)]
    return "id,step,x,y,label\n" + "\n".join(rows) + "\n5,4,9,-4,v\n"


def test_long_series():
    loaded = load(io.StringIO(long_csv()))
    assert loaded.kind == "series-classification" and loaded.labels == ("u", "v")
    series = loaded.examples.inputs["series"]
    assert [s.shape for s in series] == [(4, 2)] * 5 + [(5, 2)] and series[0].dtype == np.float32
    assert series[1].tolist() == [[1, 0], [2, -1], [3, -2], [4, -3]]
    assert "1 missing value inside 1 series interpolated" in texts_of(loaded, "warned")
    blind = io.StringIO("\n".join(",".join(line.split(",")[:4]) for line in long_csv().splitlines()))
    again = load_inputs(blind, loaded.kind, loaded.columns)
    assert all((a == b).all() for a, b in zip(series, again.examples.inputs["series"], strict=True))


def test_wide_series_and_interleaved_channels():
    x = np.arange(N * 10).reshape(N, 5, 2).astype(float)
    columns = {f"{'xy'[c]}{t}": x[:, t, c].tolist() for t in range(5) for c in range(2)}
    loaded = load({**columns, "label": AB})
    assert (np.stack(loaded.examples.inputs["series"]) == x).all()
    assert "wide form: 2 channels of 5 steps" in texts_of(loaded)
    flat = load({f"{t}": x.reshape(N, 10)[:, t].tolist() for t in range(10)} | {"which": AB})
    assert flat.examples.inputs["series"][0].shape == (10, 1) and flat.columns["target"] == "which"


@pytest.mark.parametrize("lengths", [True, False])
def test_npz(tmp_path, lengths):
    x = np.full((4, 2, 6), np.nan)
    sizes = [6, 3, 4, 5]
    for i, n in enumerate(sizes):
        x[i, :, :n] = np.arange(2 * n).reshape(2, n)
    x[0, 1, 2] = np.nan
    given = {"lengths": np.array(sizes)} if lengths else {}
    np.savez(tmp_path / "a.npz", X=x, y=np.array(["p", "q", "p", "q"]), **given)
    loaded = load(tmp_path / "a.npz")
    series = loaded.examples.inputs["series"]
    assert [len(s) for s in series] == sizes and series[0][2, 1] == 8 and loaded.labels == ("p", "q")
    assert len(load_inputs(tmp_path / "a.npz", loaded.kind, loaded.columns).examples) == 4


TRAIN = load({"text": WORDS, "label": AB})


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ("one, two\n\nthree\n", ["one, two", "", "three"]),
        ("text,label\nhello,a\n,b\n", ["hello", ""]),
        ('label\ttext\na\t"hi\n', ['"hi']),
        ('{"text": "hello"}\n{"text": null}\n', ["hello", ""]),
        ("text\na, b\n\nc\n", ["a, b", "", "c"]),
        ("no newline at the end", ["no newline at the end"]),
    ],
)
def test_prediction_keeps_every_row(given, texts):
    read = load_inputs(io.StringIO(given), TRAIN.kind, TRAIN.columns)
    assert read.examples.inputs == {"text": texts} and read.examples.targets is None
    assert list(read.examples.rows) == list(range(len(texts)))
    binary = load_inputs(io.TextIOWrapper(io.BytesIO(given.encode())), TRAIN.kind, TRAIN.columns)
    assert binary.examples.inputs == {"text": texts}


def test_prediction_from_lists_files_and_renamed_columns(tmp_path):
    assert load_inputs(["x", ""], TRAIN.kind, TRAIN.columns).examples.inputs == {"text": ["x", ""]}
    (tmp_path / "a.csv").write_text('review\n"a, b"\n\nc\n')
    assert load_inputs(tmp_path / "a.csv", TRAIN.kind, TRAIN.columns).examples.inputs["text"] == ["a, b", "", "c"]
    (tmp_path / "b.csv").write_text("review,x\nhello,1\n")
    assert load_inputs(tmp_path / "b.csv", TRAIN.kind, TRAIN.columns, text="review").examples.inputs["text"] == [
        "hello"
    ]
    pairs = load({"text_a": WORDS, "text_b": WORDS, "label": AB})
    assert load_inputs(io.StringIO("x\ty\n"), pairs.kind, pairs.columns).examples.inputs == {"a": ["x"], "b": ["y"]}
    assert load_inputs([("x", "y")], pairs.kind, pairs.columns).examples.inputs == {"a": ["x"], "b": ["y"]}


def test_prediction_of_tags():
    tagging = load(([["a", "b"], ["c"]], [["X", "Y"], ["X"]]))
    for source in (io.StringIO("d e\n\nf\n"), [["d", "e"], [], ["f"]]):
        assert load_inputs(source, tagging.kind, tagging.columns).examples.inputs["tokens"] == [["d", "e"], [], ["f"]]
    blank = io.StringIO("d\ne\n\nf\n\n")
    assert load_inputs(blank, tagging.kind, tagging.columns).examples.inputs["tokens"] == [["d", "e"], ["f"]]

"""The same rows give the same examples whatever they come in, and a file's encoding and quotes are read as meant."""

import io
import json
from pathlib import Path

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pytest

from seqwright.data.infer import load
from seqwright.data.read import read

ROWS = [(f'text {i}, "quoted" and é', "ab"[i % 2]) for i in range(12)]
TEXTS, LABELS = [t for t, _ in ROWS], [label for _, label in ROWS]


def csv_of(delimiter=",") -> str:
    quoted = [text.replace('"', '""') for text in TEXTS]
    lines = [f'"{text}"{delimiter}{label}' for text, label in zip(quoted, LABELS, strict=True)]
    return "\n".join([f"text{delimiter}label", *lines]) + "\n"


def warnings_of(loaded) -> str:
    return "\n".join(f.text for f in loaded.findings if f.level == "warned")


def sources(folder: Path) -> dict:
    frame = pl.DataFrame({"text": TEXTS, "label": LABELS})
    frame.write_parquet(folder / "a.parquet")
    (folder / "a.csv").write_text(csv_of())
    (folder / "semicolon.csv").write_text(csv_of(";"))
    (folder / "crlf.csv").write_bytes(csv_of().replace("\n", "\r\n").encode())
    (folder / "a.tsv").write_text("text\tlabel\n" + "".join(f"{t}\t{label}\n" for t, label in ROWS))
    (folder / "a.txt").write_text("text\tlabel\n" + "".join(f"{t}\t{label}\n" for t, label in ROWS))
    records = [{"text": t, "label": label} for t, label in ROWS]
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    (folder / "a.json").write_text(json.dumps(records, indent=1))
    coded = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["a", "b"])},
    )
    numbers = {"text": TEXTS, "label": ["ab".index(label) for label in LABELS]}
    return {
        **{path.name: path for path in sorted(folder.iterdir())},
        "stream": io.StringIO(csv_of()),
        "pandas": pd.DataFrame({"text": TEXTS, "label": LABELS}),
        "polars": frame,
        "lazy": frame.lazy(),
        "datasets": datasets.Dataset.from_dict(numbers, features=coded),
        "dict": {"text": TEXTS, "label": LABELS},
        "records": records,
        "lists": (TEXTS, LABELS),
        "arrays": (np.array(TEXTS), np.array(LABELS)),
    }


def test_every_source_gives_the_same_examples(tmp_path):
    for name, source in sources(tmp_path).items():
        loaded = load(source)
        assert loaded.kind == "text-classification", name
        assert loaded.examples.inputs == {"text": TEXTS}, name
        assert loaded.labels == ("a", "b") and list(loaded.examples.targets) == [0, 1] * 6, name
        assert json.loads(json.dumps(loaded.columns))["target"] == loaded.columns["target"], name


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "utf-32"])
def test_encodings_are_inferred(tmp_path, encoding):
    (tmp_path / "a.csv").write_bytes(csv_of().encode(encoding))
    loaded = load(tmp_path / "a.csv")
    assert loaded.examples.inputs["text"] == TEXTS
    said = any(f.flag == "--encoding" and encoding in f.text for f in loaded.findings)
    assert said == (not encoding.startswith("utf-8"))


def test_mixed_encodings_are_read_line_by_line_and_said(tmp_path):
    lines = csv_of().splitlines(True)
    data = b"".join(line.encode("cp1252" if i % 4 == 3 else "utf-8") for i, line in enumerate(lines))
    (tmp_path / "a.csv").write_bytes(data)
    loaded = load(tmp_path / "a.csv")
    assert loaded.examples.inputs["text"] == TEXTS
    assert "mixed encodings: 9 lines in utf-8 and 3 lines not" in warnings_of(loaded)
    assert "(lines 4, 8, 12)" in warnings_of(loaded)


def test_nuls_are_removed_and_said(tmp_path):
    (tmp_path / "a.csv").write_text(csv_of().replace("text 3", "te\0xt 3"))
    loaded = load(tmp_path / "a.csv")
    assert loaded.examples.inputs["text"] == TEXTS and "1 NUL character removed" in warnings_of(loaded)


def test_fields_over_several_lines(tmp_path):
    (tmp_path / "a.csv").write_text('text,label\n"one\ntwo, ""three""",a\nfour,b\n"five",b\n')
    assert load(tmp_path / "a.csv").examples.inputs["text"] == ['one\ntwo, "three"', "four", "five"]


def test_stray_quotes_in_a_tsv_mean_themselves(tmp_path):
    body = '"open\ta\nclose"\tb\n""\ta\nmid"dle\tb\n\u2028 line separator \x85\ta\n'
    (tmp_path / "a.tsv").write_text("text\tlabel\n" + body, encoding="utf-8")
    texts = load(tmp_path / "a.tsv").examples.inputs["text"]
    assert texts == ['"open', 'close"', '""', 'mid"dle', "\u2028 line separator \x85"]


def test_a_tsv_that_needs_its_quotes_gets_them(tmp_path):
    (tmp_path / "a.tsv").write_text('text\tlabel\n"a\tb\tc\nd"\tx\nplain\ty\nmore\ty\n')
    loaded = load(tmp_path / "a.tsv")
    assert loaded.examples.inputs["text"] == ["a\tb\tc\nd", "plain", "more"]


def test_long_rows_work_and_are_said(tmp_path):
    (tmp_path / "a.csv").write_text(csv_of() + "x" * 50_000 + ",a\n" + "y z " * 100_000 + ",b\n")
    loaded = load(tmp_path / "a.csv")
    assert len(loaded.examples.inputs["text"][12]) == 50_000
    assert "2 rows of more than 10,000 characters; the longest, row 14, has 400,000" in warnings_of(loaded)


def test_a_file_without_header(tmp_path):
    (tmp_path / "a.tsv").write_text("".join(f"{'ab'[i % 2]}\tsome words {i}\n" for i in range(20)))
    loaded = load(tmp_path / "a.tsv")
    assert len(loaded.examples) == 20 and "no header line" in warnings_of(loaded)
    again = load(tmp_path / "a.tsv", labels=loaded.labels, columns=loaded.columns)
    assert again.examples.inputs == loaded.examples.inputs


def test_conll_comments_tokens_and_conllu(tmp_path):
    (tmp_path / "a.conll").write_text("# form\tupos\txpos\n#\tSYM\t$\n1\tNUM\tCD\n\n\n# sent_id = 2\nIt\tPRON\tPRP\n")
    loaded = load(tmp_path / "a.conll")
    assert loaded.examples.inputs["tokens"] == [["#", "1"], ["It"]]
    assert loaded.labels == ("NUM", "PRON", "SYM") and [list(t) for t in loaded.examples.targets] == [[2, 0], [1]]
    assert load(tmp_path / "a.conll", target="xpos").labels == ("$", "CD", "PRP")
    rest = "\t_\t_\t_\t_\t_\t_"
    words = [f"1-2\tdont\t_\t_{rest}", f"1\tdo\tdo\tAUX{rest}", f"2\tnt\tnot\tPART{rest}"]
    (tmp_path / "a.conllu").write_text("# text = dont\n" + "\n".join(words) + "\n\n")
    table = read(tmp_path / "a.conllu")
    assert table.columns["form"] == [["do", "nt"]] and table.columns["upos"] == [["AUX", "PART"]]

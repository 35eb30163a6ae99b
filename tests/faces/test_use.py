"""predict and evaluate through the command line: rows in order, every form, every pipe."""

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Run, environment


def piped(text: str, *arguments: object) -> str:
    """What the program answers to `text` on its standard input."""
    command = [sys.executable, "-m", "seqwright", *map(str, arguments)]
    done = subprocess.run(command, input=text, capture_output=True, text=True, env=environment(), timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_file_gives_a_row_for_every_row_in_order(run: Run, text_bundle: Path, tmp_path: Path) -> None:
    data = tmp_path / "new.csv"
    data.write_text('text,id\nguitar song,1\n"",2\n"bread, soup",3\nguitar song,4\n')
    assert run("predict", text_bundle, data, "-o", tmp_path / "out.csv")[0] == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert [set(row) for row in rows] == [{"label", "probability", "p(food)", "p(music)"}] * 4
    assert rows[0] == rows[3] != rows[2]
    for row in rows:
        assert float(row["probability"]) == max(float(row["p(food)"]), float(row["p(music)"]))
        assert float(row[f"p({row['label']})"]) == float(row["probability"])


def test_the_files_name_says_its_form(run: Run, text_bundle: Path, texts: Path, tmp_path: Path) -> None:
    for name, read in (("a.tsv", tabbed), ("a.jsonl", lined)):
        assert run("predict", text_bundle, texts, "-o", tmp_path / name)[0] == 0
        assert len(read((tmp_path / name).read_text())) == 60
    assert not list(tmp_path.glob("*.part"))


def tabbed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter="\t"))


def lined(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_plain_lines_on_standard_input(text_bundle: Path) -> None:
    rows = lined(piped("a song\n\nbread, soup\n", "predict", text_bundle, "--format", "jsonl"))
    assert len(rows) == 3
    assert all(set(row["probabilities"]) == {"food", "music"} for row in rows)  # type: ignore[call-overload]


def test_a_tagger_writes_a_line_for_every_token_even_beyond_the_longest_it_reads(run: Run, tag_bundle: Path) -> None:
    sentence = ["the", "dog", "runs", "and", "the", "cat", "sleeps"]
    Path("new.conll").write_text("\n".join(sentence) + "\n\na\ncat\n\n")
    code, out, err = run("predict", tag_bundle, "new.conll")
    assert code == 0, err
    first, second = out.strip().split("\n\n")
    assert [line.split("\t")[0] for line in first.splitlines()] == sentence
    assert {line.split("\t")[1] for line in (first + "\n" + second).splitlines()} <= {"DET", "NOUN", "VERB", "ADV"}
    _, out, _ = run("predict", tag_bundle, "new.conll", "--format", "jsonl")
    assert [row["tokens"] for row in lined(out)] == [sentence, ["a", "cat"]]


def test_a_form_that_cannot_hold_the_answers(run: Run, tag_bundle: Path, text_bundle: Path, texts: Path) -> None:
    code, out, err = run("predict", text_bundle, texts, "--format", "jsnl")
    assert (code, out) == (2, "")
    assert err == (
        'seqwright: --format "jsnl" cannot hold these answers. Did you mean "jsonl"? Give one of: csv, tsv, jsonl.\n'
    )
    assert run("predict", tag_bundle, texts, "--format", "csv")[0] == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes")
def test_a_reader_that_has_seen_enough_is_no_failure(text_bundle: Path, tmp_path: Path) -> None:
    data = tmp_path / "many.csv"
    data.write_text("text\n" + "a song of bread\n" * 5000)
    command = f'"{sys.executable}" -m seqwright predict "{text_bundle}" "{data}" | head -n 2; echo ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment(), timeout=120)
    assert done.stdout.splitlines()[0] == "label,probability,p(food),p(music)"
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""


def test_evaluate(run: Run, text_bundle: Path, texts: Path) -> None:
    code, out, _ = run("evaluate", text_bundle, texts)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["accuracy", "macro_f1", "mcc"]
    found = json.loads(run("evaluate", text_bundle, texts, "--json")[1])
    assert found["accuracy"]["low"] <= found["accuracy"]["value"] <= found["accuracy"]["high"]


def test_a_bundle_that_was_changed_is_refused(run: Run, text_bundle: Path, texts: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(text_bundle, changed)
    (changed / "task.json").write_text((changed / "task.json").read_text().replace("food", "feed"))
    code, out, err = run("predict", changed, texts)
    assert (code, out) == (1, "")
    assert err == (
        f"seqwright: {changed / 'task.json'} was changed after it was written (its sha256 differs). "
        "Copy the folder again.\n"
    )


def test_a_folder_that_is_no_bundle(run: Run, texts: Path, tmp_path: Path) -> None:
    code, _, err = run("predict", tmp_path, texts)
    assert code == 1
    assert err == (
        f"seqwright: {tmp_path} is no bundle: it has no manifest.json. "
        "Give the folder `best/` that `seqwright fit` wrote.\n"
    )


def test_an_output_that_cannot_be_written(run: Run, text_bundle: Path, texts: Path, tmp_path: Path) -> None:
    code, _, err = run("predict", text_bundle, texts, "-o", tmp_path / "no" / "where.csv")
    assert code == 1
    assert "There is no such file or folder. Check the path." in err
    assert "where.csv" in err and len(err.splitlines()) == 1


def test_a_column_that_is_missing(run: Run, text_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("body,author\nsome words,me\n")
    code, _, err = run("predict", text_bundle, "new.csv")
    assert code == 2
    assert err == 'seqwright: new.csv has no column "text" (--text). Its columns: body, author.\n'
    assert run("predict", text_bundle, "new.csv", "--text", "body")[0] == 0

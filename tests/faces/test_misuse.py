"""What is wrong with the input gets one screen on standard error, the right exit code, and leaves nothing behind."""

import errno
from pathlib import Path

import pytest
from commands import Run, write_csv

from seqwright import api
from seqwright.errors import InputError
from seqwright.faces import failure

HOW = 'Write a number and its unit: "90s", "10m", "2h", "1h30m", or "50trials".'


def refused(run: Run, *arguments: object) -> str:
    """The message of a command that must fail as misuse, leaving no folder."""
    code, out, err = run(*arguments)
    assert code == 2, err
    assert out == ""
    assert "Traceback" not in err
    assert len(err.splitlines()) <= failure.LINES
    assert not list(Path().glob("runs/*"))
    return err


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "empty.csv is empty (0 bytes): give a file with a header line and at least two rows."),
        ("header.csv", b"text,label\n", "header.csv has a header (text, label) but no rows."),
        (
            "picture.csv",
            b"\x89PNG\r\n\x1a\n",
            "picture.csv is not a text file but an image (png). Seqwright reads csv, tsv, jsonl, parquet, npz, conll.",
        ),
        (
            "one.csv",
            b"text,label\n" + b"some words here,yes\n" * 30,
            'one.csv: target column "label" has one class only, "yes", in all 30 rows: there is nothing to tell '
            "apart. Give rows of at least two classes, or choose another column with --target.",
        ),
        (
            "blank.csv",
            b"text,label\n" + b",yes\n ,no\n" * 30,
            "blank.csv: text is empty in every row. Name another with --text.",
        ),
    ],
)
def test_files_that_cannot_be_learnt_from(run: Run, name: str, content: bytes, said: str) -> None:
    Path(name).write_bytes(content)
    assert refused(run, "fit", name, "-q", "--target", "label") == f"seqwright: {said}\n"


def test_a_file_that_is_missing(run: Run) -> None:
    write_csv(Path("texts.csv"), 4)
    assert refused(run, "fit", "text.csv", "-q") == 'seqwright: There is no file text.csv. Did you mean "texts.csv"?\n'


def test_a_folder(run: Run, tmp_path: Path) -> None:
    write_csv(Path("texts.csv"), 4)
    said = refused(run, "fit", tmp_path, "-q")
    assert said == f"seqwright: {tmp_path} is a folder, not a file. Name one file in it: texts.csv.\n"


def test_a_column_that_is_missing(run: Run, texts: Path) -> None:
    said = refused(run, "fit", texts, "--target", "lable", "-q")
    assert said.startswith('seqwright: texts.csv has no column "lable" (--target). Did you mean "label"?')


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ("0m", f'The budget "0m" is zero, which leaves no room for a model. {HOW}'),
        ("soon", f'The budget "soon" is not a number and a unit. {HOW}'),
        ("-5m", f'The budget "-5m" is negative. {HOW}'),
    ],
)
def test_budgets(run: Run, texts: Path, budget: str, said: str) -> None:
    assert refused(run, "fit", texts, f"--budget={budget}") == f"seqwright: {said}\n"


def test_options_are_checked_before_any_budget_is_spent(run: Run, texts: Path) -> None:
    for arguments, said in (
        (["--set", "/architecture/body/wid=3"], 'Nothing in the space matches "/architecture/body/wid"'),
        (["--ban", "lstn"], 'Nothing in the space is labelled "lstn".'),
        (["--prior", "/layers/*/mixer=lsmt:3"], 'is labelled "lsmt". Did you mean "lstm"?'),
        (["--start", "nowhere"], "--start: There is no folder nowhere."),
        (["--space", "txt"], '"txt" is neither a file nor a named space.'),
        (
            ["--space", "nasnet-2d"],
            "No network of the space nasnet-2d suits these data: The stem Pixels reads the stream",
        ),
        (["--metric", "f7"], 'There is no metric "f7"'),
        (["--device", "abacus"], 'Device "abacus" cannot be used'),
        (["--split", "80/20"], "--split 80/20 is not three shares that sum to 100."),
        (["--split", "most"], '--split "most" is not three numbers. Give for instance 80/10/10.'),
    ):
        assert said in refused(run, "fit", texts, "-q", *arguments), arguments


def test_a_wrong_command_leaves_only_what_was_there(texts: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(InputError):
        api.fit(texts, folder=tmp_path, target="nothing", budget="1trial")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_of_something_else_is_left_alone(run: Run, texts: Path, tmp_path: Path) -> None:
    """A run replaces `prepared` and `best`, which may be somebody's own."""
    mine = tmp_path / "project" / "prepared" / "mine.part"
    mine.parent.mkdir(parents=True)
    mine.write_text("kept")
    said = refused(run, "fit", texts, "--target", "label", "-q", "-o", tmp_path / "project")
    assert "holds no run, but other folders (prepared)" in said
    assert mine.read_text() == "kept" and not (tmp_path / "project" / "study.db").exists()


def test_a_run_folder_that_cannot_be_made(run: Run, texts: Path) -> None:
    Path("file").write_text("")
    code, _, err = run("fit", texts, "-o", "file/run", "-q")
    assert code == 1
    assert err == "seqwright: file/run cannot be used as a run folder: Not a directory. Choose another one.\n"


def test_flags_and_commands_that_do_not_exist(run: Run) -> None:
    assert "No such option: --taget" in refused(run, "fit", "x.csv", "--taget", "y")
    assert "See `seqwright fit --help`." in refused(run, "fit")
    assert "No such command" in refused(run, "fti")


def test_a_folder_without_a_run(run: Run, tmp_path: Path) -> None:
    for command in ("resume", "leaderboard"):
        code, _, err = run(command, tmp_path)
        assert code == 1
        assert err == (
            f"seqwright: {tmp_path} holds no study (no study.db). Give the folder of an earlier `seqwright fit`.\n"
        )


def test_a_folder_that_is_missing(run: Run) -> None:
    for command in ("resume nowhere", "leaderboard nowhere", "predict nowhere x.csv", "evaluate nowhere x.csv"):
        code, _, err = run(*command.split())
        assert code == 1
        assert err.startswith("seqwright: There is no folder nowhere. Give the folder"), err


def test_debug_shows_the_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Traceback" in run("fit", "nope.csv", "--debug")[2]
    monkeypatch.setenv("SEQWRIGHT_DEBUG", "1")
    code, _, err = run("fit", "nope.csv")
    assert code == 2
    assert "Traceback" in err and "There is no file nope.csv." in err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OSError(errno.ENOSPC, "", "a/b"), 1, "a/b: The disk is full."),
        (RuntimeError("SafetensorError: I/O error: No space left on device (os error 28)"), 1, "The disk is full."),
        (PermissionError(errno.EACCES, "", "out.csv"), 1, "out.csv: Permission was denied."),
        (MemoryError(), 1, "There is not enough memory."),
        (KeyboardInterrupt("No network was trained."), 130, "interrupted. No network was trained."),
        (KeyboardInterrupt(), 130, "interrupted."),
        (ValueError("dtype"), 1, "ValueError: dtype\nThis is a defect of Seqwright"),
        (InputError("x\n" * 100), 2, "... and 77 more lines (--debug shows them)."),
    ],
)
def test_exceptions_become_messages(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failure.told(error, debug=False) == code
    shown = capsys.readouterr().err
    assert said in shown
    assert len(shown.splitlines()) <= failure.LINES


def test_an_interrupt_before_there_is_a_model(run: Run, texts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt("No network was trained to its end.")

    monkeypatch.setattr(api, "fit", interrupted)
    assert run("fit", texts) == (130, "", "seqwright: interrupted. No network was trained to its end.\n")

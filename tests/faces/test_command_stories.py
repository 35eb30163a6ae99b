"""The story through the command line as a user types it: fit, predict, evaluate, leaderboard, show, resume."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Run, environment, write_csv


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, "subprocess.CompletedProcess[str]"]:
    """A folder with a finished run, and what `fit --json` said."""
    folder = tmp_path_factory.mktemp("story")
    write_csv(folder / "train.csv", 80)
    arguments = "train.csv --target label --budget 1trial --space tiny --workers 1 --single -o run --json"
    command = [sys.executable, "-m", "seqwright", "fit", *arguments.split()]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=300)
    return folder, done


def test_fit_says_one_document_and_few_lines(story: tuple[Path, "subprocess.CompletedProcess[str]"]) -> None:
    folder, done = story
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert Path(folder, said["bundle"], "weights.safetensors").exists()
    names = [rival["name"] for rival in said["evidence"]["rivals"]]
    assert names[0] == "delivered model" and "majority class" in names
    assert said["evidence"]["verdicts"]
    lines = done.stderr.splitlines()
    assert len(lines) < 40
    for part in ('target "label": 2 classes (food, music)', "baselines", "search", "refit", "test"):
        assert part in lines
    assert sum("trial 1 " in line for line in lines) >= 1


def test_the_model_predicts_and_is_measured(
    story: tuple[Path, "subprocess.CompletedProcess[str]"], run: Run, tmp_path: Path
) -> None:
    bundle = story[0] / "run"
    fresh = write_csv(tmp_path / "fresh.csv", 30, seed=1)
    code, out, err = run("predict", bundle, fresh)
    assert code == 0, err
    pairs = zip(*(csv.DictReader(io.StringIO(text)) for text in (out, fresh.read_text())), strict=True)
    share = sum(found["label"] == given["label"] for found, given in pairs) / 30
    assert share > 0.8
    assert json.loads(run("evaluate", bundle, fresh, "--json")[1])["accuracy"]["value"] == pytest.approx(share)


def test_what_was_tried_can_be_looked_at(story: tuple[Path, "subprocess.CompletedProcess[str]"], run: Run) -> None:
    folder = story[0] / "run"
    code, out, _ = run("leaderboard", folder)
    assert code == 0
    assert "words > " in out and "portfolio: " in out
    (row,) = json.loads(run("leaderboard", folder, "--json")[1])
    assert row["rank"] == 1 and row["score"] > 0.6 and row["candidate"]["kind"] == "candidate"
    assert run("show", folder, "--as", "line")[1].strip() == row["architecture"]


def test_a_finished_run_is_extended_and_test_read_twice(
    story: tuple[Path, "subprocess.CompletedProcess[str]"], run: Run
) -> None:
    folder = story[0] / "run"
    code, out, err = run("resume", folder)
    assert code == 0
    assert "This run is finished." in err
    assert "On test: 8 examples, 95 % intervals" in out and "majority class" in out
    assert f"seqwright predict {folder} NEW.csv" in out.replace("\n", " ")
    code, _, err = run("resume", folder, "--budget", "+10m")
    assert code == 2
    assert err == (
        'seqwright: "+10m" cannot be added to a budget of 1 trial: the one counts time, the other trials. '
        'Add trials, for instance "+20trials".\n'
    )
    code, out, err = run("resume", folder, "--budget", "+1trial", "-q")
    assert (code, err) == (0, "")
    assert len(json.loads(run("leaderboard", folder, "--json")[1])) == 2


def test_the_same_folder_for_other_data(
    story: tuple[Path, "subprocess.CompletedProcess[str]"], run: Run, texts: Path
) -> None:
    code, _, err = run("fit", texts, "-o", story[0] / "run", "--budget", "1trial")
    assert code == 1
    assert "holds a study with other settings" in err and "choose another folder" in err

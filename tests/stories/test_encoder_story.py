"""A run with a pretrained encoder: a file and a checkpoint's folder go in, a model comes out that needs neither."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import story_data
from benchmarks.kills import outcome

from seqwright import api
from seqwright.arch.encoders import HeadedEncoder
from seqwright.data.activations import default_folder
from seqwright.deliver import bundle
from seqwright.deliver.show import Quiet
from seqwright.errors import BundleError, InputError
from seqwright.study.store import Study
from seqwright.testing.encoder import tiny_encoder

FROZEN, PLAIN = "frozen encoder + logistic regression", "plain fine-tuning"
HEADS = {
    "workers": 1,
    "ban": ("sequence", "bag", "recurrence", "convolution"),
}  # every network has the encoder, and is quick
NEW = ["red key0", "", "old key2 key2", "never seen before " * 40]


class Noted(Quiet):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def found(self, finding: Any) -> None:
        self.said.append(finding.text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data of 120 rows with 30 to validate and to test on, and an encoder that knows their words."""
    folder = tmp_path_factory.mktemp("encoder-story")
    words = [*story_data.WORDS, *(f"key{k}" for k in range(3))]
    rng = Random(0)
    tiny_encoder(folder / "encoder", texts=[" ".join(rng.choices(words, k=8)) for _ in range(50)])
    story_data.text(folder / "text.csv", noise=0.2)
    story_data.pairs(folder / "pairs.csv")
    for part in ("valid", "test"):
        story_data.text(folder / f"text-{part}.csv", 30)
        story_data.pairs(folder / f"pairs-{part}.csv", 30)
    return folder


def fit(folder: Path, run: Path, kind: str = "text", encoder: "Path | str | None" = None, **options: Any) -> api.Result:
    data = {"data": folder / f"{kind}.csv"} | {part: folder / f"{kind}-{part}.csv" for part in ("valid", "test")}
    columns = {"task": "text-pairs", "text": "first,second"} if kind == "pairs" else {}
    given = {"encoder": str(encoder or folder / "encoder"), "budget": "6trials"} | HEADS | columns | options
    return api.fit(**data, folder=run, **given)


@pytest.fixture(scope="module")
def told(folder: Path) -> tuple[api.Result, Noted]:
    show = Noted()
    return fit(folder, folder / "run", show=show), show


def ends_well(result: api.Result) -> None:
    """What every run with an encoder has to leave behind."""
    with Study.open(result.folder) as study:
        trials = study.trials()
        assert not study.pending() and len(study.readings()) == 1
    assert not [t.error for t in trials if t.error]
    assert isinstance(trials[0].proposal.candidate.architecture, HeadedEncoder)
    assert PLAIN in trials[0].proposal.why, "the search's first trial is a baseline too"
    assert result.evidence is not None
    rivals = {rival["name"]: rival for rival in result.evidence["rivals"]}
    assert {FROZEN, PLAIN} <= rivals.keys()
    assert all(rival["metrics"] and not rival["error"] for rival in rivals.values())
    board = result.leaderboard()
    assert any(isinstance(t.proposal.candidate.architecture, HeadedEncoder) for t in board)
    assert not list(result.folder.rglob("*.part"))


def test_text(told: tuple[api.Result, Noted], folder: Path) -> None:
    result, show = told
    ends_well(result)
    assert any("4 layers of 32 units (bert)" in said for said in show.said)
    fidelities = [t.proposal.fidelity.examples for t in result.leaderboard()]
    assert len(set(fidelities)) > 1, "promotions continue"
    labels, probabilities = api.predict(result.folder, NEW)
    assert len(labels) == 4 and set(labels) <= set(result.model.task.labels)
    assert probabilities.shape == (4, 3) and probabilities.sum(1) == pytest.approx(1.0, abs=1e-5)
    measured = api.evaluate(result.model, folder / "text-test.csv")
    assert result.evidence is not None
    assert measured["accuracy"]["value"] == pytest.approx(result.evidence["rivals"][0]["metrics"]["accuracy"]["value"])


ANSWERS = """
import json, sys
from seqwright import api
rows = json.load(sys.stdin)
for folder in sys.argv[1:]:
    print(api.predict(folder, rows)[1].tolist())
"""


def test_the_bundle_carries_its_encoder(told: tuple[api.Result, Noted], tmp_path: Path) -> None:
    """Moved, zipped and unzipped, it answers the same in a process that never saw the encoder's folder."""
    result, _ = told
    expected = api.predict(result.model, NEW)[1]
    shutil.copytree(result.folder / "best", tmp_path / "moved")
    bundle.from_bytes(result.model.to_bytes(), tmp_path / "unpacked")
    encoder = result.model.preparation.encoder
    assert encoder is not None and encoder.folder == result.folder / "best" / "encoder"
    original = result.folder.parent / "encoder"
    hidden = original.rename(original.with_name("hidden"))
    try:
        done = subprocess.run(
            [sys.executable, "-c", ANSWERS, str(tmp_path / "moved"), str(tmp_path / "unpacked")],
            input=json.dumps(NEW),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
    finally:
        hidden.rename(original)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 2
    for found in answers:
        np.testing.assert_allclose(found, expected, atol=1e-5)
    damaged = tmp_path / "moved" / "encoder" / "model.safetensors"
    damaged.unlink()
    with pytest.raises(BundleError, match=r"lacks encoder/model\.safetensors. Copy the whole folder"):
        bundle.load(tmp_path / "moved")


def test_pairs(folder: Path) -> None:
    show = Noted()
    result = fit(folder, folder / "pairs", "pairs", budget="3trials", show=show)
    ends_well(result)
    labels, probabilities = api.predict(result.model, folder / "pairs-test.csv")
    assert len(labels) == len(probabilities) == 30
    assert bundle.from_bytes(result.model.to_bytes(), folder / "unpacked").task.kind == "text-pairs"


KILLED = """
import sys
from pathlib import Path
sys.path[:0] = {paths!r}
from test_encoder_story import fit
from benchmarks.killed_run import Saving, Spoken
from seqwright.deliver import machine

if __name__ == "__main__":
    machine.FullEvaluator = Saving
    fit(Path(sys.argv[1]), Path(sys.argv[2]), show=Spoken())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_killed_and_begun_again_it_ends_the_same(told: tuple[api.Result, Noted], folder: Path, tmp_path: Path) -> None:
    """With a cache of its own, so that the second command finds what the first one kept and computes the rest."""
    here = Path(__file__).parent
    program = tmp_path / "killed.py"
    program.write_text(KILLED.format(paths=[str(here), *sys.path]))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "SEQWRIGHT_CACHE": str(tmp_path / "cache")}
    for lines in (3, 9, None):  # amid the baselines, amid the search, not at all
        command = [sys.executable, str(program), str(folder), str(tmp_path / "run")]
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        assert process.stdout is not None
        for _ in range(lines or 0):
            assert process.stdout.readline()
        if lines:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == (-signal.SIGKILL if lines else 0), errors
    whole, broken = outcome(told[0].folder), outcome(tmp_path / "run")
    assert [name for name in whole if whole[name] != broken.get(name)] == []


def test_none_leaves_the_encoder_out(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So does an environment that names none; one that names another is used."""
    small: dict[str, Any] = {"budget": "1trial", "workers": 1, "ban": (), "space": "tiny"}
    result = fit(folder, tmp_path / "none", encoder="none", **small)
    assert result.evidence is not None
    assert not {FROZEN, PLAIN} & {rival["name"] for rival in result.evidence["rivals"]}
    assert not (result.folder / "best" / "encoder").exists()
    assert result.model.preparation.encoder is None
    monkeypatch.setenv("SEQWRIGHT_ENCODER", str(folder / "encoder"))
    show = Noted()
    fit(folder, tmp_path / "environment", encoder="auto", show=show, **small)
    assert any(said.startswith("encoder ") for said in show.said)


def test_few_rows_are_judged_on_folds_and_nothing_need_be_kept(folder: Path, tmp_path: Path) -> None:
    data = story_data.text(tmp_path / "few.csv", 60)
    before = {path: path.stat().st_mtime_ns for path in default_folder().rglob("*") if path.is_file()}
    show = Noted()
    options = HEADS | {"budget": "1trial", "encoder": str(folder / "encoder"), "feature_cache_gib": 0.0}
    result = api.fit(data, folder=tmp_path / "run", show=show, **options)
    ends_well(result)
    assert any("5-fold" in said for said in show.said)
    assert before == {path: path.stat().st_mtime_ns for path in default_folder().rglob("*") if path.is_file()}
    assert len(api.predict(result.folder, NEW)[0]) == 4


def test_the_published_space(folder: Path, tmp_path: Path) -> None:
    narrow = {"space": "bert-head", "ban": ("attentionstage", "convstage"), "budget": "2trials"}
    with pytest.raises(InputError, match=r"bert-head.*encoder.*--encoder"):
        fit(folder, tmp_path / "without", encoder="none", **narrow)
    result = fit(folder, tmp_path / "run", **narrow)
    with Study.open(result.folder) as study:
        trials = study.trials()
    assert len(trials) == 2 and not [t.error for t in trials if t.error]
    assert all(isinstance(t.proposal.candidate.architecture, HeadedEncoder) for t in trials)
    assert len(api.predict(result.folder, NEW)[0]) == 4


def test_texts_longer_than_the_window_are_told_of(folder: Path, tmp_path: Path) -> None:
    long = tmp_path / "long.csv"
    rows = (folder / "text.csv").read_text().splitlines()
    apart = [row.rsplit(",", 1) for row in rows[1:31]]
    long.write_text("\n".join([*rows, *[f"{' '.join([text] * 30)},{label}" for text, label in apart]]) + "\n")
    show = Noted()
    options = HEADS | {"budget": "1trial", "encoder": str(folder / "encoder")}
    api.fit(long, valid=folder / "text-valid.csv", split=(80, 20, 0), folder=tmp_path / "run", show=show, **options)
    assert any("more than the 64 pieces that the encoder reads at once" in said for said in show.said)


def test_a_run_whose_encoder_is_gone_or_another_says_so(folder: Path, tmp_path: Path) -> None:
    encoder = tmp_path / "encoder"
    shutil.copytree(folder / "encoder", encoder)
    fit(folder, tmp_path / "run", encoder=encoder, budget="1trial")
    encoder.rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"cannot be read any more .* Put it back"):
        api.resume(tmp_path / "run", "+1trial")
    tiny_encoder(encoder, seed=1)
    with pytest.raises(InputError, match=r"is now another one. Put it back"):
        api.resume(tmp_path / "run", "+1trial")
    shutil.rmtree(encoder)
    (tmp_path / "elsewhere").rename(encoder)
    api.resume(tmp_path / "run", "+1trial")
    assert len(api.predict(tmp_path / "run", NEW)[0]) == 4

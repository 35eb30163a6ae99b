"""The whole story, for every task: a file goes in, a model that predicts comes out, whatever happens on the way."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import story_data

from seqwright import api
from seqwright.data.examples import Examples
from seqwright.deliver import bundle
from seqwright.deliver.show import Quiet
from seqwright.study.store import Study

HERE = Path(__file__).parent
SMALL: dict[str, Any] = {"budget": "4trials", "workers": 2}


class Noted(Quiet):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.stages: list[str] = []
        self.baselines: list[dict[str, Any]] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def stage(self, name: str, ends_s: "float | None", spent_s: float) -> None:
        self.stages.append(name)

    def baseline(self, result: "dict[str, Any]") -> None:
        self.baselines.append(result)


def ends_well(folder: Path, result: api.Result, trials: int = 4) -> bundle.Model:
    """What every run has to leave behind."""
    with Study.open(folder) as study:
        assert len(study.trials()) == trials and not study.pending()
        assert not any(t.error for t in study.trials())
        assert len(study.readings()) == 1
    assert result.evidence is not None and result.evidence["verdicts"]
    names = [rival["name"] for rival in result.evidence["rivals"]]
    assert names[0] == "delivered model" and len(names) >= 3
    assert not list(folder.rglob("*.part"))
    card = (folder / "best" / "card.md").read_text()
    assert "test split: read once" in card and "delivered model" in card
    assert len(result.leaderboard()) >= 1
    return result.model


def test_text(tmp_path: Path) -> None:
    show = Noted()
    result = api.fit(story_data.text(tmp_path / "text.csv"), folder=tmp_path / "run", show=show, space="tiny", **SMALL)
    model = ends_well(tmp_path / "run", result)
    assert show.stages == ["data", "baselines", "search", "refit", "test"]
    labels, probabilities = api.predict(tmp_path / "run", ["red key0", "", "old key2 key2"])
    assert len(labels) == 3 and set(labels) <= set(model.task.labels)
    assert probabilities.shape == (3, 3) and probabilities.sum(1) == pytest.approx(1.0, abs=1e-5)
    measured = api.evaluate(model, tmp_path / "text.csv")
    assert measured["accuracy"]["low"] <= measured["accuracy"]["value"] <= measured["accuracy"]["high"]

    # The same call again has nothing to do, and says so.
    again = Noted()
    repeated = api.fit(tmp_path / "text.csv", folder=tmp_path / "run", show=again, space="tiny", **SMALL)
    assert again.stages == [] and "This run is finished" in again.said[0] and "resume" in again.said[0]
    assert (repeated.score, repeated.evidence) == (result.score, result.evidence)

    # More budget goes on where it stopped, and test is read a second time.
    more = api.resume(tmp_path / "run", "+2trials")
    with Study.open(tmp_path / "run") as study:
        assert len(study.trials()) == 6 and len(study.readings()) == 2
    assert "test split: read 2 times" in (tmp_path / "run" / "best" / "card.md").read_text()
    assert more.evidence is not None and "read once before" in more.evidence["verdicts"][-1]
    assert more.model.predict(Examples({"text": ["red key1"]}))


def test_pairs(tmp_path: Path) -> None:
    data = story_data.pairs(tmp_path / "pairs.csv")
    valid = story_data.pairs(tmp_path / "valid.csv", 40)
    fix = ("/architecture/*/body/width=32",)
    columns = {"task": "text-pairs", "text": "first,second"}
    result = api.fit(data, valid=valid, folder=tmp_path / "run", ban=("lstm", "attention"), fix=fix, **columns, **SMALL)
    model = ends_well(tmp_path / "run", result)
    assert model.task.kind == "text-pairs"
    labels, probabilities = api.predict(model, data)
    assert len(labels) == len(probabilities) == 120


def test_tagging(tmp_path: Path) -> None:
    data = story_data.tagging(tmp_path / "train.conll")
    valid = story_data.tagging(tmp_path / "valid.conll", 30)
    fix = ("/architecture/body/width=32",)
    result = api.fit(data, valid=valid, folder=tmp_path / "run", ban=("lstm", "attention"), fix=fix, **SMALL)
    model = ends_well(tmp_path / "run", result)
    tokens = [["red", "big"], ["new"], ["never", "seen", "red", "fast"]]
    assert [len(tags) for tags in model.predict(Examples({"tokens": tokens}))] == [2, 1, 4]
    assert [p.shape for p in model.probabilities(Examples({"tokens": tokens}))] == [(2, 2), (1, 2), (4, 2)]


def test_series(tmp_path: Path) -> None:
    data = story_data.series(tmp_path / "train.npz")
    valid = story_data.series(tmp_path / "valid.npz", 30)
    fix = ("/architecture/*/body/width=32",)
    result = api.fit(data, valid=valid, folder=tmp_path / "run", ban=("lstm", "attention"), fix=fix, **SMALL)
    model = ends_well(tmp_path / "run", result)
    waves = [np.stack([np.sin(k * np.arange(n)), np.zeros(n)], 1).astype(np.float32) for k, n in ((1, 9), (2, 30))]
    assert set(model.predict(Examples({"series": waves}))) <= {"slow", "fast"}


INTERRUPTED = """
import sys
from pathlib import Path
from seqwright import api
from seqwright.deliver.show import Quiet

class Spoken(Quiet):
    def trial(self, trial): print("trial", flush=True)

def main():
    data, valid, folder = sys.argv[1:]
    api.fit(data, valid=valid, folder=folder, space="tiny", budget="500trials", workers=2, show=Spoken())
    print("ended", flush=True)

if __name__ == "__main__":
    main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_delivers_the_best_so_far(tmp_path: Path, number: signal.Signals) -> None:
    data = story_data.text(tmp_path / "text.csv")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    valid = story_data.text(tmp_path / "valid.csv", 30)
    program = [sys.executable, "-c", INTERRUPTED, str(data), str(valid), str(tmp_path / "run")]
    process = subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(2):
        assert process.stdout.readline() == "trial\n"
    process.send_signal(number)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert said.splitlines()[-1] == "ended"
    with Study.open(tmp_path / "run") as study:
        assert 2 <= len(study.trials()) < 20
        ((_, delivered),) = study.events("delivered")
        assert delivered["stopped"], "so that the same command goes on"
    labels, _ = api.predict(tmp_path / "run", ["red key0"])
    assert len(labels) == 1


def test_a_baseline_that_ran_out_of_time_is_run_again(tmp_path: Path) -> None:
    data, show = story_data.text(tmp_path / "text.csv"), Noted()
    small = SMALL | {"budget": "1s", "space": "tiny"}
    result = api.fit(data, folder=tmp_path / "run", show=show, **small)
    assert all("did not finish" in b["error"] for b in show.baselines)
    assert result.evidence and "Compared with NO baseline" in result.evidence["verdicts"][0]
    show = Noted()
    result = api.resume(tmp_path / "run", "+60s", show)
    assert [b["name"] for b in show.baselines if "score" in b]
    assert result.evidence and result.evidence["gains"]["best baseline"]


def test_a_crashing_baseline_is_shown_as_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers import `sitecustomize` when they begin, so there a baseline can be broken for real."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import os\n"
        "from seqwright.data.task import Baseline\n"
        "from seqwright.tasks.baselines import linear_text\n"
        "name = linear_text.linear_text(2, ('text',)).name\n"
        "linear_text.linear_text = lambda *_: Baseline(name, lambda *_: os.abort())\n"
    )
    monkeypatch.syspath_prepend(str(broken))
    show = Noted()
    data = story_data.text(tmp_path / "text.csv")
    valid = story_data.text(tmp_path / "valid.csv", 30)
    small = SMALL | {"budget": "1trial", "space": "tiny"}
    result = api.fit(data, valid=valid, folder=tmp_path / "run", show=show, **small)
    failed = {b["name"]: b["error"] for b in show.baselines if "error" in b}
    assert list(failed) == ["TF-IDF + logistic regression"]
    assert "signal 6" in failed["TF-IDF + logistic regression"]
    assert result.evidence is not None
    rows = {rival["name"]: rival for rival in result.evidence["rivals"]}
    assert "signal 6" in rows["TF-IDF + logistic regression"]["error"]
    assert result.evidence["gains"]["best baseline"]["name"] == "majority class"
    assert "| TF-IDF + logistic regression | failed: " in (tmp_path / "run" / "best" / "card.md").read_text()

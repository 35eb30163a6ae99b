"""A run that minds its costs: within limits, along the front, one network delivered; or told that nothing obeys."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import story_data

from seqwright import api
from seqwright.cli import main
from seqwright.deliver.show import Quiet
from seqwright.errors import InputError, SeqwrightError
from seqwright.search.objectives import is_beyond
from seqwright.study.store import Study

SMALL: dict[str, Any] = {"budget": "11trials", "workers": 1, "space": "tiny"}


class Said(Quiet):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def test_objectives_and_limits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, show = tmp_path / "run", Said()
    data = story_data.text(tmp_path / "text.csv", noise=0.2)
    costs = {"objective": ["latency_ms", "simplicity"], "limit": ["parameters=1.5k", "latency_ms=50ms"]}
    result = api.fit(data, valid=story_data.text(tmp_path / "valid.csv"), folder=folder, show=show, **costs, **SMALL)
    with Study.open(folder) as study:
        trials = study.trials()
        volumes = [told["hypervolume"] for _, told in study.events("front")]
        ((_, delivered),) = study.events("delivered")
    assert len(trials) == 11 and not any(t.failed for t in trials)
    assert all(t.costs["parameters"] <= 1500 and 0 < t.costs["latency_ms"] < 50 for t in trials)
    by_architecture: dict[Any, set[float]] = {}
    for trial in trials:
        by_architecture.setdefault(trial.proposal.candidate.architecture, set()).add(trial.costs["latency_ms"])
    assert all(len(measured) == 1 for measured in by_architecture.values())  # once, for all rungs
    assert volumes and volumes == sorted(volumes)
    assert set(delivered["costs"]) == {"latency_ms", "simplicity", "parameters"}
    assert delivered["costs"]["parameters"] <= 1500
    assert len(result.model.members) == 1  # an ensemble would cost more
    card = (folder / "best" / "card.md").read_text()
    assert "- costs: latency_ms" in card and "limits parameters=1.5k, latency_ms=50ms" in card
    assert any(line.startswith("what is delivered costs latency_ms") for line in show.lines)
    assert "nsga2 with asha" in card

    with pytest.raises(SystemExit) as left:
        main(["leaderboard", str(folder), "--front", "--json", "-o", str(tmp_path / "front.svg")])
    assert left.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert told["costs"] == ["latency_ms", "simplicity"] and told["hypervolume"] == volumes
    front = [(row["score"], row["costs"]["latency_ms"], row["costs"]["simplicity"]) for row in told["front"]]
    assert front == sorted(front, key=lambda row: -row[0])
    for i, (score, latency, parts) in enumerate(front):
        assert not any(a >= score and b <= latency and c <= parts for a, b, c in front[:i] + front[i + 1 :])
    svg = (tmp_path / "front.svg").read_text()
    assert ElementTree.fromstring(svg).tag.endswith("svg") and svg.count('r="5"') == len(front) and "latency_ms" in svg
    with pytest.raises(SystemExit):
        main(["leaderboard", str(folder), "--front"])
    assert "hypervolume" in capsys.readouterr().out


def test_nothing_obeys(tmp_path: Path) -> None:
    """What is too slow is measured and not trained; there is then nothing to deliver, and it is said."""
    data = story_data.text(tmp_path / "text.csv")
    with pytest.raises(SeqwrightError, match=r"No network that was tried obeys --limit latency_ms=1us.*latency_ms 0"):
        api.fit(data, folder=tmp_path / "run", limit=["latency_ms=1us"], **(SMALL | {"budget": "2trials"}))
    with Study.open(tmp_path / "run") as study:
        trials = study.trials()
    assert len(trials) == 2 and all(is_beyond(t) and t.costs["latency_ms"] > 0.001 for t in trials)
    assert not list((tmp_path / "run").glob("checkpoints/*"))


def test_a_limit_that_cannot_be_met_is_said_before_anything_is_spent(tmp_path: Path) -> None:
    data = story_data.text(tmp_path / "text.csv")
    with pytest.raises(InputError, match=r"No network of the space obeys --limit parameters=3\. The least .* Raise"):
        api.fit(data, folder=tmp_path / "run", limit=["parameters=3"], **SMALL)
    with pytest.raises(InputError, match=r"--limit parameters=.much. is no amount"):
        api.fit(data, folder=tmp_path / "other", limit=["parameters=much"], **SMALL)

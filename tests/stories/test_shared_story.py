"""A run that searches on shared weights: cut off in the middle it goes on, and says how far inherited scores hold."""

from pathlib import Path

import pytest
import story_data

from seqwright import api
from seqwright.arch.supernet import Supernet
from seqwright.deliver.show import Quiet
from seqwright.study.record import Trial
from seqwright.study.store import Study


class Impatient(Quiet):
    """Ends the search, as Ctrl-C would, with the trial of that number."""

    def __init__(self, number: int) -> None:
        self.number = number

    def trial(self, trial: Trial) -> None:
        if trial.proposal.number == self.number:
            raise KeyboardInterrupt


def test_a_run_on_shared_weights_resumes_and_reports_its_tau(tmp_path: Path) -> None:
    data, valid = (story_data.text(tmp_path / f"{name}.csv", 60, noise=0.2) for name in ("train", "valid"))
    asked = {
        "budget": "17trials",
        "space": "tiny",
        "strategy": "spos",
        "workers": 1,
        "valid": valid,
        "single": True,
        "fix": ("/recipe/learning_rate=0.01",),
    }
    with pytest.raises(KeyboardInterrupt):
        api.fit(data, folder=tmp_path / "cut", show=Impatient(4), **asked)
    result = api.fit(data, folder=tmp_path / "cut", **asked)
    with Study.open(result.folder) as study:
        stages = [t.proposal.fidelity.stage for t in study.trials()]
    assert stages == ["supernet"] + ["shared"] * 8 + ["full"] * 2 + ["shared"] * 6
    assert {t.proposal.fidelity.stage for t in result.leaderboard()} == {"full"}
    assert not any(isinstance(t.proposal.candidate.architecture, Supernet) for t in result.leaderboard())
    card = (result.folder / "best" / "card.md").read_text()
    assert "- compared: 2 candidates in 17 trials" in card
    assert "- shared weights: 14 candidates scored on a supernet's weights, Kendall's tau" in card

"""`seqwright refine`: a network, its rewritings and the verdict; and what it answers to mistakes."""

import json
from pathlib import Path
from random import Random

import pytest
from commands import Run, write_csv

from seqwright.api import refine
from seqwright.arch import codec
from seqwright.arch.blocks import Conv, FeedForward
from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.network import Body, Layer, Mean, Mlp, Network, Words
from seqwright.arch.rewriting import rewritings
from seqwright.arch.supernet import Supernet
from seqwright.deliver import bundle
from seqwright.deliver.refine import READ_BEFORE, data_of, finalists
from seqwright.deliver.show import Quiet
from seqwright.errors import InputError
from seqwright.nn.cheaper import measured
from seqwright.space.moves import sample
from seqwright.study.record import Fidelity, Proposal, Trial
from seqwright.study.store import Study

GIVEN = Candidate(
    Network(Words(), Body((Layer(Conv(7), FeedForward(2)),), width=16), Mean(), Mlp(layers=0)),
    Recipe(learning_rate=1e-2, batch_size=8),
)
SHORT = "--budget", "24trials", "--workers", 1, "-q"


class Impatient(Quiet):
    def stage(self, name: str, ends_s: "float | None", spent_s: float) -> None:
        if name == "baselines":
            raise RuntimeError("enough")


@pytest.fixture
def given(tmp_path: Path) -> Path:
    path = tmp_path / "given.json"
    path.write_text(codec.dumps(GIVEN))
    return path


def test_a_network_is_refined(run: Run, given: Path, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "texts.csv", 60)
    asked = "refine", given, "--data", data, "--target", "label", "-o", "once", *SHORT
    code, out, err = run(*asked)
    assert code == 0, err
    assert "once/refined.json" in out.replace("\n", "") and "Keep the " in out
    kept = codec.loads(Path("once/refined.json").read_text())
    (member,) = bundle.load("once").members
    assert member.candidate == kept
    with Study.open(Path("once")) as study:
        stages = [t.proposal.fidelity.stage for t in study.trials()]
        (verdict,) = [data for _, data in study.events("refined")]
    assert stages[:2] == ["full", "supernet"] and stages.count("shared") >= 6 and stages.count("full") >= 2
    assert verdict["kept"] == codec.identity(kept) and "Keep the " in verdict["said"]
    for cost in ("parameters", "flops"):
        assert verdict["rewriting"][cost] <= verdict["given"][cost]
    assert json.loads(run(*asked, "--json")[1])["refined"] == verdict
    sources, options = data_of(Path("once"))  # as `seqwright refine once` has them
    assert sources.data == str(data) and options["target"] == "label"
    with pytest.raises(RuntimeError, match="enough"):
        refine(kept, run="once", folder="twice", budget="8trials", show=Impatient())
    with Study.open(Path("twice")) as study:
        assert study.events(READ_BEFORE) == [(READ_BEFORE, 1)]


def test_where_no_rewriting_was_trained_the_best_judged_is_a_finalist() -> None:
    space = rewritings(GIVEN, measured, "cheaper")
    first, second = (c for c in (sample(space, Random(seed)) for seed in range(2)) if c != GIVEN)

    def trial(number: int, candidate: Candidate, score: float, stage: str = "shared", error: str = "") -> Trial:
        fidelity = Fidelity(0 if stage == "shared" else 100, 1, stage)
        return Trial(Proposal(candidate, fidelity, number=number), score, error=error)

    judged = [trial(1, GIVEN, 0.9), trial(2, first, 0.3), trial(3, second, 0.4), trial(4, first, 0.0, error="died")]
    given, supernet = trial(0, GIVEN, 0.7, "full"), trial(5, Candidate(Supernet(space), Recipe()), 0.8, "supernet")
    assert [t.proposal.number for t in finalists([given, supernet, *judged], space)] == [0, 3]
    trained = trial(6, first, 0.6, "full")
    assert [t.proposal.number for t in finalists([given, *judged, trained], space)] == [0, 6]
    assert [t.proposal.number for t in finalists([given], space)] == [0]


def test_mistakes_are_answered(run: Run, given: Path, texts: Path) -> None:
    code, _, err = run("refine", given)
    assert code == 2 and "is no run, so it has no data of its own. Give --data FILE." in err
    code, _, err = run("refine", given, "--data", texts, "--table", "cheapest")
    assert code == 2 and '--table "cheapest" is not known. Did you mean "cheaper"?' in err
    code, _, err = run("fit", texts, "--space", "tiny", "--strategy", "rewriter", "-o", "wrong", *SHORT)
    assert code == 2 and "knows spaces of rewritings alone. Give `seqwright refine" in err
    with pytest.raises(InputError, match="takes no objective, limit"):
        refine(GIVEN, texts, objective=("flops",), limit=("parameters=1k",))
    code, _, err = run("refine", "text/n-gram bag, linear", "--data", texts)
    assert code == 2 and "there is nothing to rewrite" in err
    code, _, err = run("refine", "series/bidirectional GRU", "--data", texts, "-o", "wrong", *SHORT)
    assert code == 2 and "The network to refine reads channels, and these data have " in err

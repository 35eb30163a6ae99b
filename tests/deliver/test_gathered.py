"""Who may be delivered: the finalists' networks, and examples that all of them answered."""

from pathlib import Path

import numpy as np
import pytest

from seqwright.arch import codec
from seqwright.arch.candidate import Candidate
from seqwright.arch.portfolio import portfolio
from seqwright.data.examples import Examples
from seqwright.deliver.allot import allot
from seqwright.deliver.delivery import deliver, gathered
from seqwright.deliver.ensemble import common
from seqwright.deliver.options import Options
from seqwright.deliver.protocol import protocol
from seqwright.deliver.refitting import Finals, earlier
from seqwright.deliver.run import Run
from seqwright.deliver.show import Quiet
from seqwright.errors import SeqwrightError
from seqwright.evaluate import predictions, workbench
from seqwright.evaluate.trial import state_path
from seqwright.evaluate.workbench import Workbench
from seqwright.search.budget import Budget
from seqwright.study.record import CUT_SHORT, Fidelity, Proposal, Trial
from seqwright.study.store import Study
from seqwright.tasks.text_classification import TextClassification

FIRST, SECOND = (candidate for _, candidate in portfolio("text")[:2])


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """Enough rows that the search is judged on one split, and each refit on another fold."""
    count = 1200
    examples = Examples({"text": [f"text {i}" for i in range(count)]}, np.arange(count) % 2, rows=np.arange(count))
    cut = protocol(examples, None, None, (0.9, 0.1, 0.0))
    folder = tmp_path_factory.mktemp("bench")
    task = TextClassification(("a", "b"))
    return workbench.build(folder, task, cut.development, None, cut.folds, cut.searched, cut.fit_on, seed=0)


def trained(
    bench: Workbench,
    folder: Path,
    number: int,
    candidate: Candidate,
    seed: int = 0,
    swept: bool = False,
    note: str = "",
) -> Trial:
    """A trial with answers on the fold of its seed, and a training state unless that was swept."""
    stage = "refit" if seed else "full"
    valid = bench.folds[seed % len(bench.folds)][1]
    predictions.save(folder, number, valid, np.full((len(valid), 2), 0.5))
    state = state_path(folder, codec.identity(candidate), stage, seed, seed % len(bench.folds))
    state.parent.mkdir(parents=True, exist_ok=True)
    if not swept:
        state.touch()
    proposal = Proposal(candidate, Fidelity(100, 1, stage), seed=seed, number=number)
    return Trial(proposal, 0.5, notes=(note,) if note else ())


def test_swept_weights_leave_common_ground(bench: Workbench, tmp_path: Path) -> None:
    """One was not refitted to its end, the other's network of the search was swept: they share the search's split."""
    refits = tmp_path / "refits"
    searched = [trained(bench, tmp_path, 0, FIRST), trained(bench, tmp_path, 1, SECOND, swept=True)]
    refitted = [trained(bench, refits, 0, FIRST, seed=1, note=CUT_SHORT), trained(bench, refits, 1, SECOND, seed=1)]
    found = gathered(bench, tmp_path, Finals(searched, refitted, refits))
    assert [len(finalist.states) for finalist in found.values()] == [1, 1]
    index, _ = common({name: finalist.answers for name, finalist in found.items()})
    assert index.tolist() == bench.folds[0][1].tolist()


def test_one_without_any_weights_is_no_finalist(bench: Workbench, tmp_path: Path) -> None:
    searched = [trained(bench, tmp_path, 0, FIRST), trained(bench, tmp_path, 1, SECOND, swept=True)]
    found = gathered(bench, tmp_path, Finals(searched, [], tmp_path / "refits"))
    assert [finalist.candidate for finalist in found.values()] == [FIRST]


def test_half_a_refit_is_better_than_none(bench: Workbench, tmp_path: Path) -> None:
    refits = tmp_path / "refits"
    searched = [trained(bench, tmp_path, 0, FIRST, swept=True)]
    refitted = [trained(bench, refits, 0, FIRST, seed=1, note=CUT_SHORT)]
    found = gathered(bench, tmp_path, Finals(searched, refitted, refits))
    assert [len(finalist.states) for finalist in found.values()] == [1]


def kept(folder: Path, refitted: list[Trial]) -> Path:
    """The refits of one delivery in a study of their own."""
    with Study.create(folder, {}) as inner, inner.lease():
        inner.propose([trial.proposal for trial in refitted])
        for trial in refitted:
            inner.record(trial)
    return folder


@pytest.mark.parametrize(("before", "after"), [(3, 1), (2, 2), (1, 3)])
def test_refits_of_earlier_deliveries_count_when_they_are_more(
    bench: Workbench, tmp_path: Path, before: int, after: int
) -> None:
    """A short addition to the budget does not lose what the longer one before it had time for."""
    searched = [trained(bench, tmp_path, 0, FIRST)]
    with Study.create(tmp_path, {}) as study, study.lease():
        study.propose([searched[0].proposal])
        study.record(searched[0])
        for place, count in enumerate((before, after)):
            folder = tmp_path / "refits" / str(place)
            refitted = [trained(bench, folder, n, FIRST, seed=n + 1) for n in range(count)]
            kept(folder, refitted)
            study.event("finals", {"for": [place, ""], "finalists": [0], "refits": []})
        found = earlier(study, Finals(searched, refitted, folder))
    assert [len(finals.refitted) for finals in found] == ([before] if before > after else [])
    for finals in found:
        (finalist,) = gathered(bench, tmp_path, finals).values()
        assert len(finalist.states) == 1 + before


@pytest.mark.parametrize(("stopped", "remedy"), [(True, "The same command goes on"), (False, "Give a larger budget")])
def test_with_nothing_to_deliver_the_remedy_is_of_the_cause(
    bench: Workbench, tmp_path: Path, stopped: bool, remedy: str
) -> None:
    with Study.create(tmp_path, {}) as study:
        run = Run(study, Options.of(), Budget.parse("1trial"), allot(None), Quiet(), lambda: stopped)
        with pytest.raises(SeqwrightError, match=remedy):
            deliver(run, bench, Finals([], [], tmp_path / "refits"), {})

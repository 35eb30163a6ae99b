"""A run's trials arrive in an optuna storage whole, once, and as optuna's own tools expect them."""

import json
import math
from pathlib import Path

import optuna
import pytest

from seqwright import cli
from seqwright.arch.codec import loads, space_to_data
from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import named
from seqwright.deliver.optuna_export import NUMBER, export
from seqwright.deliver.searching import SPACE
from seqwright.errors import StudyError
from seqwright.search.evolution import Evolution
from seqwright.search.halving import Asha, ladder
from seqwright.search.optuna_space import shown
from seqwright.space.census import questions
from seqwright.space.fill import answers
from seqwright.space.nodes import Choice
from seqwright.study.record import UNJUDGED, Fidelity, Proposal, Trial
from seqwright.study.store import Study
from seqwright.testing.strategy import Game, score

TEXT, RUNGS = named("text"), ladder(900)
SETTINGS = {"options": {"strategy": "evolution", "seed": 0, "split": [80, 10, 10]}, "digests": ["abc"]}


def judged(proposal: Proposal) -> Trial:
    if proposal.number % 7 == 3:
        return Trial(proposal, -math.inf, seconds=1.0, error="diverged\nat step 3")
    value, most = score(proposal.candidate), proposal.fidelity.examples
    curve = ((most / 2, 0.7, value / 2), (float(most), math.nan, value))
    return Trial(proposal, value, {"accuracy": value}, {"parameters": 1e6, "odd": math.inf}, 2.0, curve, ("a note",))


def told(folder: Path, trials: int) -> list[Trial]:
    """A run's study with so many trials, as a search leaves it."""
    game = Game(Asha(Evolution(TEXT, portfolio=portfolio("text")), RUNGS), judged).play(trials)
    with Study.begin(folder, SETTINGS) as study, study.lease():
        study.once(SPACE, lambda: space_to_data(TEXT))
        study.once("rungs", lambda: [[r.examples, r.folds] for r in RUNGS])
        there = len(study.proposals())
        study.propose(game.proposals[there:])
        for trial in game.told:
            study.record(trial)
    return game.told


def opened(folder: Path, name: str = "run") -> optuna.Study:
    return optuna.load_study(study_name=name, storage=f"sqlite:///{folder / 'optuna.db'}")


def test_every_trial_arrives_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    trials = told(tmp_path / "run", 30)
    done = export(tmp_path / "run")
    assert (done.new, done.old, done.name) == (30, 0, "run")
    study = opened(tmp_path / "run")
    assert study.direction.name == "MAXIMIZE" and study.user_attrs["strategy"] == "evolution"
    assert len(study.trials) == 30
    for ours, theirs in zip(trials, study.trials, strict=True):
        assert theirs.user_attrs[NUMBER] == ours.proposal.number
        assert loads(theirs.user_attrs["candidate"]) == ours.proposal.candidate
        assert theirs.user_attrs["why"] == ours.proposal.why and theirs.user_attrs["start"] == ours.proposal.start
        asked = {p: i for p, i in answers(TEXT, ours.proposal.candidate).items() if len(questions(TEXT)[p].options) > 1}
        assert theirs.params.keys() == asked.keys()
        for path, index in asked.items():
            question = questions(TEXT)[path]
            option, value = question.options[index], theirs.params[path]
            assert value == (
                option if question.ordered and isinstance(option, int | float) else question.labels()[index]
            )
        assert (theirs.state.name == "FAIL") == ours.failed
        if ours.failed:
            assert theirs.user_attrs["error"] == ours.error and theirs.value is None
            continue
        top = ours.proposal.fidelity == RUNGS[-1]
        assert theirs.state.name == ("COMPLETE" if top else "PRUNED")
        most = ours.proposal.fidelity.examples
        assert theirs.intermediate_values == {most // 2: ours.score / 2, most: ours.score}
        assert theirs.user_attrs["metric:accuracy"] == ours.score and theirs.user_attrs["notes"] == ["a note"]
        assert "cost:odd" not in theirs.user_attrs
        assert theirs.duration is not None and abs(theirs.duration.total_seconds() - 2.0) < 1e-3
    complete = [t for t in trials if not t.failed and t.proposal.fidelity == RUNGS[-1]]
    assert complete and study.best_value == max(t.score for t in complete)


def test_again_adds_only_what_is_new(tmp_path: Path) -> None:
    told(tmp_path / "run", 10)
    assert export(tmp_path / "run").new == 10
    told(tmp_path / "run", 14)
    again = export(tmp_path / "run")
    assert (again.new, again.old) == (4, 10)
    assert [t.user_attrs[NUMBER] for t in opened(tmp_path / "run").trials] == list(range(14))


def test_refits_are_no_trials_of_the_search(tmp_path: Path) -> None:
    trials = told(tmp_path / "run", 5)
    best = trials[0].proposal.candidate
    with Study.open(tmp_path / "run") as study, study.lease():
        for number, notes in ((5, ()), (6, (UNJUDGED,))):
            proposal = Proposal(best, Fidelity(900, 1, "refit"), "refit", seed=number, number=number)
            study.propose([proposal])
            study.record(Trial(proposal, 0.0 if notes else 0.9, notes=notes))
    export(tmp_path / "run")
    refit, unjudged = opened(tmp_path / "run").trials[5:]
    assert refit.state.name == unjudged.state.name == "PRUNED"
    assert refit.intermediate_values == {900: 0.9} and unjudged.intermediate_values == {}
    assert refit.user_attrs["stage"] == "refit"


def test_optunas_own_tools_read_it(tmp_path: Path) -> None:
    told(tmp_path / "run", 60)
    export(tmp_path / "run")
    study = opened(tmp_path / "run")
    frame = study.trials_dataframe()
    assert len(frame) == 60 and "params_/recipe/learning_rate" in frame
    space = optuna.search_space.intersection_search_space(study.get_trials(deepcopy=False))
    assert space["/recipe/learning_rate"] == optuna.distributions.FloatDistribution(3e-4, 3e-2, log=True)
    assert isinstance(space["/architecture"], optuna.distributions.CategoricalDistribution)


def test_scales_are_shown_as_numbers_and_the_rest_as_labels() -> None:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    assert shown(Choice((32, 64, 512), ordered=True))[0] == IntDistribution(32, 512, log=True)
    assert shown(Choice((0.0, 0.1, 0.5), ordered=True))[0] == FloatDistribution(0.0, 0.5)
    assert shown(Choice((1, 2.5), ordered=True)) == (FloatDistribution(1.0, 2.5), (1.0, 2.5))
    assert shown(Choice((True, False))) == (CategoricalDistribution(("True", "False")), ("True", "False"))
    assert shown(Choice((3, 5)))[0] == CategoricalDistribution(("3", "5"))
    assert shown(Choice((False, True), ordered=True))[0] == CategoricalDistribution(("False", "True"))


def test_what_cannot_be_exported_is_said(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="There is no folder"):
        export(tmp_path / "nothing")
    Study.create(tmp_path / "new", SETTINGS).close()
    with pytest.raises(StudyError, match="has not begun to search"):
        export(tmp_path / "new")
    told(tmp_path / "run", 3)
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    optuna.create_study(storage=url, study_name="run").add_trial(optuna.create_trial(value=1.0))
    with pytest.raises(StudyError, match='has a study "run" that is not of this run'):
        export(tmp_path / "run", storage=url)
    assert export(tmp_path / "run", storage=url, name="mine").new == 3
    with pytest.raises(StudyError, match="cannot be used as optuna's storage"):
        export(tmp_path / "run", storage="nonsense://x")
    with pytest.raises(StudyError, match="cannot be used as optuna's storage"):
        export(tmp_path / "run", storage=f"sqlite:///{tmp_path}/no/such/folder/optuna.db")


def test_the_command(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told(tmp_path / "run", 4)

    def run(*arguments: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as left:
            cli.main(["export-optuna", *arguments])
        said = capfd.readouterr()
        return left.value.code, said.out, said.err

    code, out, err = run("run", "--to", "out.db")
    assert code == 0 and not err
    assert out == f'4 trials written to study "run".\nlook    optuna-dashboard sqlite:///{tmp_path}/out.db\n'
    code, out, _ = run("run", "--to", "out.db", "--json")
    assert json.loads(out) == {"storage": f"sqlite:///{tmp_path}/out.db", "name": "run", "new": 0, "old": 4}
    code, _, err = run("run", "--to", "out.db", "--storage", "sqlite://")
    assert code == 2 and "Give one of them" in err

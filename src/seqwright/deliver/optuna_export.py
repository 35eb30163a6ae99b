"""A run's study as an optuna study, so that optuna-dashboard and optuna's plots can show it.

Every trial that ended becomes one of optuna's: its parameters are the answers by path, as values rather than ranks; its
intermediate values are the scores at each look, by examples seen; everything else is a user attribute. Trials at the
highest fidelity are complete, those that ended below are "pruned", for their scores do not compare. Exporting again
adds what ended since, so it can be repeated while a run searches.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqwright.arch.codec import dumps, identity, space_from_data
from seqwright.arch.show import line
from seqwright.deliver.searching import SPACE
from seqwright.errors import StudyError
from seqwright.search.optuna_space import optuna_or_say, quiet, shown
from seqwright.space.census import questions
from seqwright.space.fill import read
from seqwright.space.nodes import Space
from seqwright.study.record import UNJUDGED, Fidelity, Trial
from seqwright.study.store import Study

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

RUN, NUMBER = "seqwright:run", "seqwright:number"  # which run an optuna study is of, and which trial a trial


@dataclass(frozen=True)
class Exported:
    """Where a run went: the storage's URL, the optuna study's name, how many trials are new there and how many old."""

    storage: str
    name: str
    new: int
    old: int


def export(folder: Path | str, *, storage: str = "", name: str = "") -> Exported:
    """Write a run's trials to an optuna storage.

    Args:
        storage: an optuna storage URL; by default the file `optuna.db` in the run's folder.
        name: of the optuna study; the folder's by default.

    Raises:
        InputError: optuna is not installed.
        StudyError: there is no run, it has not begun to search, the storage cannot be used, or it has another study
            of that name.
    """
    optuna_or_say()
    folder = Path(folder)
    with Study.open(folder) as study:
        space, rungs = study.events(SPACE), study.events("rungs")
        trials, ended, settings = study.trials(), study.ended(), study.settings
    if not space:
        raise StudyError(f"{folder} has not begun to search, so there is nothing to export yet. Try again later.")
    writer = _Writer(space_from_data(space[0][1]), [Fidelity(*rung) for _, data in rungs for rung in data])
    storage = storage or f"sqlite:///{(folder / 'optuna.db').resolve()}"
    name = name or folder.resolve().name
    with _teaching(storage):
        target = _study(storage, name, settings)
        known = {trial.user_attrs.get(NUMBER) for trial in target.get_trials(deepcopy=False)}
        new = [trial for trial in trials if trial.proposal.number not in known]
        target.add_trials([writer.frozen(trial, ended[trial.proposal.number]) for trial in new])
    return Exported(storage, name, len(new), len(trials) - len(new))


class _Writer:
    """Turns our trials into optuna's."""

    def __init__(self, space: Space, rungs: Sequence[Fidelity]) -> None:
        self.space, self.highest = space, max(rungs, default=Fidelity(0))
        self.shown = {path: shown(question) for path, question in questions(space).items() if len(question.options) > 1}

    def frozen(self, trial: Trial, at: float) -> "FrozenTrial":
        from optuna.trial import FrozenTrial, TrialState

        state = TrialState.PRUNED
        if trial.failed:
            state = TrialState.FAIL
        elif UNJUDGED not in trial.notes and trial.proposal.fidelity == self.highest:
            state = TrialState.COMPLETE
        found = read(self.space, trial.proposal.candidate) or {}
        asked = {path: index for path, index in found.items() if path in self.shown}
        return FrozenTrial(
            number=-1,  # the storage numbers them
            trial_id=-1,
            state=state,
            value=trial.score if state == TrialState.COMPLETE else None,
            datetime_start=datetime.fromtimestamp(at - max(0.0, trial.seconds)),
            datetime_complete=datetime.fromtimestamp(at),
            params={path: self.shown[path][1][index] for path, index in asked.items()},
            distributions={path: self.shown[path][0] for path in asked},
            user_attrs=_attributes(trial),
            system_attrs={},
            intermediate_values=_looks(trial),
        )


def _looks(trial: Trial) -> dict[int, float]:
    """Scores by examples seen, the trial's own at the end; a score that is no number is left out."""
    looks = {int(look[0]): look[-1] for look in trial.curve if len(look) > 1}
    if not trial.failed and UNJUDGED not in trial.notes:
        looks.setdefault(max([trial.proposal.fidelity.examples, *looks]), trial.score)
    return {step: score for step, score in looks.items() if math.isfinite(score)}


def _attributes(trial: Trial) -> dict[str, Any]:
    """All that optuna has no place of its own for; numbers that JSON cannot hold are left out."""
    proposal, fidelity = trial.proposal, trial.proposal.fidelity
    told: dict[str, Any] = {
        NUMBER: proposal.number,
        "architecture": line(proposal.candidate),
        "id": identity(proposal.candidate),
        "why": proposal.why,
        "start": proposal.start,
        "parent": proposal.parent,
        "seed": proposal.seed,
        "examples": fidelity.examples,
        "folds": fidelity.folds,
        "stage": fidelity.stage,
        "seconds": trial.seconds,
        "error": trial.error,
        "notes": list(trial.notes),
        "candidate": dumps(proposal.candidate),
    }
    for kind, numbers in (("metric", trial.metrics), ("cost", trial.costs)):
        told |= {f"{kind}:{name}": float(value) for name, value in numbers.items()}
    return {name: v for name, v in told.items() if not (isinstance(v, float) and not math.isfinite(v))}


def _study(storage: str, name: str, settings: Mapping[str, Any]) -> "optuna.Study":
    """The optuna study of this run, begun or opened again."""
    optuna = optuna_or_say()
    run = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    with quiet():
        study = optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
    if not study.user_attrs and not study.get_trials(deepcopy=False):
        study.set_user_attr(RUN, run)
        for key, value in settings.get("options", {}).items():
            study.set_user_attr(key, value)
    if study.user_attrs.get(RUN) != run or study.direction.name != "MAXIMIZE":
        raise StudyError(f'{storage} has a study "{name}" that is not of this run. Give another --name, or --to.')
    return study


@contextmanager
def _teaching(storage: str) -> Iterator[None]:
    """A storage's own errors, of many libraries, as one of ours."""
    optuna = optuna_or_say()
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.OptunaError, ImportError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise StudyError(
            f"{storage} cannot be used as optuna's storage: {reason} Give a file with --to, such as optuna.db, "
            "or an SQLAlchemy URL with --storage, such as sqlite:///optuna.db."
        ) from error

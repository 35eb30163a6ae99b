"""What makes a run the same run: its sources, its options, its budget as it grew."""

import hashlib
import re
from functools import reduce
from pathlib import Path
from typing import Any

from seqwright.deliver.gather import Sources
from seqwright.deliver.options import Options
from seqwright.errors import DataError, InputError, StudyError
from seqwright.search.budget import Budget
from seqwright.study.database import FILE
from seqwright.study.store import Study

COMPARISON = "comparison"  # the event that says that a study is the data of several searches, and none itself


def begin(folder: Path, sources: Sources, options: Options) -> Study:
    """The study of this run, begun or opened again.

    Raises:
        StudyError: the folder holds a run of other data or options.
        InputError: the folder is of something else, whose folders a run might replace.
    """
    others = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if others and not (folder / FILE).exists():
        raise InputError(
            f"{folder} holds no run, but other folders ({', '.join(others[:3])}{', ...' if others[3:] else ''}). "
            "A run needs a folder of its own: give one that is empty or does not exist yet."
        )
    named = {"data": _named(sources.data), "valid": _named(sources.valid), "test": _named(sources.test)}
    digests = [_digest(source) for source in (sources.data, sources.valid, sources.test)]
    settings = {"options": options.fixed(), "sources": named, "digests": digests}
    study = Study.begin(folder, settings)
    told = [data for _, data in study.events("budget")]
    if not told or (str(Budget.parse(told[0])) != str(Budget.parse(options.budget))):
        study.event("budget", options.budget)
    return study


def budget_of(study: Study) -> Budget:
    """The budget as it stands: the first, and all that was added.

    Raises:
        StudyError: the study is a comparison, or a search of one.
    """
    told = [Budget.parse(data) for _, data in study.events("budget")]
    if not told or study.events(COMPARISON):
        raise StudyError(f"{study.folder} is of a comparison, which goes on with the same `seqwright compare`.")
    return reduce(Budget.plus, told)


def finished(study: Study) -> "dict[str, Any] | None":
    """What was noted when the budget, as it stands, was used up and a model delivered; None before that."""
    budget = str(budget_of(study))
    delivered = [data for _, data in study.events("delivered") if data["budget"] == budget and not data["stopped"]]
    return delivered[-1] if delivered else None


def extend(study: Study, budget: str) -> None:
    """Add to a run's budget ("+10m"), or put another in its place; once, however often an interrupted command is given.

    Raises:
        BudgetError: it means nothing, or is not of the run's own measure.
    """
    told = [data for _, data in study.events("budget")]
    if len(told) > 1 and told[-1] == budget and not finished(study):
        return
    budget_of(study).plus(Budget.parse(budget))
    study.event("budget", budget)


def fresh_folder(data: Any) -> Path:
    """`runs/NAME`, or `runs/NAME-2` and so on: the first that does not exist."""
    stem = Path(data).stem if isinstance(data, str | Path) else "run"
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", stem) or "run"
    folder, number = Path("runs") / stem, 2
    while folder.exists():
        folder, number = Path("runs") / f"{stem}-{number}", number + 1
    return folder


def _named(source: Any) -> "str | None":
    return str(Path(source).resolve()) if isinstance(source, str | Path) else None


def _digest(source: Any) -> "str | None":
    """Of a file's content; None for what is no file."""
    if not isinstance(source, str | Path):
        return None
    path = Path(source)
    if not path.is_file():
        return "absent"  # the reader says it better
    try:
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()[:16]
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error

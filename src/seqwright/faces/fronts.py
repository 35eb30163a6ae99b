"""`seqwright leaderboard --front`: who is beaten by nobody in everything, as a table, as JSON and as a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqwright.errors import InputError
from seqwright.study.record import Trial

if TYPE_CHECKING:
    from rich.table import Table

PLAIN = ("parameters",)  # what scores are shown against where the run was asked to lower nothing


def opened(folder: Path) -> "tuple[list[Trial], list[Trial], tuple[str, ...], list[float]]":
    """The front of a run, best score first; all its trials; the costs; and the hypervolumes as they rose.

    Raises:
        StudyError: there is no run in `folder`.
    """
    from seqwright.search.front import counts, front
    from seqwright.study.store import Study

    with Study.open(folder) as study:
        names = tuple(study.settings["options"].get("objective") or PLAIN)
        trials = [trial for trial in study.trials() if counts(trial)]
        return front(trials, names), trials, names, [data["hypervolume"] for _, data in study.events("front")]


def table(standing: "list[Trial]", names: "tuple[str, ...]") -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from seqwright.arch.show import line

    made = Table(box=box.SIMPLE_HEAD)
    for title in ("score", *names, "examples"):
        made.add_column(title, justify="right")
    made.add_column("architecture", ratio=3)
    for trial in standing:
        costs = [_amount(trial.costs[name]) if name in trial.costs else "" for name in names]
        examples = f"{trial.proposal.fidelity.examples:,}"
        made.add_row(f"{trial.score:.4f}", *costs, examples, Text(line(trial.proposal.candidate)))
    return made


def _amount(cost: float) -> str:
    return f"{cost:,.0f}" if abs(cost) >= 1000 else f"{cost:.4g}"


def picture(standing: "list[Trial]", trials: "list[Trial]", name: str) -> str:
    """SVG of scores against one cost.

    Raises:
        InputError: nothing of that cost is known.
    """
    from seqwright.arch.show import line
    from seqwright.faces.scatter import scatter

    def dots(given: "list[Trial]") -> "list[tuple[float, float, str]]":
        told: Any = [(t.costs.get(name), t.score, line(t.proposal.candidate)) for t in given]
        return [(x, y, words) for x, y, words in told if x is not None]

    if not dots(standing):
        raise InputError(f"No trial has {name} yet, so there is nothing to draw. Look again later.")
    return scatter(dots(trials), dots(standing), name)

"""The tables that people see at the end of a run and while it searches."""

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from seqwright.arch.show import line
from seqwright.study.record import Trial


def final(evidence: "dict[str, Any]") -> Table:
    """The delivered model beside its rivals on test (`Evidence.as_data`)."""
    table = Table(box=box.SIMPLE_HEAD, title=f"On test: {evidence['rows']:,} examples, 95 % intervals")
    names = list(next((r["metrics"] for r in evidence["rivals"] if r["metrics"]), {}))
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    for i, rival in enumerate(evidence["rivals"]):
        title = rival["name"] + (f" ({rival['said']})" if rival["said"] else "")
        if rival["metrics"]:
            cells = [_interval(rival["metrics"][name]) for name in names]
        else:
            cells = [f"failed: {rival['error']}".splitlines()[0][:60], *[""] * (len(names) - 1)]
        table.add_row(Text(title), *map(Text, cells), style="bold" if i == 0 else "")
    return table


def _interval(data: "dict[str, float]") -> str:
    return f"{data['value']:.3f} {_short(data['low'])}–{_short(data['high'])}"


def _short(value: float) -> str:
    """'.93': a bound in few characters, so that three metrics fit on a line."""
    return f"{value:.2f}".replace("0.", ".", 1)


def ranks(trials: Sequence[Trial], top: int) -> Table:
    """The leaderboard."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("", justify="right")
    table.add_column("score", justify="right")
    table.add_column("examples", justify="right")
    table.add_column("architecture", ratio=3)
    table.add_column("why", ratio=2)
    table.add_column("seconds", justify="right")
    for rank, trial in enumerate(trials[:top], 1):
        fidelity = trial.proposal.fidelity
        folds = f" x {fidelity.folds}" if fidelity.folds > 1 else ""
        table.add_row(
            str(rank),
            f"{trial.score:.4f}",
            f"{fidelity.examples:,}{folds}",
            Text(line(trial.proposal.candidate)),
            Text(trial.proposal.why),
            f"{trial.seconds:.1f}",
        )
    return table

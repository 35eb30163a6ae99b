"""A run on a terminal: what was found stays above, one line below moves: stage, clock, trials, best so far."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from rich import live
from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from seqwright.data.finding import Finding
from seqwright.deliver.allot import clock
from seqwright.deliver.evidence import Evidence
from seqwright.faces.progress import Progress, baseline_line
from seqwright.study.record import Trial


class Live:
    """Implements `deliver.show.Show` while it is entered.

    Args:
        total_s: of the whole budget; None where trials are counted.
    """

    def __init__(self, console: Console, total_s: "float | None") -> None:
        self._console, self._total_s = console, total_s
        self._progress = Progress()
        self._live = live.Live(console=console, refresh_per_second=4, transient=True, get_renderable=self._line)

    def __enter__(self) -> "Live":
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def found(self, finding: Finding) -> None:
        text = Text(finding.text, style="yellow" if finding.level == "warned" else "")
        self._console.print(text.append(f"  {finding.flag}", style="dim"))

    def say(self, text: str) -> None:
        self._console.print(Text(text))

    def stage(self, name: str, ends_s: "float | None", spent_s: float) -> None:
        if self._progress.done:
            self._console.print(Text(f"{self._progress.stage}: {self._progress.summary()}", style="bold"))
        self._progress.start(name, spent_s)
        self._live.refresh()

    def earlier(self, trials: Sequence[Trial]) -> None:
        self._progress.earlier(trials)

    def baseline(self, result: "dict[str, Any]") -> None:
        self._console.print(Text(baseline_line(result), style="red" if result.get("error") else ""))

    def trial(self, trial: Trial) -> None:
        if text := self._progress.add(trial):
            self._console.print(Text(text, overflow="ellipsis", no_wrap=True))

    def evidence(self, evidence: Evidence) -> None:
        pass  # the final table says it

    def _line(self) -> Table:
        spent_s = self._progress.clock_s()
        table = Table.grid(padding=(0, 2))
        cells: list[Any] = [Text(self._progress.stage, style="bold cyan")]
        if self._total_s is None:
            cells.append(clock(spent_s))
        else:
            cells.append(ProgressBar(total=self._total_s, completed=min(spent_s, self._total_s), width=30))
            cells.append(f"{clock(max(0.0, self._total_s - spent_s))} left")
        cells.append(self._progress.summary() if self._progress.done else "")
        table.add_row(*cells)
        return table

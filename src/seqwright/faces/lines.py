"""A run told in plain lines, for logs and pipes: one for every stage, and few for trials."""

from collections.abc import Sequence
from typing import IO, Any

from seqwright.data.finding import Finding
from seqwright.deliver.evidence import Evidence
from seqwright.faces.progress import Progress, baseline_line, stage_line
from seqwright.study.record import Trial


class Lines:
    """Writes to `stream`; implements `deliver.show.Show`."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._progress = Progress()

    def found(self, finding: Finding) -> None:
        level = "warning: " if finding.level == "warned" else ""
        self._write(f"{level}{finding.text}" + (f"  ({finding.flag})" if finding.flag else ""))

    def say(self, text: str) -> None:
        self._write(text)

    def stage(self, name: str, ends_s: "float | None", spent_s: float) -> None:
        if self._progress.done:
            self._write(f"{self._progress.stage}: {self._progress.summary()}")
        self._progress.start(name, spent_s)
        self._write(stage_line(name, ends_s))

    def earlier(self, trials: Sequence[Trial]) -> None:
        self._progress.earlier(trials)

    def baseline(self, result: "dict[str, Any]") -> None:
        self._write(baseline_line(result))

    def trial(self, trial: Trial) -> None:
        if text := self._progress.add(trial):
            self._write(text)

    def evidence(self, evidence: Evidence) -> None:
        pass  # the final table says it

    def _write(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

"""What a run tells whoever watches: one small protocol, and the watcher that says nothing."""

from collections.abc import Sequence
from typing import Any, Protocol

from seqwright.data.finding import Finding
from seqwright.deliver.evidence import Evidence
from seqwright.study.record import Trial


class Show(Protocol):
    """Called from the main thread, in the order of the story."""

    def found(self, finding: Finding) -> None:
        """Something was inferred about the data, or is to be warned of."""
        ...

    def say(self, text: str) -> None:
        """One line of progress in words."""
        ...

    def stage(self, name: str, ends_s: "float | None", spent_s: float) -> None:
        """A part of the run begins; it is over at `ends_s` seconds of the budget, if there is a clock."""
        ...

    def earlier(self, trials: Sequence[Trial]) -> None:
        """The stage that began goes on after these, which ended in an earlier command."""
        ...

    def baseline(self, result: "dict[str, Any]") -> None:
        """A baseline ended: {"name", "score", "seconds", "said"} or {"name", "error"}."""
        ...

    def trial(self, trial: Trial) -> None:
        """A trial ended."""
        ...

    def evidence(self, evidence: Evidence) -> None:
        """Test was read."""
        ...


class Quiet:
    """Says nothing."""

    def found(self, finding: Finding) -> None:
        pass

    def say(self, text: str) -> None:
        pass

    def stage(self, name: str, ends_s: "float | None", spent_s: float) -> None:
        pass

    def earlier(self, trials: Sequence[Trial]) -> None:
        pass

    def baseline(self, result: "dict[str, Any]") -> None:
        pass

    def trial(self, trial: Trial) -> None:
        pass

    def evidence(self, evidence: Evidence) -> None:
        pass

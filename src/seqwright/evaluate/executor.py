"""The Executor protocol: where jobs run. Local processes, programs on a socket, later Ray: the same few functions."""

from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Job:
    """One call of `function` ("package.module:name") with JSON arguments, in a process that may die of it.

    Args:
        timeout_s: the job is killed after so long; None for no limit.
        memory_mib: the job is killed when its process holds more; None for no limit.
    """

    id: str
    function: str
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    timeout_s: float | None = None
    memory_mib: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a job: its JSON value, or `error` in one line ("killed by signal 11", "ran longer than 30 s")."""

    id: str
    value: Any = None
    error: str = ""
    seconds: float = 0.0


class Executor(Protocol):
    """Runs jobs in worker processes that persist between jobs; a worker that dies is replaced."""

    slots: int

    def submit(self, job: Job) -> None:
        """Queue a job; returns at once."""
        ...

    def collect(self, timeout_s: float) -> list[Outcome]:
        """Whatever ended, waiting at most `timeout_s` for the first; empty when nothing did."""
        ...

    def cancel(self, id: str) -> None:
        """Stop a job, running or queued; it yields no outcome. Unknown ids are ignored."""
        ...

    def close(self) -> None:
        """Stop all workers and wait for them; no process is left behind."""
        ...

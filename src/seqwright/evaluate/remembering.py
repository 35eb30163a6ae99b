"""An executor that trains nothing twice: what several searches of one comparison try is trained for the first of them.

Only whole trainings from scratch are remembered, whose outcome is a function of candidate, fidelity and seed. What goes
on from a checkpoint or a parent, or reads shared weights, is always run.
"""

import json
from collections import deque
from pathlib import Path
from typing import Any

from seqwright.evaluate import json_lines
from seqwright.evaluate.executor import Executor, Job, Outcome

TRIAL = "seqwright.evaluate.trial:run"
ELSEWHERE = ("run_folder", "number", "prepared")  # arguments that say where and not what


class Remembering:
    """Implements `Executor` around another; what it knows lies in a file of JSON lines.

    Args:
        path: of the file, which all searches share.
    """

    def __init__(self, executor: Executor, path: Path) -> None:
        self.executor, self.path, self.slots = executor, path, executor.slots
        self._known: dict[str, Any] = dict(json_lines.rows(path))
        self._running: dict[str, str] = {}  # what will be remembered, by the job's id
        self._recalled: deque[Outcome] = deque()

    def submit(self, job: Job) -> None:
        key = _key(job)
        if key is not None and key in self._known:
            self._recalled.append(Outcome(job.id, self._known[key]))
            return
        if key is not None:
            self._running[job.id] = key
        self.executor.submit(job)

    def collect(self, timeout_s: float) -> list[Outcome]:
        if self._recalled:
            return [self._recalled.popleft()]
        ended = self.executor.collect(timeout_s)
        for outcome in ended:
            key = self._running.pop(outcome.id, None)
            if key is not None and not outcome.error:
                self._known[key] = outcome.value
                json_lines.add(self.path, [key, outcome.value])
        return ended

    def cancel(self, id: str) -> None:
        self._running.pop(id, None)
        self._recalled = deque(outcome for outcome in self._recalled if outcome.id != id)
        self.executor.cancel(id)

    def close(self) -> None:
        self.executor.close()


def _key(job: Job) -> str | None:
    """What a job trains, where its outcome depends on nothing else."""
    given = job.arguments
    if job.function != TRIAL or given.get("stage") != "full" or given.get("parent") is not None:
        return None
    return json.dumps({k: v for k, v in given.items() if k not in ELSEWHERE}, sort_keys=True)

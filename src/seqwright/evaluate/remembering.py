"""An executor that trains nothing twice: what several searches of one comparison try is trained for the first of them.

Only what networks score that train alone is remembered: a function of candidate, fidelity and seed, whether or not they
go on from a checkpoint. Seconds are not, so promotions are remembered apart. What begins with a parent's weights, or
reads shared ones, is always run. A search that recalled a lower rung has no checkpoint to go on from: it trains that
rung again, and is not charged for it twice.
"""

import json
from collections import Counter, deque
from dataclasses import replace
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
        self._running: dict[str, tuple[str, str]] = {}  # what will be remembered, by the job's id
        self._recalled: deque[Outcome] = deque()
        self._charged: Counter[str] = Counter()  # seconds that a search was told of and did not spend, by its network

    def submit(self, job: Job) -> None:
        key = _key(job)
        if key is not None and key in self._known:
            self._charged[_network(job)] += self._known[key].get("seconds", 0.0)
            self._recalled.append(Outcome(job.id, self._known[key]))
            return
        if key is not None:
            self._running[job.id] = key, _network(job)
        self.executor.submit(job)

    def collect(self, timeout_s: float) -> list[Outcome]:
        if self._recalled:
            return [self._recalled.popleft()]
        ended = self.executor.collect(timeout_s)
        return [self._kept(outcome) for outcome in ended]

    def _kept(self, outcome: Outcome) -> Outcome:
        key, network = self._running.pop(outcome.id, (None, ""))
        if key is None or outcome.error:
            return outcome
        value = outcome.value
        if again := self._charged.pop(network, 0.0):
            value = value | {"seconds": max(0.0, value["seconds"] - again)}
        self._known[key] = value
        json_lines.add(self.path, [key, value])
        return replace(outcome, value=value)

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


def _network(job: Job) -> str:
    """Whose training state it is, and in which search."""
    given = job.arguments
    return json.dumps([given["run_folder"], given["candidate"], given["seed"]], sort_keys=True)

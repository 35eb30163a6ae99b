"""What one search trained no other trains again, and what depends on more than its candidate is never recalled."""

from pathlib import Path
from typing import Any

from seqwright.evaluate.executor import Job, Outcome
from seqwright.evaluate.remembering import TRIAL, Remembering


class Counting:
    """An executor that ends every job at once, with its number as the score."""

    slots = 2

    def __init__(self) -> None:
        self.begun: list[Job] = []
        self.ended: list[Outcome] = []
        self.error = ""

    def submit(self, job: Job) -> None:
        self.begun.append(job)
        told = {"score": len(self.begun), "seconds": float(job.arguments["examples"])}
        self.ended.append(Outcome(job.id, told, self.error))

    def collect(self, timeout_s: float) -> list[Outcome]:
        ended, self.ended = self.ended, []
        return ended

    def cancel(self, id: str) -> None:
        self.ended = [outcome for outcome in self.ended if outcome.id != id]

    def close(self) -> None:
        pass


def job(number: int, **given: Any) -> Job:
    usual = {"candidate": {"kind": "skip"}, "examples": 9, "stage": "full", "seed": 0, "parent": None}
    where = {"run_folder": f"run{number}", "number": number, "prepared": "p"}
    return Job(str(number), TRIAL, usual | where | given)


def seconds(executor: Remembering, asked: Job) -> float:
    executor.submit(asked)
    (outcome,) = executor.collect(0.0)
    return outcome.value["seconds"]


def score(executor: Remembering, asked: Job) -> Any:
    executor.submit(asked)
    (outcome,) = executor.collect(0.0)
    assert outcome.id == asked.id
    return None if outcome.error else outcome.value["score"]


def test_the_same_training_is_recalled_also_by_a_later_process(tmp_path: Path) -> None:
    inner = Counting()
    first = Remembering(inner, tmp_path / "trained.jsonl")
    assert [score(first, job(n)) for n in range(3)] == [1, 1, 1]
    assert score(first, job(3, examples=27)) == 2 and score(first, job(4, seed=1)) == 3
    again = Remembering(inner, tmp_path / "trained.jsonl")
    assert score(again, job(9)) == 1 and len(inner.begun) == 3


def test_what_inherits_or_failed_is_run_again(tmp_path: Path) -> None:
    inner = Counting()
    executor = Remembering(inner, tmp_path / "trained.jsonl")
    for n in range(2):
        score(executor, job(n, parent="abc"))
        score(executor, job(n, stage="shared"))
    assert len(inner.begun) == 4
    inner.error = "killed by signal 9"
    assert score(executor, job(7)) is None
    inner.error = ""
    assert score(executor, job(8)) == 6


def test_what_is_cancelled_never_ends(tmp_path: Path) -> None:
    executor = Remembering(Counting(), tmp_path / "trained.jsonl")
    score(executor, job(0))
    executor.submit(job(1))
    executor.submit(job(2, seed=1))
    executor.cancel("1")
    executor.cancel("2")
    assert executor.collect(0.0) == []


def test_seconds_are_those_that_a_search_of_its_own_would_take(tmp_path: Path) -> None:
    executor = Remembering(Counting(), tmp_path / "trained.jsonl")
    one, other = {"run_folder": "one"}, {"run_folder": "other"}
    assert seconds(executor, job(0, **one)) == 9
    assert seconds(executor, job(1, **other)) == 9
    # Without a checkpoint of the recalled rung it trains from the beginning: 27 s, of which 9 were told before.
    assert seconds(executor, job(2, **other, examples=27, continues=True)) == 18
    assert seconds(executor, job(3, **one, examples=27, continues=True)) == 18
    assert seconds(executor, job(4, run_folder="third", examples=27)) == 27, "a whole training is no promotion"

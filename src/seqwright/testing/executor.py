"""The contract of an executor: what every one must do, whatever its workers are."""

import time
from collections.abc import Callable
from typing import Any

import psutil

from seqwright.errors import SeqwrightError
from seqwright.evaluate.executor import Executor, Job, Outcome

PATIENCE_S = 60.0  # for anything that should take a moment, on a machine that is busy


def check_executor(factory: Callable[[int], Executor]) -> None:
    """Assert that `factory(slots)` makes an executor that keeps its promises.

    Raises:
        AssertionError: the first promise that is broken.
    """
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    executor = factory(2)
    try:
        assert executor.slots == 2
        for promise in PROMISES:
            promise(executor)
            assert not executor.collect(0.0), f"{promise.__name__}: an outcome came twice or unasked"
        executor.submit(job("left running", "sleep", seconds=600))
        executor.submit(job("left queued", "sleep", seconds=600))
        executor.submit(job("left waiting", "sleep", seconds=600))
        time.sleep(0.2)
    finally:
        begun = time.monotonic()
        executor.close()
    assert time.monotonic() - begun < PATIENCE_S / 4, "closing waits for jobs"
    executor.close()  # a second time does nothing
    left = {p.pid for p in psutil.Process().children(recursive=True)} - before
    assert not left, f"close left processes behind: {left}"
    try:
        executor.submit(job("late", "echo"))
    except SeqwrightError:
        pass
    else:
        raise AssertionError("a closed executor accepts a job")


def job(
    id: str, name: str, *, timeout_s: float | None = None, memory_mib: float | None = None, **arguments: Any
) -> Job:
    """A job of `seqwright.testing.jobs`."""
    return Job(id, f"seqwright.testing.jobs:{name}", arguments, timeout_s, memory_mib)


def gather(executor: Executor, n: int) -> dict[str, Outcome]:
    """The next `n` outcomes, by id."""
    outcomes: dict[str, Outcome] = {}
    deadline = time.monotonic() + PATIENCE_S
    while len(outcomes) < n:
        assert time.monotonic() < deadline, f"{len(outcomes)} of {n} outcomes came within {PATIENCE_S:g} s: {outcomes}"
        for outcome in executor.collect(1.0):
            assert outcome.id not in outcomes, f"{outcome.id} came twice"
            outcomes[outcome.id] = outcome
    return outcomes


def run(executor: Executor, job: Job) -> Outcome:
    executor.submit(job)
    return gather(executor, 1)[job.id]


def fails(executor: Executor, job: Job, *expected: str) -> None:
    """The job fails with one line that holds the expected words, and the executor goes on."""
    outcome = run(executor, job)
    assert outcome.error, f"{job.id} did not fail: {outcome}"
    assert outcome.value is None
    assert "\n" not in outcome.error, f"{job.id}: more than one line: {outcome.error!r}"
    for words in expected:
        assert words in outcome.error, f'{job.id}: "{words}" is not in "{outcome.error}"'
    assert run(executor, Job("after", "seqwright.testing.jobs:echo", {"value": 1})).value == 1, (
        "no work after a failure"
    )


# Promises ------------------------------------------------------------------------------------------


def answers(executor: Executor) -> None:
    value = {"text": "zwölf\n\0", "numbers": [1, -2.5, 1e-300, None, True], "nested": {"": []}}
    outcome = run(executor, job("value", "echo", value=value))
    assert outcome.value == value and outcome.error == "", outcome
    assert run(executor, job("nothing", "echo")).value is None
    slept = run(executor, job("time", "sleep", seconds=0.2))
    assert 0.2 <= slept.seconds < 2.0, f"seconds should be about 0.2: {slept.seconds}"
    assert executor.collect(0.0) == []


def large_answers(executor: Executor) -> None:
    value = ["x" * 1000] * 20_000
    assert run(executor, job("large", "echo", value=value)).value == value


def more_jobs_than_slots(executor: Executor) -> None:
    begun = time.monotonic()
    for i in range(8):
        executor.submit(job(f"many {i}", "sleep", seconds=0.25))
    assert time.monotonic() - begun < 0.25, "submit waits"
    assert set(gather(executor, 8)) == {f"many {i}" for i in range(8)}
    assert time.monotonic() - begun < 8 * 0.25, "slots do not work side by side"


def quick_overtakes_slow(executor: Executor) -> None:
    executor.submit(job("slow", "sleep", seconds=1.0))
    executor.submit(job("quick", "echo"))
    assert set(gather(executor, 1)) == {"quick"}
    assert set(gather(executor, 1)) == {"slow"}


def workers_persist(executor: Executor) -> None:
    runs = [run(executor, job(f"count {i}", "count")).value for i in range(3)]
    assert max(r["calls"] for r in runs) > 1, f"each job had a process of its own: {runs}"


def prints_do_no_harm(executor: Executor) -> None:
    assert run(executor, job("chatter", "chatter", value="true")).value == "true"


def exceptions_are_told(executor: Executor) -> None:
    fails(executor, job("raise", "raise_error", text="no rows\nat all"), "ValueError: no rows at all", "jobs.py:")
    fails(executor, job("exit", "exit_politely", code=4), "SystemExit")
    fails(executor, job("arguments", "echo", wrong=1), "TypeError", "wrong")
    fails(executor, job("function", "ecko"), "ecko", 'Did you mean "echo"?')
    fails(executor, Job("module", "seqwright.nowhere:echo"), "seqwright.nowhere")


def answers_outside_json_fail(executor: Executor) -> None:
    fails(executor, job("nan", "not_a_number"), "JSON", "not_a_number")
    fails(executor, job("object", "not_json"), "JSON", "not_json")


def crashes_are_told(executor: Executor) -> None:
    fails(executor, job("segfault", "segfault"), "killed by signal 11")
    fails(executor, job("killed", "kill_self"), "killed by signal 9")
    fails(executor, job("exit", "exit_rudely", code=3), "exited with code 3", "the last thing I said")
    fails(executor, job("child", "crash_with_child"), "exited with code 3")


def hangs_are_ended(executor: Executor) -> None:
    begun = time.monotonic()
    fails(executor, job("hang", "sleep", timeout_s=0.5, seconds=600), "ran longer than 0.5 s")
    assert time.monotonic() - begun < PATIENCE_S / 2


def hoarders_are_ended(executor: Executor) -> None:
    fails(executor, job("hoard", "hoard", memory_mib=200, mib=300), "MiB", "200")
    assert run(executor, job("modest", "echo", memory_mib=2000, value=1)).value == 1


def running_jobs_are_cancelled(executor: Executor) -> None:
    for i in range(2):
        executor.submit(job(f"endless {i}", "sleep", seconds=600))
    executor.submit(job("behind", "echo", value=2))
    time.sleep(0.3)
    executor.cancel("endless 0")
    assert set(gather(executor, 1)) == {"behind"}, "the freed slot takes the next job"
    executor.cancel("endless 1")
    assert executor.collect(0.3) == [], "a cancelled job has no outcome"


def queued_jobs_are_cancelled(executor: Executor) -> None:
    for i in range(2):
        executor.submit(job(f"busy {i}", "sleep", seconds=0.5))
    executor.submit(job("queued", "echo"))
    executor.cancel("queued")
    executor.cancel("unknown")
    assert set(gather(executor, 2)) == {"busy 0", "busy 1"}
    assert executor.collect(0.3) == []


def ids_can_be_used_again(executor: Executor) -> None:
    executor.submit(job("again", "sleep", seconds=600))
    time.sleep(0.2)
    executor.cancel("again")
    assert run(executor, job("again", "echo", value="second")).value == "second"
    assert run(executor, job("again", "echo", value="third")).value == "third"
    assert executor.collect(0.3) == []


def ended_jobs_are_cancelled(executor: Executor) -> None:
    executor.submit(job("done", "echo"))
    time.sleep(1.0)
    executor.cancel("done")
    assert executor.collect(0.1) == []


def misuse_is_refused(executor: Executor) -> None:
    for bad in (job("bad", "echo", value=float("nan")), job("bad", "echo", value={1, 2})):
        try:
            executor.submit(bad)
        except ValueError:
            continue
        raise AssertionError(f"arguments outside JSON are accepted: {bad}")


def torch_is_not_imported(executor: Executor) -> None:
    assert run(executor, job("torch", "modules", names=["torch"])).value == [], "a worker imports torch before its job"


PROMISES: tuple[Callable[[Executor], None], ...] = (
    answers,
    large_answers,
    more_jobs_than_slots,
    quick_overtakes_slow,
    workers_persist,
    prints_do_no_harm,
    exceptions_are_told,
    answers_outside_json_fail,
    crashes_are_told,
    hangs_are_ended,
    hoarders_are_ended,
    running_jobs_are_cancelled,
    queued_jobs_are_cancelled,
    ids_can_be_used_again,
    ended_jobs_are_cancelled,
    misuse_is_refused,
    torch_is_not_imported,
)

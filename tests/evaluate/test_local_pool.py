"""What is particular to local processes; the rest is the contract, in `seqwright.testing`."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from seqwright.errors import InputError
from seqwright.evaluate.local import LocalPool
from seqwright.testing.executor import PATIENCE_S, check_executor, gather, job, run


def wait_until(condition, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_local_pool_keeps_the_executor_contract():
    check_executor(LocalPool)


def test_no_slots_is_refused():
    with pytest.raises(InputError, match="at least one slot"):
        LocalPool(0)


def test_workers_are_started_on_demand():
    before = len(psutil.Process().children())
    with LocalPool(3) as pool:
        assert len(psutil.Process().children()) == before
        run(pool, job("one", "echo"))
        assert len(psutil.Process().children()) == before + 1


def test_threads_and_environment_reach_the_worker():
    with LocalPool(1, threads=3, environment={"SEQWRIGHT_TEST": "yes"}) as pool:
        found = run(pool, job("env", "variables", a="OMP_NUM_THREADS", b="MKL_NUM_THREADS", c="SEQWRIGHT_TEST")).value
    assert found == {"OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "3", "SEQWRIGHT_TEST": "yes"}


def test_a_worker_killed_while_idle_is_replaced():
    with LocalPool(1) as pool:
        pid = run(pool, job("first", "count")).value["pid"]
        os.kill(pid, signal.SIGKILL)
        second = run(pool, job("second", "count"))
    assert second.error == "" and second.value["pid"] != pid


def test_a_worker_that_cannot_start_fails_the_job_and_says_why():
    with LocalPool(1, environment={"PYTHONPATH": "/nowhere", "PYTHONHOME": "/nowhere"}) as pool:
        outcome = run(pool, job("any", "echo"))
    assert "could not start" in outcome.error and "exited with code 1" in outcome.error


def test_the_same_pending_id_twice_is_refused():
    with LocalPool(1) as pool:
        pool.submit(job("twin", "sleep", seconds=600))
        with pytest.raises(InputError, match="already on its way"):
            pool.submit(job("twin", "echo"))


def test_what_ended_before_close_can_still_be_collected():
    with LocalPool(1) as pool:
        pool.submit(job("done", "echo", value=5))
        wait_until(lambda: pool._ended, "the job did not end")
    assert pool.collect(0.0)[0].value == 5


def test_a_worker_leaves_when_its_pipe_ends_even_in_the_middle_of_a_job(tmp_path):
    command = [sys.executable, "-P", "-m", "seqwright.evaluate.worker"]
    worker = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with worker:
        order = (
            f'{{"serial":1,"function":"seqwright.testing.jobs:sleep_stubbornly","arguments":{{"path":"{tmp_path}/p"}}}}'
        )
        worker.stdin.write(order.encode() + b"\n")
        worker.stdin.flush()
        wait_until((tmp_path / "p").exists, "the job did not start")
        worker.stdin.close()
        assert worker.wait(PATIENCE_S) == 0


def test_many_jobs_pass_quickly_through_few_workers():
    with LocalPool(2) as pool:
        run(pool, job("warm", "echo"))
        begun = time.monotonic()
        for i in range(200):
            pool.submit(job(str(i), "echo", value=i))
        outcomes = gather(pool, 200)
    assert all(outcomes[str(i)].value == i for i in range(200))
    assert (time.monotonic() - begun) / 200 < 0.02

"""What is particular to workers on a socket; the rest is the contract, in `seqwright.testing`."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time

import psutil
import pytest

from seqwright.errors import InputError
from seqwright.evaluate.remote import SocketPool
from seqwright.testing.executor import PATIENCE_S, check_executor, gather, job, run


def start_worker(pool: SocketPool, token: str | None = None) -> subprocess.Popen:
    """A worker as a user would start it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "SEQWRIGHT_TOKEN": token or pool.token}
    command = [sys.executable, "-m", "seqwright.evaluate.worker", "--connect", pool.address]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def test_socket_pool_keeps_the_executor_contract():
    check_executor(SocketPool)


def test_workers_started_by_hand_do_the_jobs_and_leave_at_the_end():
    with SocketPool(2, start=False) as pool:
        pool.submit(job("early", "variables", a="SEQWRIGHT_TOKEN"))
        assert pool.collect(0.2) == []
        with start_worker(pool) as worker:
            assert gather(pool, 1)["early"].value == {"SEQWRIGHT_TOKEN": None}, "jobs can read the token"
            for i in range(4):  # two slots, one worker: no job waits for a second
                pool.submit(job(str(i), "echo"))
            gather(pool, 4)
            pool.close()
            assert worker.wait(PATIENCE_S) == 0


def test_a_job_whose_worker_is_lost_is_given_to_another():
    others = psutil.Process().children()
    with SocketPool(1) as pool:
        run(pool, job("warm", "echo"))
        pool.submit(job("moved", "sleep", seconds=0.8))
        time.sleep(0.3)
        (program,) = [process for process in psutil.Process().children() if process not in others]
        (child,) = program.children()
        program.kill()
        assert gather(pool, 1)["moved"].value == 0.8
        deadline = time.monotonic() + PATIENCE_S
        while psutil.pid_exists(child.pid):
            assert time.monotonic() < deadline, "the lost program's child is left"
            time.sleep(0.02)


def test_a_job_that_loses_two_workers_fails():
    with SocketPool(1) as pool:
        outcome = run(pool, job("poison", "kill_parent"))
        assert "was lost after" in outcome.error
        assert run(pool, job("next", "echo", value=1)).value == 1


def test_a_worker_with_another_token_is_refused():
    with SocketPool(1, start=False) as pool, start_worker(pool, token="guess") as worker:
        _, said = worker.communicate(timeout=PATIENCE_S)
        assert worker.returncode == 2 and "refused" in said
        pool.submit(job("waiting", "echo"))
        assert pool.collect(0.2) == []


def test_strangers_get_nothing_and_keep_no_one_waiting():
    with SocketPool(1) as pool:
        host, port = pool.address.split(":")
        silent = socket.create_connection((host, int(port)))
        rude = socket.create_connection((host, int(port)))
        rude.sendall(b"GET / HTTP/1.1\r\n\r\n")
        forger = socket.create_connection((host, int(port)))
        nonce = json.loads(forger.makefile("rb").readline())["nonce"]
        forger.sendall(json.dumps({"nonce": nonce, "proof": "0" * 64}).encode() + b"\n")
        assert run(pool, job("value", "echo", value=1)).value == 1
        for stranger in (rude, forger):
            stranger.settimeout(PATIENCE_S)
            with stranger, stranger.makefile("rb") as stream:
                assert b"function" not in stream.read()
        silent.close()


def test_a_port_in_use_is_told():
    with SocketPool(1, start=False) as pool, pytest.raises(InputError, match="Choose another port"):
        SocketPool(1, port=int(pool.address.split(":")[1]))


def test_a_program_that_cannot_start_fails_the_job(monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with SocketPool(1) as pool:
        assert "a worker program could not start" in run(pool, job("any", "echo")).error

"""Whatever becomes of the parent, no worker is left; and Ctrl-C is for the parent alone to hear."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from seqwright.testing.executor import PATIENCE_S


def wait_until(condition, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


PARENT = """
    import signal, sys, time
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have told its background jobs to ignore it
    from seqwright.evaluate.local import LocalPool
    from seqwright.evaluate.remote import SocketPool
    from seqwright.testing.executor import job, gather
    pool = {"local": LocalPool, "socket": SocketPool}[sys.argv[2]](2)
    pool.submit(job("idle", "count"))
    idle = gather(pool, 1)["idle"].value["pid"]
    pool.submit(job("busy 0", "sleep_stubbornly", path=sys.argv[1] + "/0"))
    pool.submit(job("busy 1", "sleep_stubbornly", path=sys.argv[1] + "/1"))
    print("started", flush=True)
    time.sleep(600)
"""


def start_parent(folder: Path, kind: str) -> tuple[subprocess.Popen, list[int]]:
    """A program with two stubborn workers; their process ids."""
    source = textwrap.dedent(PARENT)
    path = os.pathsep.join(sys.path)
    parent = subprocess.Popen(
        [sys.executable, "-c", source, str(folder), kind],
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
    )
    wait_until(lambda: (folder / "0").exists() and (folder / "1").exists(), "the workers did not start")
    return parent, [int((folder / name).read_text()) for name in "01"]


@pytest.mark.parametrize("kind", ["local", "socket"])
def test_workers_die_with_a_killed_parent(tmp_path, kind):
    parent, workers = start_parent(tmp_path, kind)
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(psutil.pid_exists(pid) for pid in workers), "orphans are left")


@pytest.mark.parametrize("kind", ["local", "socket"])
def test_ctrl_c_in_the_terminal_does_not_reach_the_workers(tmp_path, kind):
    parent, workers = start_parent(tmp_path, kind)
    try:
        for pid in workers:
            assert os.getpgid(pid) not in (os.getpgid(parent.pid), os.getpgid(0))
    finally:
        os.killpg(parent.pid, signal.SIGINT)  # as a terminal does: to the whole group, which is the parent alone
        assert parent.wait(PATIENCE_S) != 0
    wait_until(lambda: not any(psutil.pid_exists(pid) for pid in workers), "orphans are left")

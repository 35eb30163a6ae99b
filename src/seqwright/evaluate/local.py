"""An executor of local processes: each worker is a child that talks over its pipes and persists between jobs.

A crash, a hang or too much memory costs the worker its life and its job a line of error; the next job gets a
fresh worker. Starting one takes as long as starting Python, so it is done on demand.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import IO

import psutil

from seqwright.evaluate.executor import Job, Outcome
from seqwright.evaluate.pool import Lost, Pool
from seqwright.evaluate.wire import Inbox, Message, encode

POLL_S = 0.05  # how often a running job's time and memory are looked at
READY_S = 120.0  # a worker that has not responded by then never will
FAREWELL_S = 2.0  # for an idle worker to leave by itself

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
)


class LocalPool(Pool):
    """Runs jobs in child processes of this one. They die with it, however it ends.

    Args:
        slots: worker processes at most.
        threads: numerical threads of each.
        environment: variables to set in the workers, beside those of this process.
    """

    def __init__(self, slots: int, threads: int = 1, environment: Mapping[str, str] | None = None) -> None:
        variables = worker_environment(threads) | dict(environment or {})
        super().__init__(slots, lambda: ProcessLink(variables))


def worker_environment(threads: int) -> dict[str, str]:
    """This process's environment with its import path, and with the threads of numerical libraries set."""
    return {
        **os.environ,
        **dict.fromkeys(THREAD_VARIABLES, str(threads)),
        "TOKENIZERS_PARALLELISM": "false" if threads == 1 else "true",
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
    }


def start_worker(environment: Mapping[str, str], *arguments: str, **pipes: int) -> "subprocess.Popen[bytes]":
    """Start the worker program, out of reach of the terminal's Ctrl-C: its end is for the parent to decide.

    Raises:
        Lost: the system would not start it.
    """
    # -P: the folder one happens to be in must not shadow modules; -u: a dying worker's last words are not held back.
    command = [sys.executable, "-P", "-u", "-m", "seqwright.evaluate.worker", "--parent", str(os.getpid()), *arguments]
    try:
        return subprocess.Popen(command, env=dict(environment), start_new_session=True, **pipes)  # pyright: ignore
    except OSError as error:
        raise Lost(f"no worker could be started: {error}") from error


def kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill a worker that has not been waited for, and all that it started."""
    if process.returncode is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # gone, or (macOS) a zombie
            process.kill()


class ProcessLink:
    """A `Link` to a child process."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        pipe = subprocess.PIPE
        self._process = start_worker(environment, stdin=pipe, stdout=pipe, stderr=pipe)
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._jobs, self._answers = self._process.stdin, self._process.stdout
        self._words = LastWords(self._process.stderr)
        self._inbox = Inbox(self._answers)
        self._ready = False
        self._dead = False
        self._serial = 0

    def run(self, job: Job) -> Outcome:
        self._words.forget()
        if not self._ready and not self._responds():
            raise Lost(f"the worker could not start: {self._end()}")
        self._ready = True
        self._serial += 1
        order = {"serial": self._serial, "function": job.function, "arguments": job.arguments}
        try:
            self._jobs.write(encode(order))
            self._jobs.flush()
            begun = self._responds()
        except OSError:
            begun = False
        if not begun:  # so the job did not do it
            raise Lost(f"the worker ended before it had the job: {self._end()}")
        try:
            message = self._wait(job.timeout_s, job.memory_mib)
        except _Overrun as overrun:
            self._end()
            return Outcome(job.id, error=str(overrun))
        if message is None:
            return Outcome(job.id, error=self._end())
        return Outcome(job.id, message.get("value"), message.get("error", ""), message["seconds"])

    def stop(self) -> None:
        self._dead = True
        kill(self._process)

    def alive(self) -> bool:
        return not self._dead and not self._inbox.ended and not _exited(self._process.pid)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # what was still to be written has no reader
            self._jobs.close()
        if not self._dead:
            with contextlib.suppress(_Overrun):
                self._wait(FAREWELL_S, None)
        self._end()
        self._answers.close()

    def _responds(self) -> bool:
        """Whether the worker says that it is ready, or that it has begun."""
        try:
            return self._wait(READY_S, None) is not None
        except _Overrun:
            return False

    def _wait(self, timeout_s: float | None, memory_mib: float | None) -> Message | None:
        """The worker's next message; None when it has ended. Raises `_Overrun`."""
        deadline = time.monotonic() + timeout_s if timeout_s is not None else float("inf")
        while True:
            try:
                return self._inbox.get(max(0.0, min(POLL_S, deadline - time.monotonic())))
            except TimeoutError:
                pass
            if time.monotonic() >= deadline:
                raise _Overrun(f"ran longer than {timeout_s:g} s")
            if _exited(self._process.pid):  # though a process that it started may still hold the pipe open
                try:
                    return self._inbox.get(POLL_S)
                except TimeoutError:
                    return None
            if memory_mib is not None and (held := resident_mib(self._process.pid)) > memory_mib:
                raise _Overrun(f"held {held:.0f} MiB of memory, more than the {memory_mib:g} MiB allowed")

    def _end(self) -> str:
        """See that the process is gone; how it went, in one line."""
        stopped = self._dead
        # Waited for here alone, so that its process group is its own until all of it is killed. A process that is
        # ending already keeps its own status.
        self.stop()
        code = self._process.wait()
        self._inbox.join(1.0)
        words = self._words.close()
        if stopped:
            how = "the worker was stopped"
        elif self._inbox.broken:
            how = f"the worker's answer could not be read: {self._inbox.broken}"
        elif code < 0:
            how = f"killed by signal {-code} ({_signal_name(-code)})"
        else:
            how = f"the worker exited with code {code}"
        return f'{how}, saying "{words}"' if words else how


class _Overrun(Exception):
    """A job has used up its time or its memory."""


class LastWords:
    """The end of what a worker writes to standard error, read all along so that it never waits for a reader."""

    KEPT = 4096  # bytes

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._kept = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while chunk := os.read(self._stream.fileno(), self.KEPT):
            self._kept = (self._kept + chunk)[-self.KEPT :]

    def forget(self) -> None:
        self._kept = b""

    def close(self) -> str:
        """The last line that is not empty, once the worker is gone."""
        self._thread.join(1.0)
        if not self._thread.is_alive():
            self._stream.close()
        lines = [line.strip() for line in self._kept.decode(errors="replace").splitlines()]
        return next((line[-200:] for line in reversed(lines) if line), "")


def resident_mib(pid: int) -> float:
    """Memory that a process holds, 0 when it is gone."""
    try:
        return psutil.Process(pid).memory_info().rss / 2**20
    except psutil.Error:
        return 0.0


def _exited(pid: int) -> bool:
    """Whether a process has ended, whether or not it was waited for."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unnamed"

"""An executor whose workers are separate programs that call over a socket, and may come and go.

Each is `python -m seqwright.evaluate.worker --connect HOST:PORT`, and runs its jobs in a child process as a local
pool of one slot does (`agent`): a job's crash, hang or greed costs that child alone. So a connection that is lost
says nothing against the job, which is then given to another worker, once.
"""

import queue
import secrets
import socket
import subprocess
import threading
import time
from contextlib import suppress

from seqwright.errors import InputError
from seqwright.evaluate.channel import Channel, Refused
from seqwright.evaluate.executor import Job, Outcome
from seqwright.evaluate.local import LastWords, kill, start_worker, worker_environment
from seqwright.evaluate.pool import Lost, Pool

HEARTBEAT_S = 1.0  # a worker says at least this often that it lives
SILENCE_S = 20.0  # and is given up for lost after so long without a word
FAREWELL_S = 5.0


class SocketPool(Pool):
    """Listens for worker programs and gives them jobs. `address` and `token` are what a worker needs to join.

    Args:
        slots: how many workers are used at once; more may wait to replace them.
        host: where to listen. Whoever can connect and knows the token can offer work, no one else.
        port: 0 for any that is free.
        start: start worker programs on this machine as they are needed; else jobs wait for programs started by hand.
        threads: numerical threads of each worker that is started here.
        token: 32 random bytes unless given.

    Raises:
        InputError: the address cannot be listened on.
    """

    def __init__(
        self,
        slots: int,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        start: bool = True,
        threads: int = 1,
        token: str | None = None,
    ) -> None:
        self.token = token or secrets.token_hex(32)
        try:
            self._door = socket.create_server((host, port))
        except OSError as error:
            raise InputError(f"Cannot listen on {host}:{port}: {error}. Choose another port, or 0 for any.") from None
        self.address = f"{host}:{self._door.getsockname()[1]}"
        self._start, self._threads_each = start, threads
        self._callers: queue.SimpleQueue[SocketLink] = queue.SimpleQueue()
        self._programs: dict[int, _Program] = {}  # by the slot (its thread) that started it
        self._doorkeeper = threading.Thread(target=self._admit, daemon=True)
        self._doorkeeper.start()
        try:
            super().__init__(slots, self._next_caller)
        except InputError:
            self._shut_door()
            raise

    def close(self) -> None:
        super().close()
        self._shut_door()
        with suppress(queue.Empty):
            while True:
                self._callers.get_nowait().close()
        while self._programs:
            self._programs.popitem()[1].close()

    def _admit(self) -> None:
        with suppress(OSError):  # the door is shut
            while True:
                connection, peer = self._door.accept()
                # Greeted aside, so that a slow or silent stranger keeps no one else waiting.
                threading.Thread(target=self._greet, args=(connection, peer), daemon=True).start()

    def _greet(self, connection: socket.socket, peer: tuple[str, int]) -> None:
        with suppress(Refused):
            link = SocketLink(Channel(connection, self.token, calling=False), f"{peer[0]}:{peer[1]}")
            self._callers.put(link)

    def _next_caller(self) -> "SocketLink | None":
        slot, started = threading.get_ident(), False
        while not self._closed:
            program = self._programs.get(slot)
            if self._start and (program is None or program.ended()):
                words = program.close() if program else ""
                if started:  # just now, and it ended before it called: another would do no better
                    raise Lost(f"a worker program could not start{words}")
                self._programs[slot], started = self._program(), True
            with suppress(queue.Empty):
                if (link := self._callers.get(timeout=0.05)).alive():
                    return link
                link.close()
        return None

    def _program(self) -> "_Program":
        environment = worker_environment(self._threads_each) | {"SEQWRIGHT_TOKEN": self.token}
        return _Program(environment, "--connect", self.address, "--threads", str(self._threads_each))

    def _shut_door(self) -> None:
        with suppress(OSError):  # wakes the doorkeeper, where closing alone does not
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._doorkeeper.join()


class SocketLink:
    """A `Link` to a program that called."""

    def __init__(self, channel: Channel, peer: str) -> None:
        self._channel, self._peer = channel, peer
        self._serial = 0
        self._severed = False

    def run(self, job: Job) -> Outcome:
        self._serial += 1
        order = {"serial": self._serial, "function": job.function, "arguments": job.arguments}
        limits = {"timeout_s": job.timeout_s, "memory_mib": job.memory_mib}
        begun = time.monotonic()
        with suppress(OSError, TimeoutError):
            self._channel.send(order | limits)
            while message := self._channel.inbox.get(SILENCE_S):
                if message.get("serial") == self._serial:
                    return Outcome(job.id, message["value"], message["error"], message["seconds"])
        self.stop()
        raise Lost(f"the worker at {self._peer} was lost after {time.monotonic() - begun:.1f} s")

    def stop(self) -> None:
        # The program at the other end kills the job when the connection ends, and calls again.
        self._severed = True
        self._channel.sever()

    def alive(self) -> bool:
        return not self._severed and not self._channel.inbox.ended

    def close(self) -> None:
        with suppress(OSError):
            self._channel.send({"goodbye": True})
        self._channel.close()


class _Program:
    """A worker program started here."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        self._process = start_worker(environment, *arguments, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert self._process.stderr
        self._words = LastWords(self._process.stderr)

    def ended(self) -> bool:
        return self._process.poll() is not None

    def close(self) -> str:
        """Wait for its end, which the end of the connection brings about; its last words, if any."""
        try:
            self._process.wait(FAREWELL_S)
        except subprocess.TimeoutExpired:
            kill(self._process)
            self._process.wait()
        words = self._words.close()
        return f': it said "{words}"' if words else ""

"""One searcher at a time, and the clock of a study.

The lease is a row that says who searches: host, process and since when. A holder whose process is gone loses it at
once; one on another host when it has not renewed for a minute. While it is held, a heartbeat renews it every second
and brings the study's clock up to date, so that the time spent survives a kill to within a second.
"""

import contextlib
import os
import socket
import threading
import time
import uuid
from datetime import datetime
from typing import Any

import psutil
from sqlalchemy import Connection, delete, func, insert, select, update

from seqwright.errors import StudyError
from seqwright.study import database as db

STALE_S = 60.0
BEAT_S = 1.0


class Lease:
    """The right to search one study, held between `take` and `release`; taking it again while held is allowed."""

    def __init__(self, database: db.Database) -> None:
        self.database = database
        self.token = ""
        self._depth = 0
        self._began = 0.0
        self._ended = threading.Event()
        self._heart: threading.Thread | None = None

    @property
    def held(self) -> bool:
        return self._depth > 0

    def take(self) -> None:
        """Become the searcher.

        Raises:
            StudyError: another living searcher holds the study.
        """
        if not self.held:
            self.token, self._began = uuid.uuid4().hex, time.monotonic()
            now = time.time()
            with self.database.write("taking the study's lease") as connection:
                holder = connection.execute(select(db.lease)).mappings().first()
                if holder is not None and (reason := _alive(dict(holder), now)):
                    raise StudyError(f"{self.database.folder}: {reason}")
                connection.execute(delete(db.lease))
                row = {
                    "token": self.token,
                    "host": socket.gethostname(),
                    "pid": os.getpid(),
                    "born": _born(os.getpid()),
                }
                connection.execute(insert(db.lease).values(id=1, since=now, renewed=now, **row))
                connection.execute(insert(db.sessions).values(token=self.token, began=now, elapsed_s=0.0))
            self._ended.clear()
            self._heart = threading.Thread(target=self._beat_on, name="seqwright-lease", daemon=True)
            self._heart.start()
        self._depth += 1

    def release(self) -> None:
        """Give the lease back, with the clock brought up to now."""
        self._depth -= 1
        if not self.held:
            self._ended.set()
            if self._heart is not None:
                self._heart.join()
            # On a full disk the row stays; its process will be gone, so nobody is kept out.
            with contextlib.suppress(StudyError), self.database.write("releasing the study's lease") as connection:
                self._beat(connection)
                connection.execute(delete(db.lease).where(db.lease.c.token == self.token))

    def check(self, connection: Connection) -> None:
        """Refuse to write for a searcher that was replaced (a laptop that slept while another host took over)."""
        if not self.held:
            return
        if connection.scalar(select(db.lease.c.token)) != self.token:
            raise StudyError(
                f"{self.database.folder}: another searcher took this study over while this one stood still. "
                "Nothing is lost: let that one go on."
            )
        self._beat(connection)

    def spent_s(self) -> float:
        """Seconds that all searchers have held the lease so far, this one's up to now."""
        total = func.coalesce(func.sum(db.sessions.c.elapsed_s), 0.0)
        own = time.monotonic() - self._began if self.held else 0.0
        with self.database.read() as connection:
            others = connection.scalar(select(total).where(db.sessions.c.token != (self.token if self.held else "")))
        return float(others or 0.0) + own

    def _beat_on(self) -> None:
        while not self._ended.wait(BEAT_S):
            # A heartbeat that fails (a full disk) is told by the next recorded trial, in the searcher's own thread.
            with contextlib.suppress(StudyError), self.database.write("the heartbeat") as connection:
                self._beat(connection)

    def _beat(self, connection: Connection) -> None:
        mine = db.lease.c.token == self.token
        connection.execute(update(db.lease).where(mine).values(renewed=time.time()))
        clock = update(db.sessions).where(db.sessions.c.token == self.token)
        connection.execute(clock.values(elapsed_s=time.monotonic() - self._began))


def _alive(holder: dict[str, Any], now: float) -> str:
    """Why the holder keeps the lease; empty when it may be taken over."""
    since = datetime.fromtimestamp(holder["since"]).strftime("%Y-%m-%d %H:%M:%S")
    who = f"process {holder['pid']} on {holder['host']} has been searching this study since {since}"
    if holder["host"] == socket.gethostname():
        if abs(_born(holder["pid"]) - holder["born"]) > 1.0:
            return ""
        return f"{who}. Wait for it, stop it (kill {holder['pid']}), or choose another folder."
    silent = now - holder["renewed"]
    if silent > STALE_S:
        return ""
    return f"{who}. Wait for it, or choose another folder; if that host is down, try again in {STALE_S - silent:.0f} s."


def _born(pid: int) -> float:
    """When a process began, in seconds since the epoch; minus infinity when there is none (or only its zombie)."""
    try:
        process = psutil.Process(pid)
        return float("-inf") if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return float("-inf")

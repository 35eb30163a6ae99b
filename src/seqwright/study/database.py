"""The study's database: its tables, its connections, and what its errors mean.

SQLite with a write-ahead log, so that readers are never blocked and a killed process loses nothing that was committed;
every write is one transaction, begun at once ("immediate") so that two writers wait for each other instead of failing.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Column, Connection, Engine, Float, Integer, MetaData, String, Table, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from seqwright.errors import StudyError

SCHEMA = 1
FILE = "study.db"
WAIT_S = 30.0  # for another writer's transaction, which takes milliseconds

metadata = MetaData()
settings = Table("settings", metadata, Column("key", String, primary_key=True), Column("value", JSON))
proposals = Table(
    "proposals",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("told", Integer, nullable=False),  # how many trials the strategy had been told when it made this
    Column("candidate", String, nullable=False, index=True),  # its id
    Column("data", JSON, nullable=False),
)
trials = Table(
    "trials",
    metadata,
    Column("place", Integer, primary_key=True),  # in the order they were recorded
    Column("number", Integer, nullable=False, unique=True),
    Column("score", Float),
    Column("error", String, nullable=False),
    Column("at", Float, nullable=False),
    Column("data", JSON, nullable=False),
)


def _journal(name: str) -> Table:
    columns: list[Any] = [Column("id", Integer, primary_key=True), Column("at", Float, nullable=False)]
    return Table(name, metadata, *columns, Column("kind", String, nullable=False, index=True), Column("data", JSON))


events, commands, readings = _journal("events"), _journal("commands"), _journal("readings")
lease = Table(
    "lease",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("token", String, nullable=False),
    Column("host", String, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("born", Float, nullable=False),  # when the process began: a pid alone may be used again
    Column("since", Float, nullable=False),
    Column("renewed", Float, nullable=False),
)
sessions = Table(
    "sessions",
    metadata,
    Column("token", String, primary_key=True),
    Column("began", Float, nullable=False),
    Column("elapsed_s", Float, nullable=False),
)


class Database:
    """One SQLite file. `read` and `write` give a connection inside a transaction."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.folder = folder
        self.engine = _engine(self.path, readonly=self.path.exists() and not _writable(folder))

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self._teaching("reading"), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, what: str) -> Iterator[Connection]:
        """A transaction that is committed on leaving; `what` names the deed, for the error."""
        with self._teaching(what), self.engine.connect() as connection:
            connection = connection.execution_options(immediate=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _teaching(self, what: str) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StudyError(self._explain(what, str(error.orig))) from error
        except sqlite3.Error as error:
            raise StudyError(self._explain(what, str(error))) from error

    def _explain(self, what: str, cause: str) -> str:
        said = f"{self.path}: {what} failed: {cause}."
        safe = "Everything recorded before is safe."
        if "full" in cause or "disk I/O" in cause:
            return f"{said} The disk seems to be full. {safe} Free some space and run the same command again."
        if "readonly" in cause or "unable to open" in cause:
            return f"{said} The folder cannot be written. {safe} Check its permissions, or choose another folder."
        if "locked" in cause or "busy" in cause:
            return f"{said} Another program holds the file. Close it, or wait, and run the same command again."
        if "not a database" in cause or "malformed" in cause:
            return f"{said} It is not a Seqwright study, or it is damaged. Choose another folder."
        return f"{said} {safe}"


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _engine(path: Path, readonly: bool) -> Engine:
    # A folder that cannot be written has no room for the log's index, so its file is read as it stands.
    wal = path.with_name(path.name + "-wal")
    uri = f"{path.resolve().as_uri()}?{'mode=ro' if wal.exists() else 'immutable=1'}"

    def connect() -> sqlite3.Connection:
        target, as_uri = (uri, True) if readonly else (str(path), False)
        connection = sqlite3.connect(
            target, uri=as_uri, timeout=WAIT_S, check_same_thread=False, isolation_level=None
        )  # isolation_level None: SQLAlchemy, not sqlite3, says where transactions begin
        if not readonly:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")  # with a log, enough against the death of the process
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=4)

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine

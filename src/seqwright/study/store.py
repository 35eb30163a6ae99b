"""A study: all that is known of one run, in one folder with one database.

What is written is committed before the call returns, so a process killed at any moment loses nothing that it was told
was done. One searcher writes, under a lease; readers always may.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, func, insert, inspect, select

from seqwright.arch.codec import identity
from seqwright.errors import StudyError
from seqwright.study import database as db
from seqwright.study.lease import Lease
from seqwright.study.record import Proposal, Trial
from seqwright.study.rows import proposal_from_data, proposal_to_data, trial_from_data, trial_to_data
from seqwright.study.settings import differences


class Study:
    """The record of one run. Make one with `create`, `open`, or `begin` (which does whichever is needed)."""

    def __init__(self, folder: Path, database: db.Database, settings: dict[str, Any]) -> None:
        self.folder = folder
        self.settings = settings
        self._database = database
        self._lease = Lease(database)

    # Making and opening -----------------------------------------------------------------------

    @classmethod
    def begin(cls, folder: Path | str, settings: dict[str, Any]) -> "Study":
        """Open the study in `folder`, or create it: what the same command does the first time and every time after."""
        return cls.open(folder, settings) if _has_study(Path(folder)) else cls.create(folder, settings)

    @classmethod
    def create(cls, folder: Path | str, settings: dict[str, Any]) -> "Study":
        """A new study; `settings` are JSON data, fixed from now on.

        Raises:
            StudyError: there is a study already, the folder cannot be written, or study.db is another program's.
        """
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StudyError(
                f"{folder} cannot be used as a run folder: {error.strerror}. Choose another one."
            ) from error
        database = db.Database(folder)
        try:
            with database.write("creating the study") as connection:
                if tables := inspect(connection).get_table_names():
                    ours = "settings" in tables and "proposals" in tables
                    raise StudyError(_taken(database.path) if ours else _foreign(database.path))
                db.metadata.create_all(connection)
                facts = {"make": "seqwright", "schema": db.SCHEMA, "settings": settings, "created": time.time()}
                connection.execute(insert(db.settings), [{"key": k, "value": v} for k, v in facts.items()])
        except StudyError:
            database.close()
            raise
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path | str, settings: dict[str, Any] | None = None) -> "Study":
        """A study that exists.

        Args:
            settings: what it is expected to have been created with; None takes whatever it has.

        Raises:
            StudyError: there is none, it is another program's or a newer version's, or its settings differ.
        """
        folder = Path(folder)
        if not folder.exists():
            raise StudyError(f"There is no folder {folder}. Give the folder of an earlier `seqwright fit`.")
        if not (folder / db.FILE).is_file():
            raise StudyError(f"{folder} holds no study (no {db.FILE}). Give the folder of an earlier `seqwright fit`.")
        database = db.Database(folder)
        try:
            facts = _facts(database)
            if settings is not None and (changed := differences(facts["settings"], settings)):
                raise StudyError(
                    f"{folder} holds a study with other settings: {'; '.join(changed)}. "
                    "Give the same settings to go on with it, or choose another folder."
                )
        except StudyError:
            database.close()
            raise
        return cls(folder, database, facts["settings"])

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> "Study":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Who searches, and for how long ------------------------------------------------------------

    @contextmanager
    def lease(self) -> Iterator[None]:
        """Be the one searcher; may be nested. The study's clock runs meanwhile.

        Raises:
            StudyError: another living searcher holds the study; says who and since when.
        """
        self._lease.take()
        try:
            yield
        finally:
            self._lease.release()

    def spent_s(self) -> float:
        """Seconds spent so far by all searchers of this study, killed ones included."""
        return self._lease.spent_s()

    # Proposals and trials ----------------------------------------------------------------------

    def propose(self, proposals: Sequence[Proposal], told: int = 0) -> None:
        """Store proposals before they start. `told`: how many trials the strategy knew when it made them."""
        with self._database.write("storing a proposal") as connection:
            self._lease.check(connection)
            for proposal in proposals:
                row = {"number": proposal.number, "told": told, "candidate": identity(proposal.candidate)}
                connection.execute(insert(db.proposals).values(data=proposal_to_data(proposal), **row))

    def record(self, trial: Trial) -> bool:
        """Store a finished trial; False, and nothing stored, when its number has one already."""
        number, data = trial.proposal.number, trial_to_data(trial)
        with self._database.write(f"recording trial {number}") as connection:
            self._lease.check(connection)
            if connection.scalar(select(db.trials.c.number).where(db.trials.c.number == number)) is not None:
                return False
            row = {"number": number, "score": data["score"], "error": trial.error, "at": time.time(), "data": data}
            connection.execute(insert(db.trials).values(**row))
        return True

    def proposals(self) -> list[tuple[Proposal, int]]:
        """Every proposal in order of number, with how many trials had been told when it was made."""
        with self._database.read() as connection:
            rows = connection.execute(select(db.proposals).order_by(db.proposals.c.number)).all()
        return [(proposal_from_data(row.data), row.told) for row in rows]

    def pending(self) -> list[Proposal]:
        """Proposals without a trial, in order of number: to be run, again if need be."""
        query = select(db.proposals.c.data).where(db.proposals.c.number.not_in(select(db.trials.c.number)))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(db.proposals.c.number)).all()
        return [proposal_from_data(row.data) for row in rows]

    def trials(self, *, recorded: bool = False) -> list[Trial]:
        """Every trial in order of number, or in the order in which they were `recorded`."""
        both = select(db.trials.c.data, db.proposals.c.data.label("proposal"))
        joined = both.join_from(db.trials, db.proposals, db.trials.c.number == db.proposals.c.number)
        with self._database.read() as connection:
            rows = connection.execute(joined.order_by(db.trials.c.place if recorded else db.trials.c.number)).all()
        return [trial_from_data(row.data, proposal_from_data(row.proposal)) for row in rows]

    def ended(self) -> dict[int, float]:
        """When each trial was recorded, by number, in seconds since 1970."""
        with self._database.read() as connection:
            rows = connection.execute(select(db.trials.c.number, db.trials.c.at)).all()
        return {row.number: row.at for row in rows}

    # Events, commands, readings of test --------------------------------------------------------

    def event(self, kind: str, data: Any = None) -> None:
        """Note that something happened; `data` is JSON."""
        self._note(db.events, kind, data)

    def events(self, kind: str | None = None) -> list[tuple[str, Any]]:
        """(kind, data) of all events, or of one kind, oldest first."""
        return [(row.kind, row.data) for row in self._notes(db.events, kind)]

    def once(self, kind: str, function: Callable[[], Any]) -> Any:
        """What `function` gave the first time in this study's life: a decision that no resumed run takes anew."""
        if known := self.events(kind):
            return known[0][1]
        self.event(kind, function())
        return self.events(kind)[0][1]

    def command(self, kind: str, data: Any = None) -> None:
        """Tell the searcher, from any process: "stop", or "ban" with a pattern."""
        self._note(db.commands, kind, data)

    def commands(self) -> list[tuple[str, Any]]:
        """(kind, data) of the commands given since the last call; each is handed out once."""
        with self._database.read() as connection:  # looked at first, for a reader takes no lock
            if not connection.scalar(select(func.count()).select_from(db.commands)):
                return []
        with self._database.write("taking commands") as connection:
            rows = connection.execute(select(db.commands).order_by(db.commands.c.id)).all()
            connection.execute(delete(db.commands))
        return [(row.kind, row.data) for row in rows]

    def reading(self, data: Any = None) -> int:
        """Count one reading of the test split, with what was read; returns how many there are now."""
        self._note(db.readings, "test", data)
        return len(self.readings())

    def readings(self) -> list[Any]:
        """What was read of the test split, oldest first."""
        return [row.data for row in self._notes(db.readings, None)]

    def _note(self, table: Table, kind: str, data: Any) -> None:
        with self._database.write(f"noting {kind}") as connection:
            connection.execute(insert(table).values(kind=kind, data=data, at=time.time()))

    def _notes(self, table: Table, kind: str | None) -> Sequence[Row[Any]]:
        query = select(table).order_by(table.c.id)
        with self._database.read() as connection:
            return connection.execute(query if kind is None else query.where(table.c.kind == kind)).all()


def _has_study(folder: Path) -> bool:
    """Whether there is a database with anything in it: one killed while it was created holds nothing, and is not."""
    path = folder / db.FILE
    if not path.is_file():
        return False
    database = db.Database(folder)
    try:
        with database.read() as connection:
            return bool(inspect(connection).get_table_names())
    finally:
        database.close()


def _facts(database: db.Database) -> dict[str, Any]:
    with database.read() as connection:
        facts = _settings(connection) if "settings" in inspect(connection).get_table_names() else {}
    if facts.get("make") != "seqwright":
        raise StudyError(_foreign(database.path))
    if facts["schema"] > db.SCHEMA:
        raise StudyError(
            f"{database.path} has schema version {facts['schema']}, and this Seqwright knows up to {db.SCHEMA}. "
            "Upgrade with `pip install --upgrade seqwright`."
        )
    return facts


def _settings(connection: Connection) -> dict[str, Any]:
    columns = {column["name"] for column in inspect(connection).get_columns("settings")}
    if columns != {"key", "value"}:
        return {}
    return {row.key: row.value for row in connection.execute(select(db.settings)).all()}


def _taken(path: Path) -> str:
    return (
        f"{path.parent} holds a study already. Go on with `seqwright resume {path.parent}`, or choose another folder."
    )


def _foreign(path: Path) -> str:
    return f"{path} is not a Seqwright study. Choose another folder, or move that file away."

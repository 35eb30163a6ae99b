import math
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, text

from seqwright.arch.blocks import FeedForward, Lstm
from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.network import Body, Layer, Mean, Network, Words
from seqwright.errors import StudyError
from seqwright.study import database
from seqwright.study.record import Fidelity, Proposal, Trial
from seqwright.study.store import Study

SETTINGS = {"seed": 0, "data": {"rows": 100, "target": "label"}}


def candidate(width: int = 64) -> Candidate:
    body = Body((Layer(Lstm(), FeedForward()),), width=width)
    return Candidate(Network(Words(), body, Mean()), Recipe())


def proposal(number: int, width: int = 64) -> Proposal:
    move = {"name": "replace", "path": "/architecture/body/width"}
    return Proposal(candidate(width), Fidelity(500, 3), "because", "checkpoint", move, "0123456789ab", 7, number)


def in_another_process(code: str, folder: Path) -> subprocess.Popen[str]:
    program = f"from seqwright.study.store import Study\nstudy = Study.open({str(folder)!r})\n{code}"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)


def test_what_is_written_comes_back_the_same(tmp_path: Path) -> None:
    trial = Trial(proposal(0), 0.5, {"accuracy": 0.5}, {"parameters": 10}, 1.5, ((1, 2.0, 0.25),), ("stopped early",))
    failed = Trial(proposal(1), -math.inf, error="ran out of memory")
    with Study.create(tmp_path, SETTINGS) as study:
        study.propose([proposal(0), proposal(1), proposal(2)], told=0)
        assert study.record(failed)
        assert study.record(trial)
    with Study.open(tmp_path) as study:
        assert study.settings == SETTINGS
        assert study.trials() == [trial, failed]
        assert study.trials(recorded=True) == [failed, trial]
        assert study.pending() == [proposal(2)]
        assert study.proposals() == [(proposal(n), 0) for n in range(3)]


def test_a_trial_is_counted_once(tmp_path: Path) -> None:
    with Study.create(tmp_path, SETTINGS) as study:
        study.propose([proposal(0)])
        assert study.record(Trial(proposal(0), 0.5))
        assert not study.record(Trial(proposal(0), 0.9))
        assert [trial.score for trial in study.trials()] == [0.5]


def test_numbers_json_cannot_hold(tmp_path: Path) -> None:
    with Study.create(tmp_path, SETTINGS) as study:
        study.propose([proposal(0)])
        study.record(Trial(proposal(0), -math.inf, {"loss": math.inf}, curve=((1.0, math.nan),), error="diverged"))
        (trial,) = study.trials()
    assert trial.score == -math.inf
    assert math.isnan(trial.metrics["loss"]) and math.isnan(trial.curve[0][1])
    with sqlite3.connect(tmp_path / "study.db") as raw:  # other programs' JSON readers agree
        assert raw.execute("select json_extract(data, '$.curve[0][1]') from trials").fetchone() == (None,)
    raw.close()


def test_begin_creates_then_opens_and_refuses_other_settings(tmp_path: Path) -> None:
    Study.begin(tmp_path, SETTINGS).close()
    Study.begin(tmp_path, SETTINGS).close()
    with pytest.raises(
        StudyError, match=r"data\.rows is 100 there, 90 was asked; metric is nothing there, \"mcc\" was"
    ):
        Study.begin(tmp_path, {"seed": 0, "data": {"rows": 90, "target": "label"}, "metric": "mcc"})
    with pytest.raises(StudyError, match="holds a study already"):
        Study.create(tmp_path, SETTINGS)


def test_an_interrupted_creation_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "study.db").touch()
    with Study.begin(tmp_path, SETTINGS) as study:
        assert study.trials() == []


def test_foreign_and_newer_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="holds no study"):
        Study.open(tmp_path)
    (tmp_path / "study.db").write_bytes(b"not a database at all, but long enough to look like one" * 100)
    for call in (Study.open, lambda f: Study.begin(f, SETTINGS), lambda f: Study.create(f, SETTINGS)):
        with pytest.raises(StudyError, match="not a Seqwright study"):
            call(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    raw = sqlite3.connect(other / "study.db")
    raw.execute("create table settings (a, b)")
    raw.commit()
    raw.close()
    for call in (Study.open, lambda f: Study.begin(f, SETTINGS), lambda f: Study.create(f, SETTINGS)):
        with pytest.raises(StudyError, match="not a Seqwright study"):
            call(other)
    newer = tmp_path / "newer"
    Study.create(newer, SETTINGS).close()
    raw = sqlite3.connect(newer / "study.db")
    raw.execute("update settings set value = '99' where key = 'schema'")
    raw.commit()
    raw.close()
    with pytest.raises(StudyError, match="schema version 99, and this Seqwright knows up to 1"):
        Study.open(newer)


def test_a_folder_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match="cannot be used as a run folder"):
        Study.create(tmp_path / "file", SETTINGS)


@pytest.fixture
def unwritable() -> Iterator[tuple[Path, Path]]:
    """An empty folder and one with a study, neither of which this process may write, even if root began it."""
    with tempfile.TemporaryDirectory() as parent:
        empty, full = Path(parent, "empty"), Path(parent, "full")
        empty.mkdir()
        with Study.create(full, SETTINGS) as study:
            study.propose([proposal(0)])
        for folder in (Path(parent), empty, full):
            folder.chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield empty, full
        finally:
            os.seteuid(user)
            for folder in (Path(parent), empty, full):
                folder.chmod(0o755)


def test_an_unwritable_folder_is_refused_and_its_study_can_be_read(unwritable: tuple[Path, Path]) -> None:
    empty, full = unwritable
    with pytest.raises(StudyError, match=r"creating the study failed.*The folder cannot be written"):
        Study.create(empty, SETTINGS)
    with pytest.raises(StudyError, match=r"new cannot be used as a run folder: Permission denied"):
        Study.create(empty / "new", SETTINGS)
    with Study.open(full) as study:
        assert study.pending() == [proposal(0)]
        with pytest.raises(StudyError, match="The folder cannot be written"), study.lease():
            pass


def test_a_full_disk_while_recording_leaves_the_study_usable(tmp_path: Path) -> None:
    def limit(pages: int) -> None:
        for study_connection in connections:
            study_connection.execute(f"PRAGMA max_page_count={pages}")

    connections: list[sqlite3.Connection] = []
    with Study.create(tmp_path, SETTINGS) as study:
        event.listen(study._database.engine, "checkout", lambda c, *_: connections.append(c))
        study.propose([proposal(n) for n in range(30)])
        study.record(Trial(proposal(0), 0.5))
        limit(1)  # SQLite takes the present size, so nothing more fits
        with pytest.raises(StudyError, match=r"recording trial \d+ failed: database or disk is full.*Free some space"):
            for number in range(1, 30):
                study.record(Trial(proposal(number), 0.5, notes=("x" * 5000,)))
        kept = len(study.trials())
        assert 1 <= kept < 30
        limit(1_000_000)
        study.record(Trial(proposal(29), 0.75))
        assert len(study.trials()) == kept + 1


def test_once_is_decided_once(tmp_path: Path) -> None:
    with Study.create(tmp_path, SETTINGS) as study:
        assert study.once("threads", lambda: {"threads": 4}) == {"threads": 4}
        study.event("other", [1])
    with Study.open(tmp_path) as study:
        assert study.once("threads", lambda: {"threads": 8}) == {"threads": 4}
        assert study.events() == [("threads", {"threads": 4}), ("other", [1])]
        assert study.events("other") == [("other", [1])]


def test_commands_are_taken_once_and_readings_counted(tmp_path: Path) -> None:
    with Study.create(tmp_path, SETTINGS) as study, Study.open(tmp_path) as other:
        other.command("ban", "lstm")
        other.command("stop")
        assert study.commands() == [("ban", "lstm"), ("stop", None)]
        assert study.commands() == []
        assert study.reading({"accuracy": 0.5}) == 1
        assert other.reading({"accuracy": 0.6}) == 2
        assert study.readings() == [{"accuracy": 0.5}, {"accuracy": 0.6}]


def test_a_second_searcher_is_refused_and_readers_are_not(tmp_path: Path) -> None:
    with Study.create(tmp_path, SETTINGS) as study, Study.open(tmp_path) as second:
        study.propose([proposal(0)])
        with study.lease(), study.lease():
            with (
                pytest.raises(StudyError, match=rf"process {os.getpid()} on .* searching this study since 20"),
                second.lease(),
            ):
                pass
            assert second.pending() == [proposal(0)]
        with second.lease():
            pass


def test_a_killed_searcher_loses_the_lease_at_once_and_its_time_is_counted(tmp_path: Path) -> None:
    Study.create(tmp_path, SETTINGS).close()
    holder = in_another_process(
        "with study.lease():\n print('held', flush=True)\n import time\n time.sleep(60)", tmp_path
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with Study.open(tmp_path) as study:
        with pytest.raises(StudyError, match=rf"process {holder.pid} on .*kill {holder.pid}"), study.lease():
            pass
        time.sleep(1.3)
        holder.send_signal(signal.SIGKILL)
        # Not waited for yet: a zombie holds no lease either.
        deadline = time.monotonic() + 5
        while study._lease.held is False and time.monotonic() < deadline:
            try:
                with study.lease():
                    spent_s = study.spent_s()
                break
            except StudyError:
                time.sleep(0.01)
        assert 1.0 <= spent_s < 10.0
        assert study.spent_s() >= spent_s
    holder.wait()
    holder.stdout.close()


def test_a_searcher_of_another_host_keeps_its_lease_for_a_minute(tmp_path: Path) -> None:
    with Study.create(tmp_path, SETTINGS) as study, Study.open(tmp_path) as second, study.lease():
        with study._database.write("moving") as connection:
            connection.execute(text("update lease set host = 'elsewhere', renewed = :now"), {"now": time.time()})
        with pytest.raises(StudyError, match=r"on elsewhere .* try again in (60|59) s"), second.lease():
            pass
        with study._database.write("ageing") as connection:
            connection.execute(text("update lease set renewed = renewed - 61"))
        with second.lease(), pytest.raises(StudyError, match="another searcher took this study over"):
            study.propose([proposal(0)])


def test_readers_never_wait_for_the_writer(tmp_path: Path) -> None:
    with Study.create(tmp_path, SETTINGS) as study, Study.open(tmp_path) as reader:
        study.propose([proposal(0)])
        with study._database.write("a long transaction"):
            began = time.perf_counter()
            assert len(reader.proposals()) == 1
            assert time.perf_counter() - began < 1.0


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    with Study.create(tmp_path, SETTINGS) as study:
        folders = [Study.open(tmp_path) for _ in range(4)]
        threads = [threading.Thread(target=lambda s=s: [s.event("tick") for _ in range(25)]) for s in folders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(study.events("tick")) == 100
        for other in folders:
            other.close()


def test_a_trial_is_recorded_in_under_five_milliseconds(tmp_path: Path) -> None:
    curve = tuple((float(look), 0.5, 0.5) for look in range(20))
    with Study.create(tmp_path, SETTINGS) as study, study.lease():
        times = []
        for number in range(100):
            one = proposal(number)
            began = time.thread_time()
            study.propose([one], told=number)
            study.record(Trial(one, 0.5, {"accuracy": 0.5}, {"parameters": 1.0}, 2.0, curve))
            times.append(time.thread_time() - began)
    assert sorted(times)[50] < 0.005


def test_schema_is_golden() -> None:
    """Change SCHEMA, and say how old files are read, whenever this changes."""
    columns = {table.name: [column.name for column in table.columns] for table in database.metadata.sorted_tables}
    assert database.SCHEMA == 1
    assert columns == {
        "settings": ["key", "value"],
        "proposals": ["number", "told", "candidate", "data"],
        "trials": ["place", "number", "score", "error", "at", "data"],
        "events": ["id", "at", "kind", "data"],
        "commands": ["id", "at", "kind", "data"],
        "readings": ["id", "at", "kind", "data"],
        "lease": ["id", "token", "host", "pid", "born", "since", "renewed"],
        "sessions": ["token", "began", "elapsed_s"],
    }

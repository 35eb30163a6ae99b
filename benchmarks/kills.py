"""Killed at any moment, does the same command end with the same model?

    python -m benchmarks.kills --kills 100

One run goes through undisturbed. Then runs are killed with SIGKILL at random moments, the program with all its
workers or the program alone, and begun again with the same command until they end. Leaderboard, refits, evidence and
the delivered weights have to be those of the undisturbed run, to the bit. Exit code 1 if they are not.
"""

import argparse
import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import IO, Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.killed_run import generate
from seqwright.arch.codec import identity
from seqwright.search.leaderboard import leaderboard
from seqwright.study.record import Trial
from seqwright.study.store import Study

ROOT = Path(__file__).parents[1]
STAGES = ("start", "data", "baselines", "search", "refit", "test", "end")
LONGEST_S = 600.0  # that one command may take; more is a hang


@dataclass
class Command:
    """The command while it runs, and how far it says it is."""

    folder: Path
    process: "subprocess.Popen[str]"
    stage: str = "start"
    lines: int = 0
    news: threading.Condition = field(default_factory=threading.Condition)

    @staticmethod
    def begin(folder: Path, trials: int) -> "Command":
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        program = [sys.executable, "-m", "benchmarks.killed_run", str(folder), str(trials)]
        errors = folder.with_suffix(".errors").open("w")
        process = subprocess.Popen(
            program,
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        errors.close()
        command = Command(folder, process)
        threading.Thread(target=command._listen, args=(process.stdout,), daemon=True).start()
        return command

    def _listen(self, lines: "IO[str]") -> None:
        with lines:
            for line in lines:
                with self.news:
                    self.lines += 1
                    if line.startswith("stage "):
                        self.stage = line.split()[1]
                    self.news.notify_all()
        with self.news:
            self.news.notify_all()

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def until(self, happened: Any) -> None:
        """Wait until `happened()`, or the command's own end."""
        deadline = time.monotonic() + LONGEST_S
        with self.news:
            while not happened() and not self.ended:
                self.news.wait(0.1)
                if time.monotonic() > deadline:
                    raise SystemExit(f"{self.folder}: nothing happened for {LONGEST_S:g} s; it hangs in {self.stage}")

    def kill(self, workers: bool) -> None:
        """The program first: a worker's death alone is a failed trial, and rightly so."""
        children = []
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.process.pid).children(recursive=True) if workers else []
        self.process.kill()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        self.process.wait()

    def finish(self) -> None:
        self.until(lambda: False)
        if self.process.returncode:
            said = self.folder.with_suffix(".errors").read_text()
            raise SystemExit(f"{self.folder}: the command failed with exit code {self.process.returncode}.\n{said}")


def unfinished(folder: Path) -> Iterator[Path]:
    """Files that are being written at this moment."""
    for place in (folder / "checkpoints", *(folder / "refits").glob("*/checkpoints")):
        with contextlib.suppress(FileNotFoundError), os.scandir(place) as entries:
            yield from (Path(entry.path) for entry in entries if entry.name.endswith(".part"))


def wait_for_moment(command: Command, rng: Random) -> None:
    """Wait for a random moment of the command's life; several ways to choose it, so that no part is spared."""
    way = rng.choice(("early", "progress", "progress", "writing", "writing", "late", "brief"))
    if way == "early":  # imports, data, baselines, the replay of a resumed study
        time.sleep(rng.uniform(0.0, 5.0))
    elif way == "progress":
        lines = command.lines + rng.randint(1, 8)
        command.until(lambda: command.lines >= lines)
        time.sleep(rng.uniform(0.0, 1.0))
    elif way == "writing":
        command.until(lambda: command.stage in ("search", "refit"))
        for _ in range(rng.randint(1, 60)):
            while not command.ended and command.stage != "test" and not any(unfinished(command.folder)):
                time.sleep(0.0003)
    elif way == "brief":  # the few milliseconds in which data are prepared, or the bundle is written
        pattern = "best.*" if (command.folder / "prepared").exists() else "prepared"
        before = set(command.folder.glob(pattern))
        while not command.ended and not set(command.folder.glob(pattern)) - before:
            time.sleep(0.0003)
        time.sleep(rng.uniform(0.0, 0.01))
    else:  # test and bundle are over in a moment
        stage = rng.choice(("refit", "test", "test"))
        command.until(lambda: STAGES.index(command.stage) >= STAGES.index(stage))
        time.sleep(rng.uniform(0.0, 1.5))


def outcome(folder: Path) -> "dict[str, Any]":
    """All that has to be the same, whatever happened on the way."""

    def told(trials: "list[Trial]") -> list[Any]:
        return [
            (t.proposal.number, identity(t.proposal.candidate), t.proposal.fidelity, t.proposal.seed, t.score, t.curve)
            for t in trials
        ]

    found: dict[str, Any] = {}
    with Study.open(folder) as study:
        found["trials"] = told(study.trials())
        found["notes"] = [(t.notes, t.error, t.costs.get("best_examples")) for t in study.trials()]
        found["leaderboard"] = told(leaderboard(study.trials()))
        found["pending"] = len(study.pending())
        found["readings of test"] = len(study.readings())
        found["evidence"] = study.events("evidence")[-1][1]
        found["delivered"] = [data["score"] for _, data in study.events("delivered")]
    with Study.open(folder / "refits" / "0") as study:
        found["refits"] = told(study.trials())
    for path in sorted((folder / "best").rglob("*")):
        if path.is_file() and path.name not in ("card.md", "manifest.json"):  # which tell the time that was spent
            found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    found["left over"] = sorted(str(p.relative_to(folder)) for p in folder.rglob("*.part"))
    return found


def recorded(folder: Path) -> int:
    """Trials that are safe."""
    if not (folder / "study.db").exists():
        return 0
    try:
        with Study.open(folder) as study:
            return len(study.trials())
    except Exception:  # killed while the study was created: the next command creates it
        return 0


@dataclass
class Kills:
    """How many kills there were, in which stage; how many of them in the middle of writing a training state."""

    programs: Counter[str] = field(default_factory=Counter)
    groups: Counter[str] = field(default_factory=Counter)
    writing: Counter[str] = field(default_factory=Counter)
    bundles: int = 0

    @property
    def total(self) -> int:
        return self.programs.total() + self.groups.total()

    def table(self) -> Table:
        table = Table("stage", "kills", "with its workers", "program alone", "while a state was being written")
        for stage in STAGES:
            both = self.groups[stage] + self.programs[stage]
            table.add_row(stage, *map(str, (both, self.groups[stage], self.programs[stage], self.writing[stage])))
        totals = (self.total, self.groups.total(), self.programs.total(), self.writing.total())
        table.add_row("all", *map(str, totals))
        return table


def disturb(folder: Path, trials: int, most: int, kills: Kills, rng: Random) -> int:
    """Run the command in `folder` until it ends, killing it up to `most` times; how often it was."""
    count, safe = 0, 0
    while count < most:
        left = {*unfinished(folder), *folder.glob("best.*")}  # by earlier kills
        command = Command.begin(folder, trials)
        wait_for_moment(command, rng)
        if command.ended:
            command.finish()
            return count
        workers = rng.random() < 0.6
        command.kill(workers)
        count += 1
        (kills.groups if workers else kills.programs)[command.stage] += 1
        time.sleep(0.02)  # orphans die with their parent, at once
        kills.writing[command.stage] += bool(set(unfinished(folder)) - left)
        kills.bundles += bool(set(folder.glob("best.*")) - left)
        if (now := recorded(folder)) < safe:
            raise SystemExit(f"{folder}: {safe} trials were recorded before the last kill, {now} after it")
        safe = recorded(folder)
    Command.begin(folder, trials).finish()
    return count


def prove(folder: Path, kills: int, trials: int, seed: int, most: int, console: Console) -> "tuple[Kills, list[str]]":
    """The kills, and how the disturbed runs differ from the undisturbed one: not at all, it is hoped."""
    generate(folder / "data")
    began = time.monotonic()
    Command.begin(folder / "whole", trials).finish()
    whole = outcome(folder / "whole")
    console.print(f"undisturbed: {time.monotonic() - began:.0f} s, {len(whole['trials'])} trials")
    done, wrong, rng, run = Kills(), [], Random(seed), 0
    while done.total < kills:
        run += 1
        broken = folder / f"broken-{run}"
        began = time.monotonic()
        count = disturb(broken, trials, min(most, kills - done.total), done, rng)
        found = outcome(broken)
        differs = [name for name in whole if found.get(name) != whole[name]]
        wrong += [f"run {run}, killed {count} times: other {name}" for name in differs]
        console.print(
            f"run {run}: killed {count} times, {time.monotonic() - began:.0f} s, "
            + (f"[red]differs in {', '.join(differs)}[/red]" if differs else "the same to the bit")
        )
    return done, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--most", type=int, default=15, help="kills of one run, after which it may end in peace")
    parser.add_argument("--trials", type=int, default=14, help="the budget")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--folder", type=Path, help="keep the runs there")
    asked = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        done, wrong = prove(folder, asked.kills, asked.trials, asked.seed, asked.most, console)
    console.print(done.table())
    console.print(f"{done.bundles} of them left a half-written bundle")
    for text in wrong:
        console.print(f"[red]{text}[/red]")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

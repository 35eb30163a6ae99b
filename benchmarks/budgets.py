"""The budget as a contract: many small ones, asked for and taken, on generated texts and series.

    python -m benchmarks.budgets [--budgets 10s,30s,1m] [--sets texts,series]

The promise is to end within 10 % + 5 s with a bundle that loads and predicts. Each run is a process of its own, timed
from its start to its end as a user would, so Python's start and every import count. Exit code 1 where it is broken.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from seqwright.search.budget import Budget

SHARE, GRACE_S = 0.1, 5.0
KILLED_AFTER = 3.0  # times the budget, and a minute: a run that hangs must not hang the benchmark
RUN = """
import json, sys
from seqwright import api
data, folder, budget = sys.argv[1:]
result = api.fit(data, folder=folder, budget=budget)
print(json.dumps({"score": result.score, "trials": len(result.leaderboard())}))
"""


@dataclass(frozen=True)
class Kept:
    """One run: what it took, and whether what it left is of use ("" or why not)."""

    set: str
    asked_s: float
    taken_s: float
    score: float | None = None
    trials: int = 0
    wrong: str = ""

    @property
    def over_s(self) -> float:
        return max(0.0, self.taken_s - self.asked_s)

    @property
    def kept(self) -> bool:
        return not self.wrong and self.over_s <= SHARE * self.asked_s + GRACE_S


def texts(folder: Path, rows: int = 1500) -> Path:
    """Which of four subjects a text is about: a few telling words among many that tell nothing."""
    rng = np.random.default_rng(0)
    path = folder / "texts.tsv"
    with path.open("w", encoding="utf-8") as opened:
        opened.write("label\ttext\n")
        for _ in range(rows):
            subject, length = rng.integers(4), rng.integers(5, 25)
            told = rng.random(length) < 0.15
            words = [f"w{subject * 40 + rng.integers(40)}" if t else f"v{rng.integers(400)}" for t in told]
            opened.write(f"subject {subject}\t{' '.join(words)}\n")
    return path


def series(folder: Path, rows: int = 200) -> Path:
    """Which of three frequencies a noisy oscillation has."""
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=rows)
    phase = (0.1 + 0.03 * y[:, None]) * np.arange(100) + rng.uniform(0, 6, (rows, 1))
    path = folder / "series.npz"
    np.savez(path, X=(np.sin(2 * phase) + rng.normal(0, 1, phase.shape))[:, None], y=y)
    return path


SETS: dict[str, Callable[[Path], Path]] = {"texts": texts, "series": series}


def run(name: str, data: Path, budget: str, folder: Path) -> Kept:
    """Fit in a process of its own, then load what it left here and predict with it."""
    asked_s = Budget.parse(budget).seconds
    assert asked_s is not None, "a budget of time"
    began = time.monotonic()
    try:
        command = [sys.executable, "-c", RUN, str(data), str(folder), budget]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=KILLED_AFTER * asked_s + 60)
    except subprocess.TimeoutExpired:
        return Kept(name, asked_s, time.monotonic() - began, wrong="it never ended")
    taken_s = time.monotonic() - began
    if ended.returncode:
        said = ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"]
        return Kept(name, asked_s, taken_s, wrong=said[-1])
    told = json.loads(ended.stdout.splitlines()[-1])
    return Kept(name, asked_s, taken_s, told["score"], told["trials"], _unusable(folder / "best", data))


def _unusable(bundle: Path, data: Path) -> str:
    from seqwright import api

    try:
        labels, _ = api.predict(bundle, data)
    except Exception as error:  # whatever is wrong with it is the finding
        return f"{type(error).__name__}: {error}"
    return "" if labels else "it predicts nothing"


def table_of(runs: Sequence[Kept]) -> Table:
    table = Table(title=f"Small budgets: the promise is {SHARE:.0%} + {GRACE_S:g} s")
    table.add_column("set")
    for name in ("asked", "taken", "over by", "allowed", "trials", "score"):
        table.add_column(name, justify="right")
    table.add_column("loads")
    for one in runs:
        table.add_row(
            one.set,
            f"{one.asked_s:.0f} s",
            f"{one.taken_s:.1f} s",
            f"{one.over_s:.1f} s",
            f"{SHARE * one.asked_s + GRACE_S:.0f} s",
            str(one.trials),
            "" if one.score is None else f"{one.score:.3f}",
            "NO" if one.wrong else "yes",
            style="" if one.kept else "red",
        )
    return table


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budgets", default="10s,30s,1m,2m,5m")
    parser.add_argument("--sets", default=",".join(SETS))
    options = parser.parse_args(argv)
    console = Console()
    runs = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.sets.split(","):
            data = SETS[name](Path(scratch))
            for budget in options.budgets.split(","):
                with console.status(f"{name}, {budget}"):
                    runs.append(run(name, data, budget, Path(scratch) / f"{name}-{budget}"))
    console.print(table_of(runs))
    for one in runs:
        if one.wrong:
            console.print(f"{one.set}, {one.asked_s:.0f} s: {one.wrong}", markup=False)
    broken = sum(not one.kept for one in runs)
    console.print("Every budget was kept." if not broken else f"{broken} of {len(runs)} budgets were NOT kept.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

"""Spaces in which every answer is known: their candidates, what came of each, and how they may be searched."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from seqwright.arch.candidate import Candidate
from seqwright.errors import InputError, did_you_mean
from seqwright.evaluate import nas_bench_201, nas_bench_macro, nas_bench_nlp
from seqwright.evaluate.table import Entry
from seqwright.space.nodes import Space
from seqwright.study.record import Fidelity

SHORT = "nb201_12epoch_", 12  # beside a file of NAS-Bench-201: the same cells trained for so many epochs
WHOLE_201 = 200


@dataclass(frozen=True)
class Known:
    """A table.

    Args:
        looks: evaluations after which regret is read.
        unit: of the regret.
        rungs: fidelities for schedules, the whole training last; none where the table has one fidelity only.
        pooled: candidates have no edits, so only strategies that draw or rank apply.
        encoding: what a surrogate sees of a candidate, where its answers say nothing.
        timed: whether it knows how long trainings took.
    """

    name: str
    space: Space
    table: Mapping[Candidate, Entry]
    looks: tuple[int, ...] = (50, 100, 200, 400)
    unit: str = "points"
    rungs: tuple[Fidelity, ...] = ()
    pooled: bool = False
    encoding: Callable[[Candidate], Any] | None = None
    timed: bool = True

    @property
    def best(self) -> float:
        return max(entry.score for entry in self.table.values() if isfinite(entry.score))

    @property
    def training_s(self) -> float:
        """Of the average candidate."""
        return sum(entry.seconds for entry in self.table.values()) / len(self.table)


HEAD = 4000  # characters, among which stands a mark that tells each kind from the others
SUFFIXES = (".csv", ".json", ".jsonl")
MARKS = {
    "seqwright": '"table": "seqwright"',
    "nas-bench-201": ",val_acc_0",
    "nas-bench-macro": '"mean_acc"',
    "nas-bench-nlp": '"recepie"',
}


def recognised(path: Path) -> Known:
    """The table in a file, whatever its kind.

    Raises:
        InputError: the file cannot be read, or is of no kind that is known here.
    """
    try:
        kind = _kind(path)
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a table: {error}.") from None
    if kind is not None:
        return opened(kind, path)
    raise InputError(
        f"{path} is no table that is known here. Give a file of one of: {', '.join(MARKS)} "
        "(`seqwright.evaluate.table_file` writes one of your own)."
    )


def found(folder: Path) -> list[Known]:
    """Every table in a folder and in those below it, in the order of their paths.

    Raises:
        InputError: a file of a kind that is known here cannot be read as one.
    """
    tables: list[Known] = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file()):
        with suppress(OSError, UnicodeDecodeError):
            if (kind := _kind(path)) is not None:
                tables.append(opened(kind, path))
    return tables


def _kind(path: Path) -> str | None:
    with path.open(encoding="utf-8") as file:
        head = file.read(HEAD)
    return next((kind for kind, mark in MARKS.items() if mark in head), None)


def opened(kind: str, path: Path) -> Known:
    """The table of that kind in a file, named by both.

    Raises:
        InputError: no such kind, or the file is not one of it.
    """
    if kind == "seqwright":
        from seqwright.evaluate.table_file import read

        return read(path)
    if kind == "nas-bench-201":
        return _nas_bench_201(path)
    if kind == "nas-bench-macro":
        return Known(f"{kind} {path.stem}", nas_bench_macro.space(), nas_bench_macro.read(path), timed=False)
    if kind == "nas-bench-nlp":
        pool = nas_bench_nlp.read(path)
        epochs = sorted({max(1, pool.epochs // 3**step) for step in range(4)})
        return Known(
            f"{kind} {path.stem}",
            pool.space(),
            pool.table,
            looks=(25, 50, 100, 150),
            unit="nats",
            rungs=tuple(map(Fidelity, epochs)),
            pooled=True,
            encoding=pool.encoding,
        )
    raise InputError(f'"{kind}" is no kind of table.{did_you_mean(kind, MARKS)} Give one of: {", ".join(MARKS)}.')


def _nas_bench_201(path: Path) -> Known:
    table = nas_bench_201.read(path)
    prefix, epochs = SHORT
    short = path.with_name(prefix + path.stem.rsplit("_", 1)[-1] + path.suffix)
    rungs: tuple[Fidelity, ...] = ()
    if short.exists():
        table = nas_bench_201.with_short(table, short, epochs, WHOLE_201)
        rungs = (Fidelity(epochs), Fidelity(WHOLE_201))
    return Known(f"nas-bench-201 {path.stem}", nas_bench_201.space(), table, rungs=rungs)

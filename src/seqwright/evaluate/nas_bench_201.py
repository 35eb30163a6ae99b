"""NAS-Bench-201 as a table: every cell of four nodes and five operations, trained to the end.

Dong & Yang 2020, arXiv:2001.00326. Read from a csv with the columns `arch` (six digits, one an edge), `val_acc_0`,
`val_acc_1`, ... (percent; empty where a seed was not run) and `train_time` (seconds).
"""

import csv
from dataclasses import astuple, dataclass
from pathlib import Path

from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.kinds import kind
from seqwright.errors import DataError
from seqwright.evaluate.table import Entry
from seqwright.space.nodes import Record, among, vary

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


@kind
@dataclass(frozen=True)
class NasBench201Cell:
    """A cell: node 0 is the input, node 3 the output, and an operation stands on the edge of every two nodes."""

    edge_0_1: str = among(*OPERATIONS, ordered=False)
    edge_0_2: str = among(*OPERATIONS, ordered=False)
    edge_1_2: str = among(*OPERATIONS, ordered=False)
    edge_0_3: str = among(*OPERATIONS, ordered=False)
    edge_1_3: str = among(*OPERATIONS, ordered=False)
    edge_2_3: str = among(*OPERATIONS, ordered=False)


def space() -> Record:
    """All 15,625 cells, each with one recipe."""
    return vary(Candidate, architecture=vary(NasBench201Cell), recipe=Recipe())


def read(path: str | Path) -> dict[Candidate, Entry]:
    """The table in a csv file. A score is the mean validation accuracy over the seeds that were run, in percent.

    Raises:
        DataError: the file is missing, lacks a column, or holds something else.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"Cannot read {path}: {error}. Give the csv table of NAS-Bench-201.") from None
    seeds = [name for name in (rows[0] if rows else ()) if name.startswith("val_acc_")]
    lacking = [name for name in ("arch", "train_time") if rows and name not in rows[0]] + ["val_acc_0"] * (not seeds)
    if lacking:
        raise DataError(f"{path} has no column {', '.join(lacking)}. It needs arch, val_acc_0 (and on) and train_time.")
    table: dict[Candidate, Entry] = {}
    for line, row in enumerate(rows, 2):
        try:
            a, b, c, d, e, f = (OPERATIONS[int(digit)] for digit in row["arch"])
            scores = [float(row[name]) for name in seeds if row[name]]
            table[Candidate(NasBench201Cell(a, b, c, d, e, f))] = Entry(
                sum(scores) / len(scores), float(row["train_time"])
            )
        except (ValueError, IndexError, TypeError, ZeroDivisionError) as error:
            raise DataError(f"{path}:{line}: not a cell with its scores: {error}.") from None
    return table


def with_short(table: dict[Candidate, Entry], path: str | Path, epochs: int, whole: int) -> dict[Candidate, Entry]:
    """The table with a lower fidelity: accuracies of another training of so many epochs, of `whole` for the first.

    Its file has the columns `cellstr` (`|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`) and one that ends in `-val`. The time is
    a share of the whole training's. A promotion begins anew, since the learning rate of each fell to zero.

    Raises:
        DataError: the file is missing, lacks a column, or holds something else.
    """
    short: dict[Candidate, float] = {}
    try:
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                (score,) = (float(value) for name, value in row.items() if name.endswith("-val"))
                names = (part.split("~")[0] for part in row["cellstr"].split("|") if "~" in part)
                short[Candidate(NasBench201Cell(*names))] = score
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"Cannot read {path}: {error!r}. Give the csv of short trainings of NAS-Bench-201.") from None
    return {
        candidate: Entry(
            entry.score,
            entry.seconds,
            (
                (epochs, short[candidate], entry.seconds * epochs / whole),
                (whole, entry.score, entry.seconds),
            ),
        )
        for candidate, entry in table.items()
        if candidate in short
    }


def digits(cell: NasBench201Cell) -> str:
    """A cell as the table writes it.

    >>> digits(NasBench201Cell(edge_2_3="avg_pool_3x3"))
    '000004'
    """
    return "".join(str(OPERATIONS.index(operation)) for operation in astuple(cell))

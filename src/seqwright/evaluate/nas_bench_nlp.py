"""NAS-Bench-NLP as a pool: recurrent cells that were trained once, each with the loss and the seconds of every epoch.

Klyuchnikov et al. 2020, arXiv:2006.07116. Read from a jsonl of runs with `recepie` (the cell as a graph, in JSON; the
spelling is the table's), `val_losses`, `wall_times` and `num_params`. A pool has no edits: a cell's neighbours were
mostly not trained. So a space is a choice of runs, and what a surrogate knows of one is `described`.
"""

import json
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.kinds import kind
from seqwright.errors import DataError
from seqwright.evaluate.table import Entry
from seqwright.space.nodes import Choice, Record, vary

OPERATIONS = (
    "linear", "blend", "elementwise_prod", "elementwise_sum",
    "activation_tanh", "activation_sigm", "activation_leaky_relu",
)  # fmt: skip


@kind
@dataclass(frozen=True)
class NasBenchNlpRun:
    """One recorded run, by its line in the file."""

    line: int


@dataclass(frozen=True)
class Pool:
    """The runs of a file.

    Args:
        table: a score is minus the validation loss, in nats a word; a run that diverged has none.
        features: (N, P) of the runs by line, from 0 to 1; see `described`.
        epochs: of the longest run.
    """

    table: dict[Candidate, Entry]
    features: np.ndarray
    epochs: int

    def space(self) -> Record:
        runs = Choice(tuple(range(len(self.table))))
        return vary(Candidate, architecture=vary(NasBenchNlpRun, line=runs), recipe=Recipe())

    def encoding(self, candidate: Candidate) -> np.ndarray:
        """(P,) what is known of a candidate before it is trained."""
        return self.features[candidate.architecture.line]


def read(path: str | Path) -> Pool:
    """The pool in a jsonl file.

    Raises:
        DataError: the file is missing or holds something else.
    """
    table: dict[Candidate, Entry] = {}
    known: list[list[float]] = []
    try:
        with open(path, encoding="utf-8") as file:
            for line, text in enumerate(file):
                row = json.loads(text)
                table[Candidate(NasBenchNlpRun(line), Recipe())] = _entry(row)
                known.append([*described(json.loads(row["recepie"])), math.log(row["num_params"])])
        if not table:
            raise ValueError("it is empty")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"Cannot read {path}: {error!r}. Give the jsonl of runs of NAS-Bench-NLP.") from None
    features = np.array(known)
    ranks = np.stack([np.searchsorted(np.unique(column), column) for column in features.T], 1)
    epochs = max(entry.curve[-1][0] for entry in table.values() if entry.curve)
    return Pool(table, ranks / np.maximum(ranks.max(0), 1), epochs)


def _entry(row: dict[str, Any]) -> Entry:
    """Steps are epochs. A run that diverged fails wherever it is asked for, after the seconds that it took."""
    seconds = np.cumsum(row["wall_times"])
    losses = [float(loss) for loss in row["val_losses"]]
    if row["status"] != "OK" or not all(map(math.isfinite, losses)):
        return Entry(math.nan, float(seconds[-1]))
    curve = tuple((k, -loss, float(s)) for k, (loss, s) in enumerate(zip(losses, seconds, strict=True), 1))
    return Entry(curve[-1][1], curve[-1][2], curve, continues=True)


def described(cell: dict[str, dict[str, Any]]) -> list[float]:
    """A cell in numbers: nodes, each operation, its depth, hidden states, inputs of linear nodes, reads of x and h.

    >>> described({"h_new_0": {"op": "linear", "input": ["x", "h_prev_0"]}})
    [1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 2, 1, 1]
    """
    count = Counter(node["op"] for node in cell.values())
    inputs = [source for node in cell.values() for source in node["input"]]
    depths: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in cell:
            return 0
        if name not in depths:
            depths[name] = 1 + max(map(depth, cell[name]["input"]), default=0)
        return depths[name]

    return [
        len(cell),
        *(count[operation] for operation in OPERATIONS),
        max(map(depth, cell)),
        sum(name.startswith("h_new") for name in cell),
        sum(len(node["input"]) for node in cell.values() if node["op"] == "linear"),
        inputs.count("x"),
        sum(source.startswith("h_prev") for source in inputs),
    ]

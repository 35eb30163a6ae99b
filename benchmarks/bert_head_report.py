"""What the experiment with heads says: a table for each set, and in plain words what architecture adds beyond tuning.

Differences are paired: the same test examples, each with the answers of all seeds, are resampled for both methods. The
score of several seeds together is the metric of all their answers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.tables import cell, interval
from seqwright.data import bootstrap
from seqwright.data.bootstrap import Interval
from seqwright.tasks.registry import from_data

CONTROL = "linear [CLS], rate tuned"
POOLED = "linear mean-pool, rate tuned"
SEARCHED = " over "  # in the names of methods that search for architectures
ENOUGH = 5  # runs, below which their interval says little

Rows = Sequence[Mapping[str, Any]]


def pooled(rows: Rows) -> np.ndarray:
    """(N, S) statistics of each test example, summed over the seeds: what belongs together is resampled together."""
    metric = from_data(rows[0]["task"]).chosen()
    return np.sum([metric.statistics(row["answers"], row["targets"]) for row in rows], 0)


def difference(ours: Rows, theirs: Rows) -> Interval | None:
    """The gain on test with its paired 95 % interval, over the seeds that both have; None where there is none."""
    seeds = _scored(ours).keys() & _scored(theirs).keys()
    if not seeds:
        return None
    mine, other = ([_scored(rows)[seed] for seed in sorted(seeds)] for rows in (ours, theirs))
    return bootstrap.paired(from_data(mine[0]["task"]).chosen(), pooled(mine), pooled(other))


def _scored(rows: Rows) -> dict[int, Mapping[str, Any]]:
    return {row["seed"]: row for row in rows if "score" in row}


def gains(rows: Rows, methods: Sequence[str], over: str = CONTROL) -> np.ndarray:
    """(R,) differences of the scores on test, one for every set and seed: the mean of the methods less the other."""
    runs: dict[Any, dict[str, float]] = {}
    for row in rows:
        if "score" in row:
            runs.setdefault((row["set"], row["seed"]), {})[row["method"]] = row["score"]
    whole = [scores for scores in runs.values() if scores.keys() >= {over, *methods}]
    return np.array([np.mean([scores[method] for method in methods]) - scores[over] for scores in whole])


def show(rows: Rows, methods: Sequence[str], console: Console) -> None:
    """A table for each set and mode, then the words."""
    for name, mode in dict.fromkeys((row["set"], row["mode"]) for row in rows):
        console.print(table([row for row in rows if (row["set"], row["mode"]) == (name, mode)], methods))
    for mode in dict.fromkeys(row["mode"] for row in rows):
        console.print(words([row for row in rows if row["mode"] == mode], methods), markup=False, highlight=False)


def table(rows: Rows, methods: Sequence[str]) -> Table:
    """One set in one mode."""
    first = next((row for row in rows if "score" in row), None)
    metric = from_data(first["task"]).chosen().name if first else "score"
    seeds = len({row["seed"] for row in rows})
    title = f"{rows[0]['set']}, encoder {rows[0]['mode']}: {metric} on test, {seeds} seeds, 95 % intervals"
    found = Table(title=title)
    found.add_column("head")
    for column in ("mean of the seeds", "against the tuned linear head", "collapsed", "failed", "heads", "a minute"):
        found.add_column(column, justify="right")
    found.add_column("took", justify="right")
    control = [row for row in rows if row["method"] == CONTROL]
    for method in methods:
        mine = [row for row in rows if row["method"] == method]
        if not mine:
            continue
        scores = np.array([row["score"] for row in mine if "score" in row])
        gain = None if method == CONTROL else difference(mine, control)
        found.add_row(
            method.replace("[", r"\["),
            cell(scores).replace("[", r"\[") if len(scores) else "failed",
            f"{gain.value:+.3f}  \\[{gain.low:+.3f}, {gain.high:+.3f}]" if gain else "",
            *_counts(mine),
            style="bold" if gain and gain.excludes_zero else "",
        )
    return found


def _counts(rows: Rows) -> list[str]:
    trials, collapsed, failed, heads, seconds = (
        sum(row.get(key, 0) for row in rows) for key in ("trials", "collapsed", "failed", "heads", "wall_s")
    )
    share = f"{collapsed / trials:.0%} of {trials}" if trials else ""
    return [share, str(failed), str(heads), f"{60 * heads / seconds:.1f}" if seconds else "", f"{seconds:.0f} s"]


def words(rows: Rows, methods: Sequence[str]) -> str:
    """What architecture adds beyond tuning, in one mode, over all sets and seeds."""
    sets, pairs = len({row["set"] for row in rows}), len({(row["set"], row["seed"]) for row in rows})
    said = [
        f"What architecture adds beyond tuning, encoder {rows[0]['mode']} ({pairs} runs, {sets} sets). Beside a linear "
        "[CLS] head whose learning rate was tuned with as many trials, on test:"
    ]
    told = {method: gains(rows, [method]) for method in methods if method != CONTROL}
    said += [f"  {method}: {verdict(found)}" for method, found in told.items() if len(found)]
    searched = [method for method in told if SEARCHED in method]
    for over in (CONTROL, POOLED):
        # The mean of all searches, since to name the best one by its test score would flatter it.
        if searched and len(found := gains(rows, searched, over)):
            said.append(f"A searched head, in the mean of all searches, beside {over}: {verdict(found)}.")
    trials, collapsed = (sum(row.get(key, 0) for row in rows) for key in ("trials", "collapsed"))
    said.append(f"{collapsed} of {trials} trials collapsed to one class.")
    return "\n".join(said)


def verdict(found: np.ndarray) -> str:
    """The mean of (R,) gains with its interval over runs, and whether that tells it apart from nothing."""
    low, high = interval(found)
    told = "better" if low > 0 else "worse" if high < 0 else "not told apart"
    return f"{found.mean():+.4f} [{low:+.4f}, {high:+.4f}], {told if len(found) >= ENOUGH else 'too few runs to tell'}"

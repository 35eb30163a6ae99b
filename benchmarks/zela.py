"""Where gradient search fails, and what mends it: the reduced spaces S1 to S4 of Zela et al. 2020, in one dimension.

    python -m benchmarks.zela [--spaces S1,S2,S3,S4] [--methods darts,...] [--seeds 3] [--first-seed 0]

The spaces (arXiv:1909.09656, section 3; theirs are of image cells): S1 gives each node two operations of its own, one
of them cheap (theirs gives them to each edge); S2 a separable convolution or a skip; S3 the same or nothing; S4 the
convolution or noise. Each method trains a mixture, and the one architecture that it derives is trained alone from the
beginning, as are cells drawn at random and those of one operation everywhere. Published: DARTS takes skips (S1 to S3)
or noise (S4) nearly everywhere, what it derives is worse than random cells, and the mends are not so.

The task is generated: which value follows the marker at the distance that its kind tells? A network of skips sees two
neighbours together, no more, and never a marker and its value: it cannot do much better than guess. A fifth of the
labels to search by are wrong, which weights learn by heart: where they do not, nothing collapses. What is compared is
trained alone on other rows, all of them right, so that architectures are judged and not how well they resist noise.
Rates of gates are the project's own (`oneshot.mixture_learner`). Results are kept in a folder, and what is done is not
run again. On a free core a search takes a quarter of a minute, a training some seconds.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.tables import cell
from seqwright.arch.candidate import Recipe
from seqwright.arch.cells import Cell, CellNetwork, Combination, cells
from seqwright.arch.codec import from_data
from seqwright.arch.darts import DARTS
from seqwright.arch.interface import Interface, Stream
from seqwright.arch.kinds import kind
from seqwright.arch.network import Max, Mlp, Words
from seqwright.arch.supernet import Supernet
from seqwright.data.examples import Encoded, Ragged
from seqwright.nn import build
from seqwright.oneshot import job
from seqwright.search.fresh import generator
from seqwright.space.moves import sample
from seqwright.space.nodes import Choice, Record, Space, vary
from seqwright.train.fit import Plan, fit

NODES, WIDTH = 2, 16
PAIRS = (("sep3", "identity"), ("avg3", "dilated-sep3"))  # of S1, node by node
OPERATIONS = {"S2": ("sep3", "identity"), "S3": ("sep3", "identity", "none"), "S4": ("sep3", "noise")}
EMPTY = ("identity", "none", "noise")
STEPS, LENGTH, VALUES = (3, 7), 16, 4  # from a marker to its value; of a sequence; different values
ROWS = (1600, 400, 1000, 3200)  # to search by, to choose weights by, to report on, to train alone on
WRONG = 0.2  # share of the labels to search by that are drawn anew: weights learn them by heart, and then DARTS fails
RECIPE = Recipe(learning_rate=1e-2, batch_size=32, warmup_steps=10, dropout=0.0)
RANDOM, ONLY = "random cells", "only"
RESULTS = "results.jsonl"
MEASURED = ("mixture", "derived on shared weights")
INTERFACE = Interface((("words", Stream("tokens", 3 + VALUES + len(STEPS), LENGTH)),), VALUES)


@kind
@dataclass(frozen=True)
class Shallow(CellNetwork):
    """One reduction, so three cells: deeper ones of convolutions alone do not train in this time."""

    reductions: ClassVar[int] = 1


def space(name: str) -> Space:
    """The space of that name, over architectures."""
    if name == "S1":
        rows = [dict(cells(pair, ("add",), NODES).fields)["combinations"][i] for i, pair in enumerate(PAIRS)]
        made: Record = cells(("sep3",), ("add",), NODES)
        cell_space: Space = Record(made.cls, (("combinations", tuple(rows)),))
    else:
        cell_space = cells(OPERATIONS[name], ("add",), NODES)
    return vary(
        Shallow,
        stem=Words(),
        normal=cell_space,
        reduction=cell_space,
        readout=Max(),
        repeats=Choice((1,)),
        width=Choice((WIDTH,)),
        head=Mlp(layers=0),
    )


def only(operation: str) -> CellNetwork:
    """The network of one operation everywhere: what a collapse can cost, and what convolutions can do."""
    cell = Cell(tuple(Combination(i, operation, i + 1, operation, "add") for i in range(NODES)))
    return Shallow(Words(), cell, cell, Max(), 1, WIDTH, Mlp(layers=0))


def drawn(seed: int, part: int) -> Encoded:
    """Sequences of values with one marker, whose kind tells how many steps behind it the class stands."""
    rng, rows = np.random.default_rng((seed, part)), ROWS[part]
    words = rng.integers(3, 3 + VALUES, (rows, LENGTH))
    kinds = rng.integers(len(STEPS), size=rows)
    places = rng.integers(LENGTH - max(STEPS), size=rows)
    targets = words[np.arange(rows), places + np.array(STEPS)[kinds]] - 3
    words[np.arange(rows), places] = 3 + VALUES + kinds
    if part == 0:
        targets = np.where(rng.random(rows) < WRONG, rng.integers(VALUES, size=rows), targets)
    return Encoded({"words": Ragged.of(list(words), np.int64)}, targets, None, np.arange(rows))


def accuracy(probabilities: Any, targets: Any, weights: Any = None) -> float:
    return float((probabilities.argmax(-1) == targets).mean())


def alone(architecture: CellNetwork, seed: int, examples: int) -> float:
    """Test accuracy of a network trained from the beginning, with the weights that were best on validation."""
    from seqwright.train.predict import probabilities

    torch.manual_seed(seed)
    network = build(architecture, INTERFACE)
    steps = examples // RECIPE.batch_size
    plan = Plan(steps, "cosine", looks=max(1, steps // 8), seed=seed, patience=None)
    valid, test, train = (drawn(seed, part) for part in (1, 2, 3))
    found = fit(network, RECIPE, train, valid, accuracy, plan, ("words",), VALUES)
    return accuracy(probabilities(found.network, test, ("words",)), test.targets)


def run(name: str, method: str, seed: int, examples: int, kept: Path) -> dict[str, Any]:
    """One search and its architecture's training, or the training of one that nothing searched for; JSON data."""
    began, last = time.monotonic(), method.rpartition(" ")[2]
    if method not in DARTS:
        architecture = only(last) if method.startswith(ONLY) else sample(space(name), generator(seed, int(last)))
        return {"test": alone(architecture, seed, examples)} | empty(architecture)
    state = kept / f"{name}-{method}-{seed}.safetensors"
    work = job.Work(
        INTERFACE, drawn(seed, 0), drawn(seed, 1), accuracy, 2 * examples, Plan(0, seed=seed), torch.device("cpu"),
        state,
    )  # fmt: skip
    found = job.train(DARTS[method], Supernet(space(name), DARTS[method]), RECIPE, work)
    searched_s = time.monotonic() - began
    architecture = from_data(found.found["derived"][0])
    state.unlink(missing_ok=True)
    return {
        "test": alone(architecture, seed, examples),
        "mixture": found.curve[-1][-1],
        "derived on shared weights": found.score,
        "eigenvalues": found.found["eigenvalues"],
        "notes": found.notes,
        "searched_s": round(searched_s),
        "seen": found.examples,
    } | empty(architecture)


def empty(architecture: CellNetwork) -> dict[str, Any]:
    """The share of the operations of both cells that compute nothing, and those of each."""
    chosen = {
        name: [made_of for made in cell.combinations for made_of in (made.first, made.second)]
        for name, cell in (("normal", architecture.normal), ("reduction", architecture.reduction))
    }
    every = [name for row in chosen.values() for name in row]
    return {"empty": sum(name in EMPTY for name in every) / len(every)} | chosen


def show(found: dict[tuple[str, str, int], dict[str, Any]], console: Console) -> None:
    table = Table(title="What is derived, trained alone; and random cells of the same space")
    table.add_column("space")
    table.add_column("method")
    for head in ("test accuracy", "skips and noise", "random cells that are better", "mixture", "derived, shared"):
        table.add_column(head, justify="right")
    for name in dict.fromkeys(key[0] for key in found):
        drawn_ones = {key: row for key, row in found.items() if key[0] == name and key[1].startswith(RANDOM)}
        rivals = np.array([row["test"] for row in drawn_ones.values()])
        if len(rivals):
            share = np.mean([row["empty"] for row in drawn_ones.values()])
            table.add_row(name, f"{len(rivals)} {RANDOM}", cell(rivals), f"{share:.0%}", "50%", "", "")
        for method in dict.fromkeys(key[1] for key in found if key[0] == name and key not in drawn_ones):
            rows = {key[2]: row for key, row in found.items() if key[:2] == (name, method)}
            better = [
                np.mean([r["test"] > row["test"] for key, r in drawn_ones.items() if key[2] == seed] or [np.nan])
                for seed, row in rows.items()
            ]
            means = [np.mean([row.get(key, np.nan) for row in rows.values()]) for key in MEASURED]
            table.add_row(
                name,
                method,
                cell(np.array([row["test"] for row in rows.values()])),
                f"{np.mean([row['empty'] for row in rows.values()]):.0%}",
                f"{np.mean(better):.0%}" if len(rivals) else "",
                *("" if np.isnan(mean) else f"{mean:.3f}" for mean in means),
            )
        table.add_section()
    console.print(table)


def known(path: Path, examples: int) -> dict[tuple[str, str, int], dict[str, Any]]:
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    rows = [row for row in map(json.loads, lines) if row["examples"] == examples]
    return {(row["space"], row["method"], row["seed"]): row for row in rows}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spaces", default="S1,S2,S3,S4")
    parser.add_argument("--methods", default=",".join(DARTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--random", type=int, default=6, help="cells drawn for each space and seed")
    parser.add_argument("--examples", type=int, default=9600, help="that a training alone sees")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks/zela"), help="where results are kept")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    console = Console(width=None if sys.stdout.isatty() else 150)
    options.out.mkdir(parents=True, exist_ok=True)
    found, asked = known(options.out / RESULTS, options.examples), {}
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for name in options.spaces.split(","):
            methods = [m for m in options.methods.split(",") if m]
            same = [f"{ONLY} {operation}" for operation in OPERATIONS.get(name, ()) if operation != "none"]
            for method in (*same, *(f"{RANDOM} {i}" for i in range(options.random)), *methods):
                key = name, method, seed
                if key not in found:
                    console.print(f"{time.strftime('%H:%M:%S')} {name}, {method}, seed {seed}")
                    row = {"space": name, "method": method, "seed": seed, "examples": options.examples}
                    row |= run(name, method, seed, options.examples, options.out)
                    with (options.out / RESULTS).open("a", encoding="utf-8") as opened:
                        opened.write(json.dumps(row) + "\n")
                    found[key] = row
                asked[key] = found[key]
    show(asked, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())

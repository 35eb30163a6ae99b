"""How well scores of untrained networks order trained ones, on the recurrent cells of NAS-Bench-NLP.

    python -m benchmarks.training_free --data FOLDER           scores recorded there, of 8,794 cells trained on PTB
    python -m benchmarks.training_free --data FOLDER --own 345 ours, of so many cells trained on WikiText-2

FOLDER holds `nas_bench_nlp/RNN_results.csv` and `nas_bench_nlp/wikitext2_logs.jsonl` (Klyuchnikov et al. 2020,
arXiv:2006.07116). Kendall's tau and Spearman's rho are with the negative validation loss; "of two" is how often the
cell with the higher score (or the lower, where tau is negative) has the lower loss.
"""

import argparse
import csv
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy.stats import kendalltau, spearmanr

from seqwright.arch.blocks import Skip
from seqwright.arch.interface import Interface, Stream
from seqwright.arch.network import Body, Layer, Mlp, Network, PerStep, Words
from seqwright.arch.recurrent_graph import from_recipe
from seqwright.errors import DataError
from seqwright.evaluate.training_free import EXAMPLES, SCORES, training_free

VOCABULARY, STEPS, WIDTH, HIDDEN, LAYERS = 1000, 35, 64, 64, 3  # a small language model; its steps as in the paper


def recorded(path: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Scores (N,) by name, and the negative validation losses (N,).

    Raises:
        DataError: the file is missing or another.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        losses = np.array([float(row["loss"]) for row in rows])
        known = [name for name in rows[0] if name not in ("log name", "loss", "perplexity", "bits per word")]
        return {name: np.array([float(row[name]) for row in rows]) for name in known}, -losses
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise DataError(f"Cannot read {path}: {error!r}. Give the folder of the tables of NAS-Bench-NLP.") from None


def own(path: Path, cells: int, seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Our scores (N,) of the first cells, by name, and the negative validation losses (N,); those that diverged apart.

    Raises:
        DataError: the file is missing or another.
    """
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise DataError(f"Cannot read {path}: {error!r}. Give the folder of the tables of NAS-Bench-NLP.") from None
    interface = Interface((("words", Stream("tokens", VOCABULARY, STEPS)),), VOCABULARY, per_step=True)
    tokens = torch.randint(3, VOCABULARY, (EXAMPLES, STEPS), generator=torch.Generator().manual_seed(seed))
    batch = {"words": tokens, "words.mask": torch.ones(EXAMPLES, STEPS, dtype=torch.bool)}
    found: dict[str, list[float]] = {name: [] for name in SCORES}
    losses: list[float] = []
    for row in rows[:cells]:
        if row["status"] != "OK" or not math.isfinite(row["val_losses"][-1]):
            continue
        cell = from_recipe(json.loads(row["recepie"]), hidden=HIDDEN)
        network = Network(Words(), Body((Layer(cell, Skip()),) * LAYERS, WIDTH, "none"), PerStep(), Mlp(0))
        losses.append(row["val_losses"][-1])
        for name, values in found.items():
            values.append(training_free(name, network, interface, batch, seed))
    return {name: np.array(values) for name, values in found.items()}, -np.array(losses)


def table(title: str, scores: Mapping[str, np.ndarray], losses: np.ndarray) -> Table:
    shown = Table(title=f"{title}, {len(losses):,} cells")
    for column in ("score", "tau", "rho", "of two"):
        shown.add_column(column, justify="left" if column == "score" else "right")
    for name, values in scores.items():
        tau, rho = kendalltau(values, losses)[0], spearmanr(values, losses)[0]
        shown.add_row(name, f"{tau:+.3f}", f"{rho:+.3f}", f"{(1 + abs(tau)) / 2:.0%}")
    return shown


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--own", type=int, default=0, metavar="CELLS")
    given = parser.parse_args(arguments)
    console, folder = Console(), given.data / "nas_bench_nlp"
    try:
        console.print(table("Recorded scores", *recorded(folder / "RNN_results.csv")))
        if given.own:
            begun = time.monotonic()
            found = own(folder / "wikitext2_logs.jsonl", given.own)
            console.print(table("Our scores", *found))
            console.print(f"{(time.monotonic() - begun) / max(1, len(found[1])):.2f} s a cell, all scores together")
    except DataError as error:
        console.print(str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

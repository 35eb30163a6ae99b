"""A search whose answer is known, on networks that are trained: does each strategy find what was planted?

    python -m benchmarks.planted_table [--strategies a,b,c] [--seeds 100] [--trials 100] [--jobs 2] [--out FOLDER]

The labels of random sentences are given by a small network with random weights. A space of a few hundred small networks
that holds its architecture is trained to the last member, once: that takes some minutes, may be killed, and leaves a
table (`table.jsonl`) that every comparison reads, with scores after a ninth and a third of the training. Then every
strategy searches the table with many seeds, and counts when it finds a network that scores as well as the planted one.
Exit code 1 unless each does so more often than random search, after as many evaluations as random search needs for
about half of its seeds.
"""

import argparse
import math
import shutil
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from seqwright.arch.blocks import Conv, Gru, Skip
from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.codec import identity
from seqwright.arch.interface import Interface, Stream
from seqwright.arch.network import Body, Layer, Max, Mean, Mlp, Network, Words
from seqwright.data.examples import Examples
from seqwright.deliver.careers import trains_supernet
from seqwright.deliver.comparison import Comparison
from seqwright.deliver.contest import compare
from seqwright.deliver.strategies import STRATEGIES
from seqwright.evaluate import table_file, workbench
from seqwright.evaluate.full import FullEvaluator
from seqwright.evaluate.known_tables import Known, recognised
from seqwright.evaluate.local import LocalPool
from seqwright.evaluate.table import Entry
from seqwright.faces.comparison_page import page
from seqwright.nn.build import build
from seqwright.space.census import every, size
from seqwright.space.nodes import Choice, Record, Stack, one_of, vary
from seqwright.study.record import Fidelity, Proposal, Trial
from seqwright.tasks.registry import task_of

WORDS, LENGTH, CLASSES = 6, 16, 3
TRAIN, VALID = 3200, 2000  # rows
PLANTED = 1000  # from here on seeds are of planted networks; trainings have others
DRAWN = 2  # times as many sentences, of which those are kept whose label is surest
RUNGS = (1_600, 4_800, 14_400)  # examples
RECIPE = Recipe(learning_rate=1e-2, weight_decay=0.0, batch_size=64, warmup_steps=10, dropout=0.0)
GAIN = 4.0  # of the planted network's mixing weights over usual ones, so that much of the label lies in them
SLOW = ("gp", "gp-hyperband")  # seconds a proposal: run when they are named
LEVEL = 1.96


def body(*mixers: Any) -> Body:
    return Body(tuple(Layer(mixer, Skip()) for mixer in mixers), width=16, norm="pre")


PLANT = Network(Words(), body(Conv(3, 1), Conv(3, 4)), Mean(), Mlp(layers=0))


@cache
def space() -> Record:
    """264 networks of one or two layers, with the planted one among them."""
    kernels, dilations = Choice((3, 5, 7), ordered=True), Choice((1, 2, 4), ordered=True)
    conv = vary(Conv, kernel=kernels, dilation=dilations, depthwise=False)
    layer = vary(Layer, mixer=one_of(conv, vary(Gru, hidden=8, bidirectional=False), Skip), channel=Skip())
    inner = vary(Body, layers=Stack(layer, 1, 2), width=16, norm="pre", statistics="layer")
    network = vary(Network, stem=Words(), body=inner, readout=one_of(Mean, Max), head=Mlp(layers=0))
    return vary(Candidate, architecture=network, recipe=RECIPE)


def bench_of(folder: Path, seed: int) -> workbench.Workbench:
    """Random sentences, labelled by the planted network."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(WORDS, size=(DRAWN * (TRAIN + VALID), LENGTH))
    logits = planted(ids, seed)
    logits = (logits - logits.mean(0)) / logits.std(0)  # so that classes are about equally frequent
    ordered = np.sort(logits, 1)
    kept = np.sort(np.argsort(ordered[:, -2] - ordered[:, -1])[: TRAIN + VALID])
    rows = np.arange(len(kept))
    texts = [" ".join(f"w{i}" for i in row) for row in ids[kept]]
    examples = Examples({"text": texts}, logits[kept].argmax(1), rows=rows)
    task = task_of("text-classification")(tuple(map(str, range(CLASSES))))
    return workbench.build(folder, task, examples, None, [(rows[:TRAIN], rows[TRAIN:])], 1, rows[:TRAIN], seed)


@torch.no_grad()
def planted(ids: np.ndarray, seed: int) -> np.ndarray:
    """(N, C) logits of the planted network with random weights, other ones than any network begins with here."""
    torch.manual_seed(PLANTED + seed)
    interface = Interface((("words", Stream("tokens", WORDS + 3, LENGTH)),), CLASSES)
    network = build(PLANT, interface, 0.0).eval()
    for name, weight in network.named_parameters():
        if "mixer" in name and weight.dim() > 1:
            weight *= GAIN
    tokens = torch.from_numpy(ids) + 3
    return network({"words": tokens, "words.mask": torch.ones_like(tokens, dtype=torch.bool)}).numpy()


def entry_of(trial: Trial) -> Entry:
    """The best score by each rung, and the share of the seconds it took."""
    if trial.failed:
        return Entry(math.nan, trial.seconds)
    steps: list[tuple[int, float, float]] = []
    for examples in RUNGS[:-1]:
        scores = [score for seen, _, score in trial.curve if seen <= examples]
        steps.append((examples, max(scores), trial.seconds * examples / RUNGS[-1]))
    return Entry(trial.score, trial.seconds, (*steps, (RUNGS[-1], trial.score, trial.seconds)), continues=True)


def trained(folder: Path, seed: int, jobs: int, console: Console) -> Path:
    """The table, made or gone on with: every network of the space, trained alike."""
    path = folder / "table.jsonl"
    known = table_file.begin(path, f"planted {seed}", space(), unit="accuracy", looks=(10, 25, 50, 100), rungs=RUNGS)
    twins: dict[str, list[Candidate]] = {}  # networks that compute the same, such as one with a layer that skips
    for candidate in every(space()):
        if candidate not in known:
            twins.setdefault(identity(candidate), []).append(candidate)
    due = [*twins.values()]
    if not due:
        return path
    bench = bench_of(folder / "prepared", seed)
    console.print(f"{len(due)} networks are to be trained, for {size(space())} ways to write them")
    with LocalPool(jobs) as pool:
        evaluator = FullEvaluator(pool, bench.folder, folder / "training", timeout_s=600)
        for number, alike in enumerate(due):
            evaluator.submit(Proposal(alike[0], Fidelity(RUNGS[-1]), number=number))
        left = len(due)
        while left:
            for trial in evaluator.collect(1.0):
                for candidate in due[trial.proposal.number]:
                    table_file.add(path, candidate, entry_of(trial))
                left -= 1
    shutil.rmtree(folder / "training")
    return path


def goal(known: Known) -> float:
    """The planted network's score: what has to be reached."""
    return known.table[Candidate(PLANT, RECIPE)].score


def share(hits: int, of: int) -> tuple[float, float, float]:
    """A share and its 95 % interval (Wilson 1927)."""
    p, z = hits / of, LEVEL**2 / of
    centre, half = (p + z / 2) / (1 + z), LEVEL * math.sqrt(p * (1 - p) / of + z / (4 * of)) / (1 + z)
    return p, max(0.0, centre - half), min(1.0, centre + half)


def reached(found: Comparison, contender: str, least: float, cost: int) -> int:
    """Seeds on which it had found one as good by then."""
    scores = (career.best_at(cost) for career in found.of(found.problems[0].name, contender))
    return sum(score is not None and score >= least - 1e-9 for score in scores)


def show(found: Comparison, known: Known, console: Console) -> bool:
    """The table; whether every strategy beat random search where that is about half way."""
    least, seeds = goal(known), len(found.of(known.name, "random"))
    costs = [cost for cost in known.looks if cost <= found.trials]
    drawn = {cost: reached(found, "random", least, cost) for cost in range(1, found.trials + 1)}
    half = min(drawn, key=lambda cost: abs(drawn[cost] - seeds / 2))
    good = sum(entry.score >= least for entry in known.table.values())
    head = f"Share of {seeds} searches that found a network as good as the planted one ({least:.4f}, as are {good} of"
    console.print(f"{head} {len(known.table)}), after so many whole trainings; with its 95 % interval", soft_wrap=True)
    table = Table()
    table.add_column("")
    for cost in [*costs, f"{half}: more than random?", "own ms"]:
        table.add_column(str(cost), justify="right")
    earned = True
    for name in found.ranking().names:
        cells = ["{:.2f} [{:.2f}, {:.2f}]".format(*share(reached(found, name, least, cost), seeds)) for cost in costs]
        here = reached(found, name, least, half)
        more = here > drawn[half]
        earned &= more or name == "random"
        own_ms = np.mean([career.own_ms for career in found.of(known.name, name)])
        word = "" if name == "random" else "yes" if more else "NO"
        table.add_row(name, *cells, f"{here / seeds:.2f} {word}".strip(), f"{own_ms:.1f}")
    console.print(table)
    return earned


def main(argv: Sequence[str] | None = None) -> int:
    usual = [name for name, known in STRATEGIES.items() if name not in SLOW and not trains_supernet(name)]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strategies", default=",".join(usual), help="random is always one of them")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--trials", type=int, default=100, help="whole trainings that a search may spend")
    parser.add_argument("--plant", type=int, default=0, help="seed of the planted network and of the sentences")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks/planted_table"))
    options = parser.parse_args(argv)
    console = Console(width=None if sys.stdout.isatty() else 170)
    path = trained(options.out / f"plant-{options.plant}", options.plant, options.jobs, console)
    names = list(dict.fromkeys(["random", *options.strategies.split(",")]))
    folder = options.out / f"plant-{options.plant}-{options.trials}"
    found = compare(
        tables=[path], strategies=",".join(names), seeds=options.seeds, trials=options.trials, folder=folder,
        jobs=options.jobs,
    )  # fmt: skip
    (folder / "compare.html").write_text(page(found), "utf-8")
    earned = show(found, recognised(path), console)
    console.print(found.ranking().said())
    console.print("Each beats random search." if earned else "NOT each beats random search.")
    return 0 if earned else 1


if __name__ == "__main__":
    sys.exit(main())

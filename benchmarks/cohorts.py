"""Cohorts of whole networks against the same networks one at a time, on whatever device there is.

    python -m benchmarks.cohorts [--device auto] [--members 8 32] [--networks convolution lstm] [--quick]

Small networks of one architecture, each with its own rate and seed, learn which of some tokens stands in a sequence
of noise. Both sides train them for the same steps and judge them once, in turns; a few are timed alone and counted as
many times. On a GPU a cohort of 32 ought to be ten times as fast; on a CPU it gains nothing, and is never used.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from seqwright.arch.blocks import Attention, Conv, FeedForward, Gru, Lstm, MinGru, Ssm
from seqwright.arch.candidate import Recipe
from seqwright.arch.interface import Interface, Stream
from seqwright.arch.network import Body, Layer, Mean, Mlp, Network, Words
from seqwright.arch.recurrent_cells import CellNode, RecurrentCell
from seqwright.data.examples import Encoded, Ragged
from seqwright.nn.build import build
from seqwright.train.cohort import fit_cohort
from seqwright.train.device import device_of
from seqwright.train.fit import Plan, fit
from seqwright.train.seat import Member

TOKENS, CLASSES = 500, 4
RATES = (3e-4, 1e-3, 3e-3)
LEAST = 10.0  # times, on a GPU, in cohorts of 32 and more


def networks(width: int) -> dict[str, Network]:
    searched = RecurrentCell((CellNode(0, "tanh"), CellNode(1, "relu"), CellNode(1, "sigmoid")), hidden=width)
    mixers: dict[str, Any] = {
        "convolution": Conv(5),
        "attention": Attention(max(1, width // 32)),
        "minimal gru": MinGru(width),
        "state space": Ssm(width),
        "lstm": Lstm(width),
        "gru": Gru(width, bidirectional=True),
        "searched cell": searched,
    }
    layers = {name: (Layer(mixer, FeedForward(2)), Layer(mixer, FeedForward(2))) for name, mixer in mixers.items()}
    return {name: Network(Words(), Body(two, width), Mean(), Mlp(1, width)) for name, two in layers.items()}


def examples(rows: int, seed: int) -> Encoded:
    """Sequences of 10 to 40 tokens, one of them among `CLASSES` that tell."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, CLASSES, rows)
    given = [rng.integers(2 + CLASSES, TOKENS, rng.integers(10, 41)) for _ in range(rows)]
    for tokens, target in zip(given, targets, strict=True):
        tokens[rng.integers(len(tokens))] = 2 + target
    return Encoded({"words": Ragged.of(given)}, targets, None, np.arange(rows))


def members(architecture: Network, count: int, steps: int, device: torch.device, seeds: int) -> list[Member]:
    interface = Interface((("words", Stream("tokens", TOKENS, 40)),), classes=CLASSES)
    made = []
    for k in range(count):
        recipe = Recipe(learning_rate=RATES[k % len(RATES)], batch_size=32, warmup_steps=10, dropout=0.1)
        torch.manual_seed(k % seeds)
        network = build(architecture, interface, recipe.dropout).to(device)
        plan = Plan(steps, looks=steps, seed=k % seeds, precision="auto", patience=None)
        made.append(Member(network, recipe, plan, "", architecture.streams, None, architecture))
    return made


def accuracy(probabilities: Any, targets: Any) -> float:
    return float((probabilities.argmax(-1) == targets).mean())


def compared(
    architecture: Network, count: int, few: int, steps: int, device: torch.device, seeds: int
) -> tuple[float, float, float, float]:
    """Seconds for `count` networks one at a time and together, and the mean scores of the first `few` of each."""
    train, valid = examples(2000, 0), examples(500, 1)
    slow, fast, alone, together = [], [], [], []
    for turn in range(3):  # the first warms up
        few_steps = 5 if turn == 0 else steps
        began = time.perf_counter()
        alone = [
            fit(m.network, m.recipe, train, valid, accuracy, m.plan, m.streams, CLASSES).score
            for m in members(architecture, few, few_steps, device, seeds)
        ]
        slow.append((time.perf_counter() - began) * count / few)
        began = time.perf_counter()
        found: list[Any] = fit_cohort(
            members(architecture, count, few_steps, device, seeds), train, valid, accuracy, CLASSES
        )
        fast.append(time.perf_counter() - began)
        together = [run.score for run in found[:few]]
    return min(slow[1:]), min(fast[1:]), statistics.mean(alone), statistics.mean(together)


def main(argv: "Sequence[str] | None" = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--members", type=int, nargs="+", default=[8, 32])
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--networks", nargs="+", choices=tuple(networks(64)), default=list(networks(64)))
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--quick", action="store_true", help="5 steps, cohorts of 4")
    given = parser.parse_args(argv)
    device = device_of(given.device)
    steps, sizes = (5, [4]) if given.quick else (given.steps, given.members)
    table = Table(title=f"{steps} steps of networks of width {given.width} on {device.type}")
    for name in ("network", "members", "seeds", "alone s", "together s", "times", "score", ""):
        table.add_column(name, justify="left" if not table.columns else "right")
    missed = False
    for name in given.networks:
        for count in sizes:
            for seeds in (1, count):
                few = min(4, count)
                slow, fast, *scores = compared(networks(given.width)[name], count, few, steps, device, seeds)
                short = device.type == "cuda" and count >= 32 and slow / fast < LEAST
                missed = missed or short
                figures = f"{slow:.2f}", f"{fast:.2f}", f"{slow / fast:.1f}", *(f"{score:.3f}" for score in scores)
                table.add_row(name, str(count), str(seeds), *figures, style="red" if short else "")
                print(name, count, seeds, *figures, flush=True)
    Console().print(table)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())

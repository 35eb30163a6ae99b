"""Heads on a frozen encoder, in ever better company: what caching, pooling and cohorts are worth, side by side.

    python -m benchmarks.heads [--data TSV] [--encoder minilm] [--rows 800] [--quick]

Every comparison trains the same heads for the same steps on the same machine in one run, the slow way and the fast,
and shows both scores. Processor time is compared beside wall-clock, for a busy machine disturbs it less.
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.encoders import ClsToken, Dense, Frozen, HeadedEncoder, Pretrained
from seqwright.arch.network import AttentionPool, Max, Mean
from seqwright.arch.spaces import named
from seqwright.data.checkpoint import locate
from seqwright.data.examples import Encoded, Examples
from seqwright.deliver.strategies import strategy_named
from seqwright.evaluate import workbench
from seqwright.evaluate.cohorts import CohortEvaluator
from seqwright.evaluate.full import FullEvaluator
from seqwright.evaluate.local import LocalPool
from seqwright.evaluate.pooled_inputs import features_of, frozen, way_of
from seqwright.evaluate.workbench import Workbench
from seqwright.nn.build import build
from seqwright.search.halving import ladder
from seqwright.search.loop import search
from seqwright.search.random_search import RandomSearch
from seqwright.space.nodes import Choice, one_of, vary
from seqwright.study.record import Fidelity, Proposal
from seqwright.study.store import Study
from seqwright.tasks.registry import task_of
from seqwright.train.cohort import Member, fit_cohort
from seqwright.train.fit import Plan, fit

DATA = Path("../shared/data/text/trec6/train.tsv")
RECIPE = Recipe(learning_rate=1e-3, batch_size=32, warmup_steps=10, dropout=0.1)


@dataclass(frozen=True)
class Found:
    """One comparison: seconds for the same heads, the slow way and the fast."""

    what: str
    heads: int
    slow_s: float
    fast_s: float
    slow_score: float
    fast_score: float
    least: float | None

    @property
    def ratio(self) -> float:
        return self.slow_s / self.fast_s


class Clock:
    """Wall-clock and processor time of what is done within it."""

    def __enter__(self) -> "Clock":
        self.began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall_s = time.perf_counter() - self.began[0]
        self.cpu_s = time.process_time() - self.began[1]


def bench_of(path: Path, encoder: str, rows: int, folder: Path) -> Workbench:
    """The first `rows` shuffled lines "label, text" of a file, a quarter of them for validation."""
    lines = [line.rstrip("\n").split("\t", 1) for line in path.read_text().splitlines()[1:]]
    random.Random(0).shuffle(lines)
    lines = lines[:rows]
    names = sorted({label for label, _ in lines})
    targets = np.array([names.index(label) for label, _ in lines])
    examples = Examples({"text": [text for _, text in lines]}, targets, None, None, np.arange(len(lines)))
    index = np.arange(len(lines))
    fold = index[index % 4 > 0], index[index % 4 == 0]
    task = task_of("text-classification")(tuple(names))
    checkpoint = locate(encoder)
    return workbench.build(
        folder, task, examples, None, [fold], 1, fold[0], 0, encoder=checkpoint, features_bytes=4 << 30
    )


def split(bench: Workbench, data: Encoded) -> tuple[Encoded, Encoded]:
    train, valid = bench.folds[0]
    return data.take(train), data.take(valid)


def one_by_one(
    bench: Workbench, given: Sequence[Candidate], data: Encoded, steps: int, seeds: Sequence[int]
) -> list[float]:
    """Scores of candidates trained one after the other on `data`."""
    train, valid = split(bench, data)
    scores = []
    for candidate, seed in zip(given, seeds, strict=True):
        torch.manual_seed(seed)
        network = build(candidate.architecture, bench.interface, candidate.recipe.dropout)
        plan = Plan(steps, looks=steps, seed=seed, patience=None)
        reads = candidate.architecture.streams
        run = fit(network, candidate.recipe, train, valid, bench.score, plan, reads, len(bench.task.labels))
        scores.append(run.score)
    return scores


class OnFeatures(torch.nn.Module):
    """A head that reads pooled features as a batch brings them: what training one at a time on features costs."""

    def __init__(self, head: torch.nn.Module, stream: str) -> None:
        super().__init__()
        self.head, self.stream = head, stream

    def forward(self, batch: Any) -> torch.Tensor:
        return self.head(batch[self.stream])


def with_features(bench: Workbench, given: Sequence[Candidate]) -> Encoded:
    """Pieces, for their lengths, and the features of every way of pooling."""
    ways = {way_of(c.architecture): features_of(c.architecture, bench) for c in given}
    data = bench.development.only(("pretrained",))
    return replace(data, streams=data.streams | ways)


def members(bench: Workbench, given: Sequence[Candidate], steps: int, seeds: Sequence[int]) -> list[Member]:
    made = []
    for candidate, seed in zip(given, seeds, strict=True):
        torch.manual_seed(seed)
        way = way_of(candidate.architecture)
        network = OnFeatures(build(candidate.architecture, bench.interface, candidate.recipe.dropout).head, way)
        plan = Plan(steps, looks=steps, seed=seed, patience=None)
        made.append(Member(network, candidate.recipe, plan, way, (way, "pretrained")))
    return made


def caching(bench: Workbench, steps: int, quick: bool) -> Found:
    """Pooled heads in a cohort against a loop that encodes every batch of every epoch again for each head."""
    given = [Candidate(HeadedEncoder(readout=Mean(), dense=Dense(2, 128)), RECIPE)] * 32
    seeds = list(range(32))
    data = with_features(bench, given[:1])
    train, valid = split(bench, data)
    few = 1 if quick else 2
    with Clock() as slow:
        slow_scores = one_by_one(bench, given[:few], bench.development.only(("pretrained",)), steps, seeds[:few])
    made = members(bench, given, steps, seeds)
    with Clock() as fast:
        runs: list[Any] = fit_cohort(made, train, valid, bench.score, len(bench.task.labels))
    scores = [run.score for run in runs]
    per_head = slow.wall_s / few
    return Found(
        f"pooled heads of 128, {steps} steps: encoded every epoch / features, cohort of 32",
        *(32, per_head * 32, fast.wall_s, statistics.mean(slow_scores), statistics.mean(scores[:few]), 200),
    )


def members_of_bert_head(bench: Workbench, steps: int, count: int) -> Found:
    """Random members of the published space on a frozen encoder: cached states against encoding every batch."""
    drawn = [proposal.candidate for proposal in RandomSearch(named("bert-head"), seed=0).ask(count)]
    given = [Candidate(frozen(c.architecture), replace(c.recipe, dropout=0.1)) for c in drawn]
    bare = bench.development.only(("pretrained",))
    kept = bench.reading(given[0].architecture, bench.development)
    seeds = list(range(count))
    slow_s = fast_s = 0.0
    slow_scores, fast_scores = [], []
    for candidate, seed in zip(given, seeds, strict=True):  # in turns
        with Clock() as slow:
            slow_scores += one_by_one(bench, [candidate], bare, steps, [seed])
        with Clock() as fast:
            fast_scores += one_by_one(bench, [candidate], kept, steps, [seed])
        slow_s, fast_s = slow_s + slow.wall_s, fast_s + fast.wall_s
    scores = statistics.mean(slow_scores), statistics.mean(fast_scores)
    what = f"{count} random members of bert-head, {steps} steps: encoded every epoch / cached states"
    return Found(what, count, slow_s, fast_s, *scores, 1.8)


def cohorts(bench: Workbench, steps: int, width: int, layers: int, least: float | None) -> list[Found]:
    """Cohorts of 32 against the same heads one at a time, both on pooled features."""
    given = [Candidate(HeadedEncoder(readout=Mean(), dense=Dense(layers, width)), RECIPE)] * 32
    data = with_features(bench, given[:1])
    train, valid = split(bench, data)
    classes = len(bench.task.labels)
    found = []
    for name, seeds in (("one seed", [0] * 32), ("32 seeds", list(range(32)))):
        few = 8
        slow_wall, fast_wall, slow_cpu, fast_cpu = [], [], [], []
        for _ in range(3):  # in turns, so that what else the machine does falls on both
            alone = members(bench, given[:few], steps, seeds[:few])
            with Clock() as slow:
                slow_runs = [
                    fit(m.network, m.recipe, train, valid, bench.score, m.plan, m.streams, classes) for m in alone
                ]
            together = members(bench, given, steps, seeds)
            with Clock() as fast:
                fast_runs: list[Any] = fit_cohort(together, train, valid, bench.score, classes)
            slow_wall.append(slow.wall_s * 32 / few)
            fast_wall.append(fast.wall_s)
            slow_cpu.append(slow.cpu_s * 32 / few)
            fast_cpu.append(fast.cpu_s)
        scores = [statistics.mean(run.score for run in runs[:few]) for runs in (slow_runs, fast_runs)]
        what = f"{layers} layer{'s' * (layers > 1)} of {width}, {name}, {steps} steps: one at a time / cohort of 32"
        found.append(Found(what, 32, min(slow_wall), min(fast_wall), *scores, least))
        found.append(Found("  the same in processor time", 32, min(slow_cpu), min(fast_cpu), *scores, None))
    return found


def pooled_space() -> Any:
    """Heads on pooled states: readout, depth, width, and how they are trained."""
    dense = vary(Dense, layers=Choice((1, 2, 3), ordered=True), width=Choice((32, 64, 128, 200), ordered=True))
    readouts = one_of(Mean, Max, ClsToken)
    architecture = vary(HeadedEncoder, stem=Pretrained(tuning=Frozen()), readout=readouts, dense=dense)
    recipe = vary(Recipe, batch_size=32, input_dropout=0.0, label_smoothing=0.0)
    return vary(Candidate, architecture=architecture, recipe=recipe)


def warm(evaluator: FullEvaluator, workers: int) -> None:
    """Let every worker load what it needs, before a clock runs."""
    candidate = Candidate(HeadedEncoder(readout=AttentionPool()), RECIPE)  # which no cohort takes
    for number in range(workers):
        evaluator.submit(Proposal(candidate, Fidelity(32), number=10**6 + number))
    left = workers
    while left:
        left -= len(evaluator.collect(1.0))


def a_search(bench: Workbench, folder: Path, trials: int, examples: int) -> tuple[Found, float]:
    """BOHB over pooled heads in two workers: each proposal alone, and in cohorts; and the cohorts' fill."""
    seconds, best, fill = [], [], 0.0
    for name, make in (("alone", FullEvaluator), ("cohorts", CohortEvaluator)):
        strategy = strategy_named("bohb", "", pooled_space(), ladder(examples), trials, seed=0)
        with LocalPool(2) as pool, Study.create(folder / name, {}) as study:
            evaluator = make(pool, bench.folder, folder / name, device="cpu", thaw_at=examples)
            warm(evaluator, pool.slots)
            with Clock() as clock:
                search(study, strategy, evaluator, trials=trials)
            seconds.append(clock.wall_s)
            best.append(max(trial.score for trial in study.trials()))
            if isinstance(evaluator, CohortEvaluator):
                fill = evaluator.fill
    what = f"BOHB, {trials} trials of pooled heads in two workers: one by one / cohorts"
    return Found(what, trials, *seconds, *best, 2.0), fill


def main(argv: "Sequence[str] | None" = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="label and text, a tab between, under a line of names")
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--rows", type=int, default=800)
    parser.add_argument("--threads", type=int, default=1, help="in each process")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=("caching", "members", "cohorts", "search"), nargs="*", default=[])
    given = parser.parse_args(argv)
    torch.set_num_threads(given.threads)
    found: list[Found] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SEQWRIGHT_CACHE"] = folder
        bench = bench_of(given.data, given.encoder, given.rows, Path(folder) / "prepared")
        with Clock() as clock:
            features_of(HeadedEncoder(readout=Mean()), bench)
        Console().print(f"{given.rows} texts encoded once and pooled in {clock.wall_s:.1f} s, not counted below")
        wanted: dict[str, Callable[[], list[Found]]] = {
            "caching": lambda: [caching(bench, 40 if given.quick else 120, given.quick)],
            "members": lambda: [members_of_bert_head(bench, 3 if given.quick else 10, 6 if given.quick else 30)],
            "cohorts": lambda: [
                *cohorts(bench, 100, 256, 2, 3.5),
                *cohorts(bench, 100, 100, 2, 3.5),
                *cohorts(bench, 100, 128, 1, 3.5),
            ],
            "search": lambda: [_said(*a_search(bench, Path(folder), 40 if given.quick else 150, 16 * given.rows))],
        }
        for name, compare in wanted.items():
            if not given.only or name in given.only:
                found += compare()
                show(found)
    return 1 if any(one.least is not None and one.ratio < one.least for one in found) else 0


def _said(found: Found, fill: float) -> Found:
    Console().print(f"cohorts of {fill:.1f} members on the average")
    return found


def show(found: Sequence[Found]) -> None:
    table = Table(title="Heads on a frozen encoder")
    for name in ("", "heads a minute", "", "times", "at least", "score", ""):
        table.add_column(name, justify="left" if table.columns == [] else "right")
    for one in found:
        missed = one.least is not None and one.ratio < one.least
        table.add_row(
            one.what,
            *(f"{60 * one.heads / seconds:,.1f}" for seconds in (one.slow_s, one.fast_s)),
            f"{one.ratio:.1f}",
            "" if one.least is None else f"{one.least:g}",
            *(f"{score:.4f}" for score in (one.slow_score, one.fast_score)),
            style="red" if missed else "",
        )
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())

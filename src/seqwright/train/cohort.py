"""Cohort training: networks of one shape, many at a time as one batched program, each as if it were alone.

Heads on pooled features train so everywhere, whole networks where a step is mostly overhead, which is on a GPU.

Every member has its own rate, decay, dropout, seed, batch order, clipping, average, early stop and checkpoint. What
they share is arithmetic: one batched product in place of many small ones, noise of one seed drawn once, memory for
gradients that is never given back. The results are those of `train.fit`, to numerical noise.
"""

import math
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

from seqwright.data.examples import Encoded
from seqwright.errors import SpaceError
from seqwright.nn.pretrained import PretrainedStem
from seqwright.train.dense_stack import structure
from seqwright.train.feed import Feed
from seqwright.train.fit import Diverged, Run, diverged
from seqwright.train.network_program import NetworkProgram, batchable
from seqwright.train.program import Program
from seqwright.train.seat import Member, Seat

__all__ = ["Member", "fit_cohort", "shape_key"]

TOGETHER_BYTES = 16 * 2**20  # of weights, gradients, moments and averages in one program: what a cache holds
NETWORKS_BYTES = 4 * 2**30  # the same of whole networks, on a GPU
COPIES = 5
PAUSE = 25  # steps before the next program has its turn


def shape_key(member: Member) -> "Hashable | None":
    """What members have in common to be one program; None for one that has to be trained alone.

    Heads need the same maps, activations and norms, batch size and features; hidden widths may differ. Whole networks
    need the same architecture, streams, batch size and precision.
    """
    if not member.inputs:
        alike = member.architecture, member.streams, member.recipe.batch_size, member.plan.precision
        return alike if member.architecture is not None and batchable(member.network) else None
    stems = [module for module in member.network.modules() if isinstance(module, PretrainedStem)]
    if member.plan.steps > member.plan.thaw_at and any(len(stem.blocks) for stem in stems):
        return None
    trained = {id(p) for p in member.network.parameters() if p.requires_grad}
    if trained != {id(p) for p in member.head.parameters()} or member.plan.precision == "bfloat16":
        return None
    shape = structure(member.head)
    return None if shape is None else (shape, member.recipe.batch_size)


def fit_cohort(
    members: Sequence[Member],
    train: Encoded,
    valid: "Encoded | None",
    score: "Callable[[Any, Any], float]",
    classes: int,
) -> "list[Run | Diverged]":
    """Train every member on `train` as `train.fit.fit` would alone, judged on `valid`.

    Args:
        train, valid: with the streams of every member: its `inputs` (N, F), and its `streams`.
        score: (probabilities, targets) -> higher is better.

    Returns:
        For each member, in order, its run; or `Diverged`, which leaves the others as they were. The `seconds` of a
        run are its share of the time that all took.

    Raises:
        SpaceError: a member cannot be stacked: its `shape_key` is None. Train that one with `fit`.
    """
    groups: dict[Hashable, list[tuple[int, Member]]] = {}
    for number, member in enumerate(members):
        if (key := shape_key(member)) is None:
            raise SpaceError(
                f"Member {number} cannot train in a cohort: only heads of linear maps, plain activations, layer norms "
                "and dropouts can, with all else frozen, in float32, and whole networks of this package's blocks "
                "that read steps. Train it alone with train.fit."
            )
        groups.setdefault(key, []).append((number, member))
    found: dict[int, Run | Diverged] = {}
    turns = [
        _train([Seat(number, member, train) for number, member in part], train, valid, score, classes, found)
        for group in groups.values()
        for part in _parted(group)
    ]
    while turns:  # a few steps each in turn, so that a clock that runs out finds all equally far
        turns = [turn for turn in turns if next(turn, None) is not None]
    return [found[number] for number in range(len(members))]


def _parted(group: "list[tuple[int, Member]]") -> "Iterator[list[tuple[int, Member]]]":
    """Members of like size together, no more than a cache holds."""
    sizes = {number: sum(tensor.numel() for tensor in member.tensors) for number, member in group}
    group = sorted(group, key=lambda pair: sizes[pair[0]])
    room = TOGETHER_BYTES if group[0][1].inputs else NETWORKS_BYTES
    while group:
        together = max(1, room // (4 * COPIES * sizes[group[-1][0]]))
        yield group[-together:]
        group = group[:-together]


def _train(
    seats: list[Seat],
    train: Encoded,
    valid: "Encoded | None",
    score: Any,
    classes: int,
    found: "dict[int, Run | Diverged]",
) -> Iterator[bool]:
    """Train one program's seats to their ends, pausing every few steps; whoever ends makes the program smaller."""
    ended = [seat for seat in seats if seat.over()]
    feed = None if seats[0].member.inputs else Feed(seats[0].member, train, classes)
    while True:
        for seat in ended:
            found[seat.number] = seat.finished(valid)
        seats = [seat for seat in seats if seat.number not in found]
        if not seats:
            return
        program = Program(seats, train, classes) if feed is None else NetworkProgram(seats, feed)
        ended = []
        began = time.monotonic()
        while not ended and len(seats) == len(program.seats):
            program.step()
            for seat in seats:
                if not math.isfinite(seat.loss):
                    found[seat.number] = diverged(seat.loss, seat.facts["step"], seat.member.recipe)
            seats = [seat for seat in seats if seat.number not in found]
            late = {seat.number: seat.late() for seat in seats}
            looking = [seat for seat in seats if valid is not None and seat.looks(late[seat.number])]
            if valid is not None and looking:
                for seat, answers in zip(looking, program.answers(looking, valid), strict=True):
                    seat.judged(float(score(answers, valid.targets)), answers)
            for seat in seats:
                if seat.over(late[seat.number]):
                    ended.append(seat)
                seat.save_in_time()
            now = time.monotonic()
            for seat in program.seats:
                seat.facts["seconds"] += (now - began) / len(program.seats)
            began = now
            if program.steps % PAUSE == 0:
                yield True
                began = time.monotonic()
        for seat in seats:
            seat.leave()

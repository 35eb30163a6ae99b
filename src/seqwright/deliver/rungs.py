"""The fidelities of a search: how much training its candidates may get, by what the data need and the clock allows."""

from dataclasses import replace
from itertools import pairwise
from math import sqrt

from seqwright.deliver.strategies import ETA
from seqwright.search.halving import ladder
from seqwright.study.record import Fidelity

RUNGS = 3
FULL_RUNS = 12  # trainings to the highest rung that the search share should hold
EPOCHS = (3, 30)  # the highest rung lies between these, and has at least so many steps:
LEAST_STEPS = 400
FROZEN_EPOCHS, FROZEN_MOST = 10, 60_000  # epochs and examples for a head alone, before its encoder may be tuned
READING = 3.0  # texts that an encoder reads while it is fine-tuned on one
KEEPING_SHARE, UNKEPT_SHARE = (
    0.3,
    0.1,
)  # of the search's time: to keep all states; for a head on states that are not kept
TUNED_EPOCHS, TUNED_SHARE = 6, 0.85  # most epochs of fine-tuning; the share of a slot's time that one may take


def rungs_of(
    train_rows: int, folds: int, batch_size: int, seconds: "float | None", slots: int, examples_per_s: "float | None"
) -> tuple[Fidelity, ...]:
    """The fidelities of the search.

    Args:
        seconds, slots, examples_per_s: what the search may use; None when no clock runs.
    """
    most = max(EPOCHS[1] * train_rows, LEAST_STEPS * batch_size)
    if seconds is None or examples_per_s is None:
        return ladder(most if folds == 1 else most // 2, RUNGS if folds == 1 else 2, eta=ETA, folds=folds)
    affordable = seconds * slots * examples_per_s / (FULL_RUNS * folds)
    highest = int(min(most, max(affordable, min(EPOCHS[0] * train_rows, most / 4))))
    return ladder(highest, RUNGS if folds == 1 else 2, eta=ETA, folds=folds)


def finer(rungs: tuple[Fidelity, ...]) -> tuple[Fidelity, ...]:
    """One rung more between every two, for a schedule that looks at curves and goes on in small steps."""
    between = (replace(low, examples=round(sqrt(low.examples * high.examples))) for low, high in pairwise(rungs))
    return tuple(sorted({*rungs, *between}))


def keeps_states(rows: int, seconds: "float | None", slots: int, examples_per_s: "float | None") -> bool:
    """Whether there is time to run all texts through the frozen encoder once."""
    if seconds is None or examples_per_s is None:
        return True
    return rows <= KEEPING_SHARE * seconds * slots * READING * examples_per_s


def encoder_rungs_of(
    train_rows: int,
    folds: int,
    batch_size: int,
    seconds: "float | None",
    examples_per_s: "float | None",
    kept: bool = True,
) -> tuple[Fidelity, ...]:
    """The ladder where there is a pretrained encoder.

    Heads on its frozen states come first, which cost next to nothing; then a third of the fine-tuning that the clock
    allows, then all of it.

    Args:
        examples_per_s: that one slot fine-tunes; None when no clock runs.
        kept: whether the frozen encoder's states are kept; a head then learns from them at once.
    """
    frozen = max(train_rows, min(FROZEN_EPOCHS * train_rows, FROZEN_MOST), LEAST_STEPS * batch_size)
    if not kept and seconds is not None and examples_per_s is not None:
        frozen = max(batch_size, int(UNKEPT_SHARE * seconds * READING * examples_per_s / folds))
    tuned = TUNED_EPOCHS * train_rows
    if seconds is not None and examples_per_s is not None:
        tuned = int(min(tuned, TUNED_SHARE * seconds * examples_per_s / folds))
    rises = (0, tuned // ETA, tuned) if folds == 1 else (0, tuned)
    return tuple(Fidelity(frozen + more, folds) for more in sorted({max(0, rise) for rise in rises}))

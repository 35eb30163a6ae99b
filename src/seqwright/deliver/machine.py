"""The stage that decides how to use this machine; decided once in a study's life, so that resumed runs agree."""

import os
import shutil
from collections import Counter
from random import Random
from typing import Any

import psutil

from seqwright.deliver.options import Options
from seqwright.deliver.run import Run
from seqwright.deliver.searching import portfolio_of, prior_of, space_of
from seqwright.evaluate.calibrate import calibrate
from seqwright.evaluate.cohorts import CohortEvaluator
from seqwright.evaluate.executor import Executor
from seqwright.evaluate.full import FullEvaluator
from seqwright.evaluate.local import LocalPool
from seqwright.evaluate.trial import head_only
from seqwright.evaluate.workbench import Workbench
from seqwright.space.moves import sample

HUNG_S, HUNG = 3600.0, 0.9  # a trial has hung after so many seconds, or after that share of the search's clock
COHORT, LEAST_COHORT, DRAWN = 32, 4, 64  # members of a cohort; candidates drawn to see how many are fit for one
MEMORY = 0.8  # of the machine's, for all workers together
WORTH_S, GUESS = 8.0, 500.0  # with less time for the search nothing is measured, and this many a second assumed
CALIBRATED_S = 120.0  # searches shorter than this do not spend seconds on measuring threads against processes


def cores_of(run: Run) -> int:
    """Worker processes to begin with."""
    return run.options.workers or os.cpu_count() or 1


def machine_of(run: Run, bench: Workbench, executor: Executor) -> "dict[str, Any]":
    """{"threads", "slots", "examples_per_s" (of one slot; None when no clock runs)}."""
    machine: dict[str, Any] = {"threads": 1, "slots": executor.slots, "examples_per_s": None}
    if run.stopped():
        return machine  # nothing is to be decided in haste that later commands would be bound by

    def decide() -> "dict[str, Any]":
        if run.plan.search_s is None:
            return machine  # a study of so many trials shall not depend on the machine's mood
        if (run.left(run.plan.search_s) or 0.0) < WORTH_S:
            return machine | {"examples_per_s": GUESS}
        begun = [candidate for _, candidate in portfolio_of(run.options, bench)]
        # A network that reads steps costs more than a bag, and most of the space reads steps.
        stepwise = [c for c in begun if bench.interface.stream(c.architecture.streams[0]).length > 1]
        # Two networks on large encoders at once are known to make more of two cores than one after the other.
        both = not run.options.workers and run.plan.search_s >= CALIBRATED_S and bench.encoder is None
        precise = run.options.device, run.options.precision
        measured = calibrate(executor, bench, (stepwise or begun)[0], cores_of(run), *precise, both=both)
        # None where no measurement came to its end, as on a machine that is very busy.
        return machine | measured | {"examples_per_s": measured["examples_per_s"] or GUESS}

    return run.study.once("machine", decide)


def evaluator_of(run: Run, bench: Workbench, machine: "dict[str, Any]", executor: Executor) -> FullEvaluator:
    """Workers that train, as `machine` says: those of `executor`, which have loaded all by now, or others."""
    slots, threads = machine["slots"], machine["threads"]
    if (slots, threads) != (executor.slots, 1):
        executor.close()
        executor = LocalPool(slots, threads)
    training = (
        executor,
        bench.folder,
        run.study.folder,
        threads,
        run.options.device,
        run.options.precision,
        run.options.trial_timeout_s or hung_s(run.plan.search_s, bench.encoder is not None),
        run.options.trial_memory_mib or MEMORY * psutil.virtual_memory().total / 2**20 / slots,
    )
    gpu = _on_gpu(run.options.device)
    if size := cohort_of(run.options, bench, gpu):
        return CohortEvaluator(*training, size=size, networks=gpu)
    return FullEvaluator(*training)


def _on_gpu(device: str) -> bool:
    """Whether networks train on an NVIDIA GPU; told without loading torch where none can be."""
    if device == "cpu" or (device == "auto" and not shutil.which("nvidia-smi")):
        return False
    from seqwright.train.device import device_of

    return device_of(device).type == "cuda"


def hung_s(search_s: "float | None", encoder: bool) -> float:
    """After how many seconds a trial has hung; one that fine-tunes an encoder may take all the time there is."""
    if search_s is None:
        return HUNG_S
    return max(60.0, 1.5 * search_s if encoder else HUNG * search_s)


def cohort_of(options: Options, bench: Workbench, gpu: bool = False) -> int:
    """How many proposals may be under way for each worker: the more, the more of them can train together; 0 for one.

    They are heads on an encoder, and on a GPU networks of one architecture. All would be waste where they are not: a
    strategy learns nothing from what is still under way.
    """
    if bench.encoder is None and not gpu:
        return 0
    space = space_of(options, bench)
    prior = prior_of(space, options.prior)
    drawn = [sample(space, Random(seed), prior) for seed in range(DRAWN)]
    able = sum(head_only(candidate, 0, 0) for candidate in drawn)
    if gpu:
        (_, alike), *_ = Counter((c.architecture, c.recipe.batch_size) for c in drawn).most_common(1)
        able = max(able, alike if alike > 1 else 0)
    return max(LEAST_COHORT, able * COHORT // DRAWN) if able or bench.encoder else 0

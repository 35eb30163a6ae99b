"""How fast this machine trains: one process of many threads against many processes of one, measured once a study."""

import time
from typing import Any

import numpy as np

from seqwright.arch import codec
from seqwright.arch.candidate import Candidate
from seqwright.evaluate.executor import Executor, Job, Outcome
from seqwright.evaluate.workbench import Workbench, load

MEASURED_S, LEAST_STEPS = 0.6, 8


def run(prepared: str, candidate: "dict[str, Any]", threads: int, device: str, precision: str) -> "dict[str, float]":
    """Examples a second while training `candidate` on the first fold with so many threads."""
    import torch

    from seqwright.nn.build import build
    from seqwright.train.device import device_of, precision_of
    from seqwright.train.fit import Plan, fit

    torch.set_num_threads(threads)
    bench = load(prepared)
    value: Candidate = codec.from_data(candidate)
    train = bench.development.only(value.architecture.streams).take(bench.folds[0][0])

    def steps(count: int) -> float:
        torch.manual_seed(0)
        network = build(value.architecture, bench.interface, value.recipe.dropout).to(device_of(device))
        began = time.monotonic()
        plan = Plan(count, precision=precision_of(network, precision, next(network.parameters()).device))
        fit(network, value.recipe, train, None, bench.score, plan, value.architecture.streams, len(bench.task.labels))
        return time.monotonic() - began

    steps(2)  # the first steps pay for allocation and planning
    count = LEAST_STEPS  # whose batches are long and short by chance
    taken = steps(count)
    while taken < MEASURED_S / 2 and count < 4096:
        count = int(np.clip(count * MEASURED_S / max(taken, 1e-3), count + 1, count * 16))
        taken = steps(count)
    return {"examples_per_s": count * value.recipe.batch_size / taken}


def calibrate(
    executor: Executor,
    bench: Workbench,
    candidate: Candidate,
    cores: int,
    device: str,
    precision: str,
    both: bool = True,
) -> "dict[str, Any]":
    """Measure ways of using `cores`: {"threads", "slots", "examples_per_s" (of one slot)}.

    Args:
        both: also measure one process of many threads; else many processes of one are taken for granted.
    """

    def measured(copies: int, threads: int) -> float:
        arguments = {
            "prepared": str(bench.folder),
            "candidate": codec.to_data(candidate),
            "threads": threads,
            "device": device,
            "precision": precision,
        }
        names = [f"calibrate-{threads}-{copy}" for copy in range(copies)]
        for name in names:
            executor.submit(Job(name, "seqwright.evaluate.calibrate:run", arguments, timeout_s=60))
        outcomes: list[Outcome] = []
        while len(outcomes) < copies:
            outcomes += [o for o in executor.collect(1.0) if o.id in names]
        return sum(o.value["examples_per_s"] for o in outcomes if not o.error)

    apart = measured(executor.slots, 1)
    together = measured(1, cores) if both and executor.slots > 1 else 0.0
    if together > apart:
        return {"threads": cores, "slots": 1, "examples_per_s": together}
    return {"threads": 1, "slots": executor.slots, "examples_per_s": apart / executor.slots}

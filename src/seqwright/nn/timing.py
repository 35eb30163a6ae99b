"""What a network takes on this machine: the median time of a forward pass, and its energy where that can be read.

Eager, on the CPU, on one thread: what the simplest server does. The time is the thread's own, which other processes do
not lengthen, as there may be many while a search runs; on an idle machine it is that of the clock on the wall.
"""

import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

RUNS, LEAST_S, MOST_S = 15, 0.1, 2.0  # runs at least, and for so long; but no longer than that for a slow network
WARM = 3
ENERGY_S = 0.5  # the meter is updated every millisecond, and other work should average out
RAPL = Path("/sys/class/powercap")  # the processor's own meter (Running Average Power Limit), as Linux shows it


def latency_ms(network: nn.Module, batch: "dict[str, Tensor]") -> float:
    """Median milliseconds of a forward pass of the whole batch."""
    times: list[float] = []
    begun = time.perf_counter()

    def enough() -> bool:
        return (len(times) >= RUNS and sum(times) >= LEAST_S) or time.perf_counter() - begun >= MOST_S

    def once() -> None:
        before = time.thread_time()
        network(batch)
        times.append(time.thread_time() - before)

    _repeat(network, batch, once, enough)
    return 1000 * statistics.median(times)


def joules(network: nn.Module, batch: "dict[str, Tensor]") -> float:
    """Joules of a forward pass of the whole batch: of the processor's packages, and of all else that runs on them.

    Raises:
        OSError: the meter cannot be read; see `readable`.
    """
    runs = 0
    meters = _meters()
    begun, before = time.perf_counter(), [_read(meter, "energy_uj") for meter in meters]

    def once() -> None:
        nonlocal runs
        network(batch)
        runs += 1

    _repeat(network, batch, once, lambda: time.perf_counter() - begun >= ENERGY_S, warm=0)
    after = [_read(meter, "energy_uj") for meter in meters]
    ranges = [_read(meter, "max_energy_range_uj") for meter in meters]  # where the counter begins again
    return sum((b - a) % (r + 1) for a, b, r in zip(before, after, ranges, strict=True)) / 1e6 / runs


def readable() -> str:
    """Why the energy cannot be read here; "" where it can."""
    try:
        meters = _meters()
        [_read(meter, "energy_uj") for meter in meters]
    except PermissionError:
        return f"{RAPL}/*/energy_uj may be read by root only. Allow it: sudo chmod -R a+r {RAPL}/."
    except (OSError, ValueError) as error:
        return f"the processor's meter fails: {error}."
    return "" if meters else f"this machine shows no meter at {RAPL}/intel-rapl:*."


def _meters() -> list[Path]:
    """Whole packages; what is named with a second colon is a part of one."""
    return sorted(path for path in RAPL.glob("intel-rapl:*") if re.fullmatch(r"intel-rapl:\d+", path.name))


def _read(meter: Path, name: str) -> int:
    return int((meter / name).read_text())


def _repeat(
    network: nn.Module, batch: "dict[str, Tensor]", once: Callable[[], None], enough: Callable[[], bool],
    warm: int = WARM,
) -> None:  # fmt: skip
    threads, training = torch.get_num_threads(), network.training
    torch.set_num_threads(1)
    network.eval()
    try:
        with torch.inference_mode():
            for _ in range(warm):
                network(batch)
            once()
            while not enough():
                once()
    finally:
        torch.set_num_threads(threads)
        network.train(training)

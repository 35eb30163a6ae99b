"""The checks of `seqwright doctor`, each a function of nothing that says what it found."""

import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path


@dataclass(frozen=True)
class Check:
    """What was looked at, what was found, and what to do about it."""

    name: str
    said: str
    fine: bool = True
    remedy: str = ""


PACKAGES = ("torch", "numpy", "safetensors", "tokenizers", "polars", "scikit-learn", "SQLAlchemy", "rich", "typer")
LEAST_MEMORY_MIB, LEAST_DISK_MIB = 1500, 1000


def examined() -> list[Check]:
    """All checks, in order; one that breaks is a finding too."""
    found: list[Check] = []
    for check in (versions, cores, memory, disk, temporary, gpu, bfloat16, training, workers):
        try:
            found.extend(check())
        except Exception as error:
            what = str(error).splitlines()[0] if str(error) else type(error).__name__
            found.append(Check(check.__name__, what, False, "Install again: pip install --force-reinstall seqwright"))
    return found


def versions() -> Iterator[Check]:
    import seqwright

    yield Check("seqwright", f"{seqwright.__version__} on Python {platform.python_version()}, {platform.platform()}")
    missing = []
    said = []
    for name in PACKAGES:
        try:
            said.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    yield Check("packages", ", ".join(said))
    if missing:
        names = " ".join(missing)
        yield Check("missing", ", ".join(missing), False, f"pip install {names}")


def cores() -> Iterator[Check]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    busy = bool(load) and os.getloadavg()[0] > usable
    yield Check(
        "cores", f"{usable}{load}", remedy="Other programs are busy: searches get less done in their budget." * busy
    )


def memory() -> Iterator[Check]:
    import psutil

    free, total = (getattr(psutil.virtual_memory(), n) / 2**20 for n in ("available", "total"))
    enough = free >= LEAST_MEMORY_MIB
    remedy = "" if enough else "Close other programs, or give --workers 1."
    yield Check("memory", f"{free:,.0f} MiB free of {total:,.0f} MiB", enough, remedy)


def disk() -> Iterator[Check]:
    free = shutil.disk_usage(Path.cwd()).free / 2**20
    enough = free >= LEAST_DISK_MIB
    remedy = "" if enough else "Free some space, or give --folder on another disk."
    yield Check("disk", f"{free:,.0f} MiB free here", enough, remedy)


def temporary() -> Iterator[Check]:
    try:
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"x" * 4096)
        yield Check("temporary", f"{tempfile.gettempdir()} can be written")
    except OSError as error:
        yield Check("temporary", str(error), False, "Set TMPDIR to a folder that can be written.")


def gpu() -> Iterator[Check]:
    import torch

    if not torch.cuda.is_available():
        why = "this torch is built without CUDA" if torch.version.cuda is None else "torch sees none"
        yield Check("GPU", f"none ({why}); searches run on the processor")
        return
    properties = torch.cuda.get_device_properties(0)
    yield Check("GPU", f"{properties.name}, {properties.total_memory / 2**20:,.0f} MiB, CUDA {torch.version.cuda}")


def bfloat16() -> Iterator[Check]:
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    x = torch.rand(384, 384, device=device)
    slow, fast = (_seconds(partial(torch.matmul, y, y), device) for y in (x, x.to(torch.bfloat16)))
    pays = "pays" if fast < 0.9 * slow else "does not pay"
    yield Check("bfloat16", f"{pays} on {device}: {1e3 * fast:.2f} ms for what takes {1e3 * slow:.2f} ms in float32")


def _seconds(function: "Callable[[], object]", device: str, times: int = 20) -> float:
    import torch

    function()
    began = time.perf_counter()
    for _ in range(times):
        function()
    if device == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - began) / times


def training() -> Iterator[Check]:
    """A small network must learn to tell even tokens from odd ones."""
    import torch

    from seqwright.arch.blocks import Lstm, Skip
    from seqwright.arch.interface import Interface, Stream
    from seqwright.arch.network import Body, Layer, Max, Mlp, Network, Words
    from seqwright.nn.build import build

    network = Network(Words(), Body((Layer(Lstm(hidden=32), Skip()),), width=64), Max(), Mlp(layers=0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = build(network, Interface((("words", Stream("tokens", 40, 8)),), classes=2))
        targets = torch.arange(64) % 2
        words = 2 * torch.randint(2, 20, (64, 8)) + targets[:, None]
        batch = {"words": words, "words.mask": torch.ones_like(words, dtype=torch.bool)}
        optimizer = torch.optim.AdamW(module.parameters(), 1e-2)
        for _ in range(30):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(module(batch), targets).backward()
            optimizer.step()
        right = float((module.eval()(batch).argmax(-1) == targets).float().mean())
    remedy = "" if right > 0.9 else "Install torch again: its results are wrong on this machine."
    yield Check("training", f"a small network learned to answer {right:.0%} rightly", not remedy, remedy)


def workers() -> Iterator[Check]:
    """Trials run in processes of their own: one must start and answer."""
    from seqwright.evaluate.executor import Job
    from seqwright.evaluate.local import LocalPool

    began = time.perf_counter()
    pool = LocalPool(1)
    try:
        pool.submit(Job("doctor", "seqwright.faces.health:answer", {}))
        outcomes = pool.collect(60.0)
    finally:
        pool.close()
    error = outcomes[0].error if outcomes else "no answer within a minute"
    remedy = "Look for a security program or a limit on processes (`ulimit -u`) that keeps them from starting."
    said = error or f"a worker started and answered in {time.perf_counter() - began:.1f} s"
    yield Check("workers", said, not error, remedy if error else "")


def answer() -> bool:
    """What `workers` asks of a worker."""
    return True

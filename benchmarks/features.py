"""What hidden states of a pretrained encoder cost: time, disk and memory, on texts made up for it.

    python -m benchmarks.features [--texts 20000] [--steps 64] [--cuts 4] [--encoder minilm]

All of it runs in this process and in a cache of its own, removed afterwards. Exit code 1 where anonymous memory (what
the process itself holds, and no file could give back) came to 4 GiB or more, or a second run had to encode again.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from seqwright.arch.interface import Interface, Stream
from seqwright.data.activations import Activations
from seqwright.data.batch import collate, epoch
from seqwright.data.checkpoint import Checkpoint, locate
from seqwright.data.examples import Encoded, Ragged
from seqwright.evaluate.features import attach, pooled, stored_name

LIMIT_BYTES = 4 << 30


@dataclass
class Memory:
    """The most anonymous memory seen since it began, looked at every 20 ms."""

    peak_bytes: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._over.wait(0.02):
            memory = process.memory_info()
            self.peak_bytes = max(self.peak_bytes, memory.rss - getattr(memory, "shared", 0))

    @contextmanager
    def watched(self) -> Iterator["Memory"]:
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()


def made_up(checkpoint: Checkpoint, texts: int, steps: int, seed: int = 0) -> tuple[Encoded, Interface]:
    """Texts of exactly `steps` pieces drawn from the vocabulary: what they say does not change what they cost."""
    rng = np.random.default_rng(seed)
    offsets = np.arange(texts + 1, dtype=np.int64) * steps
    pieces = Ragged(rng.integers(0, checkpoint.vocabulary, offsets[-1]).astype(np.int32), offsets)
    stream = Stream(
        form="pieces",
        size=checkpoint.vocabulary,
        length=steps,
        source=str(checkpoint.folder),
        digest=checkpoint.digest,
        depth=checkpoint.depth,
        width=checkpoint.width,
    )
    encoded = Encoded({"pretrained": pieces}, rng.integers(0, 2, texts), None, np.arange(texts))
    return encoded, Interface((("pretrained", stream),), classes=2)


def measured(checkpoint: Checkpoint, texts: int, steps: int, cuts: int, folder: Path) -> dict[str, float]:
    """Seconds by what they went into, "size_bytes" of the cache and "peak_bytes" of anonymous memory."""
    encoded, interface = made_up(checkpoint, texts, steps)
    chosen = [checkpoint.depth - i for i in range(min(cuts, checkpoint.depth + 1))]
    cache = Activations(folder, limit_bytes=1 << 50)
    found: dict[str, float] = {"again": 0.0}

    def again(done: int, total: int) -> None:
        found["again"] = total

    @contextmanager
    def clocked(what: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        found[what] = time.perf_counter() - begun

    with Memory().watched() as memory:
        with clocked("encoding, all cuts in one pass"):
            attach(encoded, interface, ["pretrained"], chosen, cache)
        with clocked("finding them again"):
            given = attach(encoded, interface, ["pretrained"], chosen, cache, progress=again)
        names = [stored_name("pretrained", cut) for cut in chosen]
        with clocked("an epoch of batches of 32, one cut"):
            for index in epoch(given, 32, seed=0, epoch=0, streams=names[:1]):
                collate(given, index, names[:1])
        with clocked("means of every text, one cut"):
            pooled(given.streams[names[0]], "Mean")
        with clocked("means once more"):
            pooled(given.streams[names[0]].take(np.arange(0, texts, 2)), "Mean")
    return found | {"size_bytes": cache.size_bytes(), "peak_bytes": memory.peak_bytes}


def main(arguments: list[str] | None = None) -> int:
    asked = argparse.ArgumentParser(prog="python -m benchmarks.features")
    asked.add_argument("--texts", type=int, default=20_000)
    asked.add_argument("--steps", type=int, default=64, help="pieces of each text")
    asked.add_argument("--cuts", type=int, default=4, help="how many of the encoder's last cuts")
    asked.add_argument("--encoder", default="minilm", help="minilm, a folder, or a name on the hub")
    asked.add_argument("--folder", default=None, help="where there is room; a temporary folder by default")
    options = asked.parse_args(arguments)
    checkpoint = locate(options.encoder)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        found = measured(checkpoint, options.texts, options.steps, options.cuts, Path(folder))
    again, size, peak = (found.pop(key) for key in ("again", "size_bytes", "peak_bytes"))
    table = Table(
        title=f"{options.texts:,} texts of {options.steps} pieces, {options.cuts} cuts of {checkpoint.width} units"
    )
    table.add_column("")
    table.add_column("s", justify="right")
    table.add_column("texts/s", justify="right")
    for what, seconds in found.items():
        table.add_row(what, f"{seconds:.2f}", f"{options.texts / max(seconds, 1e-9):,.0f}")
    console = Console()
    console.print(table)
    console.print(f"On disk {size / 2**30:.2f} GiB; anonymous memory at most {peak / 2**30:.2f} GiB.")
    if again:
        console.print(f"The second run encoded {again:,.0f} texts again.", style="red")
    return 1 if again or peak >= LIMIT_BYTES else 0


if __name__ == "__main__":
    sys.exit(main())

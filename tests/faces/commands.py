"""What the tests of the command line share: how it is run, and generated texts that a bag of words can tell apart."""

import os
import random
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., tuple[int, str, str]]  # arguments -> exit code, standard output, standard error
KINDS = {"food": ["bread", "soup", "cheese", "apple"], "music": ["guitar", "song", "drum", "choir"]}


def environment() -> dict[str, str]:
    """For `python -m seqwright` in a process of its own."""
    return os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src"), "COLUMNS": "120"}


def sentences(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """(text, label) pairs, the labels in turn."""
    rng = random.Random(seed)
    labels = [sorted(KINDS)[i % 2] for i in range(count)]
    return [(" ".join(rng.sample(KINDS[label], 3) + rng.choices(["the", "of", "my"], k=3)), label) for label in labels]


def write_csv(path: Path, count: int, seed: int = 0) -> Path:
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in sentences(count, seed)))
    return path

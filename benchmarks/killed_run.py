"""The run that `benchmarks/kills.py` kills: `python -m benchmarks.killed_run FOLDER TRIALS`. Says where it is.

The whole story on small generated texts: baselines, halving over the tiny space with two workers and a budget of
trials, refits, test, bundle. Training states are written far more often than usual, so that kills meet them.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from seqwright import api
from seqwright.deliver import machine
from seqwright.deliver.show import Quiet
from seqwright.evaluate.full import FullEvaluator
from seqwright.study.record import Trial

WORDS = ["red", "green", "blue", "round", "square", "small", "big", "old", "new", "fast", "slow", "warm", "cold"]
ROWS = {"train": 240, "valid": 90, "test": 60}
NOISE = 0.2  # of the labels, so that candidates differ


@dataclass
class Saving(FullEvaluator):
    """Writes the training state all the time."""

    save_every_s: float = 0.05


class Spoken(Quiet):
    """One line for each thing that happens."""

    def stage(self, name: str, ends_s: "float | None", spent_s: float) -> None:
        print("stage", name, flush=True)

    def baseline(self, result: "dict[str, Any]") -> None:
        print("baseline", result["name"], flush=True)

    def trial(self, trial: Trial) -> None:
        print("trial", trial.proposal.number, flush=True)


def generate(folder: Path) -> None:
    """`train.tsv`, `valid.tsv` and `test.tsv`: the class is the key word's, mostly."""
    rng = Random(0)
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in ROWS.items():
        lines = ["text\tlabel"]
        for _ in range(rows):
            key = rng.randrange(4)
            words = [*rng.choices(WORDS, k=rng.randint(3, 9)), f"key{key}"]
            rng.shuffle(words)
            label = rng.randrange(4) if rng.random() < NOISE else key
            lines.append(f"{' '.join(words)}\tclass{label}")
        (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n")


def main(folder: str, trials: str) -> None:
    data = Path(folder).parent / "data"
    machine.FullEvaluator = Saving  # pyright: ignore[reportPrivateImportUsage]
    api.fit(
        data / "train.tsv",
        valid=data / "valid.tsv",
        test=data / "test.tsv",
        folder=folder,
        budget=f"{trials}trials",
        space="tiny",
        schedule="halving",
        workers=2,
        show=Spoken(),
    )
    print("stage end", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

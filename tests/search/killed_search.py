"""A search to be killed: `python killed_search.py FOLDER TRIALS ASYNCHRONOUS`. Prints each recorded number."""

import sys
from pathlib import Path

from synthetic import Landscape, Threads

from seqwright.arch.spaces import named
from seqwright.search.evolution import Evolution
from seqwright.search.halving import Halving, ladder
from seqwright.search.loop import search
from seqwright.study.store import Study


def main(folder: str, trials: str, asynchronous: str) -> None:
    space = named("tiny")
    strategy = Halving(Evolution(space, seed=3, population=8, sample=3), ladder(9), inform="all")
    evaluator = Threads(Landscape(space, seed=1, noise=0.1), slots=2, longest_s=0.02)
    with Study.begin(Path(folder), {"seed": 3}) as study:
        search(
            study,
            strategy,
            evaluator,
            trials=int(trials),
            asynchronous=asynchronous == "1",
            on_trial=lambda trial: print(trial.proposal.number, flush=True),
        )


if __name__ == "__main__":
    main(*sys.argv[1:])

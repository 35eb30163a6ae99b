"""Every strategy on made-up landscapes whose nature is known: smooth, rugged, deceptive. None was tuned on them.

    python -m benchmarks.landscapes --strategies random,local,auto --seeds 10

Scores are made for all 15,625 cells of NAS-Bench-201's space, so regret is exact; each seed has a landscape of its own.
Smooth: every answer has a worth. Rugged: each worth hangs on the next two answers as well (Kauffman & Levin 1987).
Deceptive: of every three answers the right ones together are best, but each alone is worse than a wrong one (Goldberg
1987), so that whoever only climbs is led astray.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.tables import PUBLISHED, Career, run, shown
from seqwright.arch.candidate import Candidate
from seqwright.deliver.strategies import STRATEGIES
from seqwright.errors import InputError, did_you_mean
from seqwright.evaluate.known_tables import Known
from seqwright.evaluate.nas_bench_201 import space
from seqwright.evaluate.table import Entry
from seqwright.space.census import every, questions
from seqwright.space.fill import answers
from seqwright.space.nodes import Space

NEXT = 2  # answers that a rugged worth hangs on, beside its own
BLOCK, WRONG = 3, 0.7  # answers of a trap, and what it gives when none is right
GRAIN = 0.05  # of what each answer adds to a trap, so that no two cells are equal
LOOKS = (25, 50, 100, 200)

Landscape = Callable[[np.ndarray, np.random.Generator], np.ndarray]  # answers (N, Q) -> scores (N,) from 0 to about 1


def smooth(known: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.mean([rng.random(known.max() + 1)[column] for column in known.T], 0)


def rugged(known: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    options, asked = known.max() + 1, known.shape[1]
    worths = [rng.random((options,) * (NEXT + 1)) for _ in range(asked)]
    return np.mean([worths[q][tuple(known[:, (q + k) % asked] for k in range(NEXT + 1))] for q in range(asked)], 0)


def deceptive(known: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    right = known == rng.integers(known.max() + 1, size=known.shape[1])
    hits = right.reshape(len(known), -1, BLOCK).sum(2)
    traps = np.where(hits == BLOCK, 1.0, WRONG * (BLOCK - 1 - hits) / (BLOCK - 1))
    return traps.mean(1) + GRAIN * smooth(known, rng)


LANDSCAPES: dict[str, Landscape] = {"smooth": smooth, "rugged": rugged, "deceptive": deceptive}


@cache
def cells() -> tuple[Space, list[Candidate], np.ndarray]:
    """The space, its N candidates and their answers (N, Q); made once, for what a search lists is kept on the space."""
    whole = space()
    paths = [path for path, question in questions(whole).items() if len(question.options) > 1]
    candidates = list(every(whole))
    given = (answers(whole, candidate) for candidate in candidates)
    return whole, candidates, np.array([[each[path] for path in paths] for each in given])


def made(name: str, seed: int) -> Known:
    """One landscape over all cells."""
    whole, candidates, known = cells()
    scores = LANDSCAPES[name](known, np.random.default_rng(seed))
    table = {candidate: Entry(float(score)) for candidate, score in zip(candidates, scores, strict=True)}
    return Known(name, whole, table, looks=LOOKS, unit="points of about 1")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strategies", default="random,local,evolution,tpe,bananas,gp-encoding,auto", help="a,b,c")
    parser.add_argument("--landscapes", default=",".join(LANDSCAPES), help="a,b,c")
    parser.add_argument("--seeds", type=int, default=5)
    options, console = parser.parse_args(argv), Console()
    names, chosen = options.strategies.split(","), options.landscapes.split(",")
    try:
        for flag, given, allowed in (
            ("strategies", names, (PUBLISHED, *STRATEGIES)),
            ("landscapes", chosen, tuple(LANDSCAPES)),
        ):
            for name in given:
                if name not in allowed:
                    raise InputError(
                        f'--{flag}: "{name}" is not known.{did_you_mean(name, allowed)} '
                        f"Give some of: {', '.join(allowed)}."
                    )
    except InputError as error:
        console.print(str(error), style="red", markup=False)
        return error.exit_code
    for landscape in chosen:
        rows: list[dict[str, Any]] = []
        for seed in range(options.seeds):
            known = made(landscape, seed)
            rows += [run(known, Career(landscape, name, "", seed)) for name in names]
        console.print(shown(known, rows, False))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What the program itself costs, beside the training it is there for.

    python -m benchmarks.overhead

Start-up is the best of several fresh processes, a proposal the processor's time over a search of 200, the rest the
median of many calls. Exit code 1 where a limit is missed.
"""

import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from seqwright.arch.spaces import named
from seqwright.deliver.strategies import strategy_named
from seqwright.evaluate.local import LocalPool
from seqwright.search.evolution import Evolution
from seqwright.study.record import Fidelity
from seqwright.study.store import Study
from seqwright.testing.executor import gather, job
from seqwright.testing.game import Game, scored

SURROGATE = 50.0  # 5 % of a training of one second, which is short
ASKING = {
    **dict.fromkeys(("random", "evolution", "local", "morphism", "differential"), 2.0),
    "nsga2": 5.0,
    **dict.fromkeys(("controller", "reinforce"), 20.0),
    **dict.fromkeys(("tpe", "bananas", "gp-encoding", "auto"), SURROGATE),
}


@dataclass(frozen=True)
class Cost:
    what: str
    measured_ms: float | None  # None where it cannot be measured
    limit_ms: float

    @property
    def missed(self) -> bool:
        return self.measured_ms is not None and self.measured_ms > self.limit_ms


def process_ms(*arguments: str, repeats: int = 5) -> float:
    """The shortest life of `python arguments`, from start to end."""

    def once() -> float:
        begun = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        return (time.perf_counter() - begun) * 1000

    return min(once() for _ in range(repeats))


def median_ms(calls: list[Callable[[], object]]) -> float:
    def once(call: Callable[[], object]) -> float:
        begun = time.perf_counter()
        call()
        return (time.perf_counter() - begun) * 1000

    return statistics.median(once(call) for call in calls)


def start_up() -> list[Cost]:
    """With Python's own start, as the user feels it."""
    has_cli = importlib.util.find_spec("seqwright.cli") is not None
    asking = ("-c", "from seqwright.cli import main; main()", "--help")
    return [
        Cost("import seqwright", process_ms("-c", "import seqwright"), 300),
        Cost("seqwright --help", process_ms(*asking) if has_cli else None, 500),
    ]


def proposals(n: int = 200) -> list[Cost]:
    """Each strategy on the space of texts: asked and told, on the average of a whole search, its refits among them."""

    def one(name: str) -> float:
        strategy = strategy_named(name, "none", named("text"), (Fidelity(0),), n)
        begun = time.process_time()
        Game(strategy).play(n)
        return (time.process_time() - begun) * 1000 / n

    return [Cost(f"a proposal of {name}, asked and told", one(name), limit) for name, limit in ASKING.items()]


def records(n: int = 200) -> Cost:
    """A proposal and its trial stored, each in its own transaction, on this disk."""
    drawn = Evolution(named("text"), seed=0).ask(n)
    trials = [scored(replace(proposal, number=number)) for number, proposal in enumerate(drawn)]
    with tempfile.TemporaryDirectory() as folder, Study.create(Path(folder) / "study", {}) as study, study.lease():

        def store(trial) -> None:
            study.propose([trial.proposal])
            study.record(trial)

        return Cost("a trial proposed and recorded", median_ms([lambda t=t: store(t) for t in trials]), 5)


def jobs(n: int = 200) -> Cost:
    """An empty job to a worker that runs already, and back."""
    with LocalPool(1) as pool:
        pool.submit(job("warm", "echo"))
        gather(pool, 1)

        def one() -> None:
            pool.submit(job("empty", "echo"))
            gather(pool, 1)

        return Cost("an empty job, there and back", median_ms([one] * n), 5)


def main() -> int:
    costs = [*start_up(), *proposals(), records(), jobs()]
    table = Table(title="Seqwright's own time")
    table.add_column("")
    table.add_column("ms", justify="right")
    table.add_column("limit", justify="right")
    for cost in costs:
        measured = "not there yet" if cost.measured_ms is None else f"{cost.measured_ms:.2f}"
        table.add_row(cost.what, measured, f"{cost.limit_ms:g}", style="red" if cost.missed else "")
    Console().print(table)
    return 1 if any(cost.missed for cost in costs) else 0


if __name__ == "__main__":
    sys.exit(main())

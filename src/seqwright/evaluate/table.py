"""An evaluator that looks scores up instead of training: a strategy's whole career in a second.

Time is simulated: each trial takes the seconds that its entry says on one of `slots` imagined machines, and `clock_s`
tells how long the search would have taken.
"""

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from seqwright.arch.candidate import Candidate
from seqwright.search.strategy import Strategy
from seqwright.study.record import Fidelity, Proposal, Trial


@dataclass(frozen=True)
class Entry:
    """What a table knows of a candidate: its score, higher is better, and the seconds its training took.

    Args:
        curve: (examples, score, seconds since the start) at lower fidelities, ascending, the whole training last.
        continues: a promotion pays the seconds since its checkpoint only; not so where each fidelity is a run of its
            own, as with a schedule that knows its end.
    """

    score: float
    seconds: float = 1.0
    curve: tuple[tuple[int, float, float], ...] = ()
    continues: bool = False

    def at(self, examples: int) -> tuple[float, float]:
        """Score and seconds of the longest training of at most `examples`, or of the shortest; 0 means the whole."""
        steps = [step for step in self.curve if step[0] <= examples] or list(self.curve[:1])
        return steps[-1][1:] if steps and examples else (self.score, self.seconds)


Table = Mapping[Candidate, Entry | float] | Callable[[Candidate], Entry | float]


class TableEvaluator:
    """The search loop's `Evaluator` over a table.

    Args:
        table: candidate -> score or `Entry`, as a mapping or a function. A candidate that a mapping lacks, or at which
            a function raises, makes a failed trial.
        slots: how many train at the same simulated time.
    """

    def __init__(self, table: Table, slots: int = 1) -> None:
        self.slots = slots
        self.clock_s = 0.0
        self._look_up = table if callable(table) else table.__getitem__
        self._queue: deque[Proposal] = deque()
        self._trained_s: dict[Candidate, float] = {}  # where its checkpoint stands, in seconds of training
        self._running: list[tuple[float, int, Trial]] = []  # a heap: (time it ends, proposal's number, trial)

    def submit(self, proposal: Proposal) -> None:
        """Queue a proposal. It starts as soon as a slot is free on the simulated clock."""
        self._queue.append(proposal)
        self._fill_slots()

    def collect(self, timeout_s: float = 0.0) -> list[Trial]:
        """The trial that ends next, at once: only the simulated clock moves. Empty when nothing runs."""
        if not self._running:
            return []
        self.clock_s, _, trial = heapq.heappop(self._running)
        self._fill_slots()
        return [trial]

    def cancel(self, number: int) -> None:
        """Stop the proposal of that number, running or queued; it yields no trial."""
        self._queue = deque(p for p in self._queue if p.number != number)
        self._running = [entry for entry in self._running if entry[1] != number]
        heapq.heapify(self._running)
        self._fill_slots()

    def close(self) -> None:
        """Forget what is queued and running."""
        self._queue.clear()
        self._running.clear()

    def _fill_slots(self) -> None:
        while self._queue and len(self._running) < self.slots:
            proposal = self._queue.popleft()
            trial = self._trial(proposal)
            heapq.heappush(self._running, (self.clock_s + trial.seconds, proposal.number, trial))

    def _trial(self, proposal: Proposal) -> Trial:
        try:
            found = self._look_up(proposal.candidate)
        except KeyError:
            return Trial(proposal, -math.inf, error="the table has no such candidate")
        except Exception as error:  # a failed trial is data
            return Trial(proposal, -math.inf, error=f"{type(error).__name__}: {error}")
        entry = found if isinstance(found, Entry) else Entry(found)
        score, seconds = entry.at(proposal.fidelity.examples)
        looks = [step for step in entry.curve if step[0] <= proposal.fidelity.examples] if entry.continues else []
        if entry.continues:
            begun_s = self._trained_s.get(proposal.candidate, 0.0) if proposal.start == "checkpoint" else 0.0
            self._trained_s[proposal.candidate] = seconds
            seconds -= min(begun_s, seconds)
        if not math.isfinite(score):
            return Trial(proposal, -math.inf, seconds=seconds, error=f"the table's score is {score}")
        curve = tuple((float(examples), math.nan, score) for examples, score, _ in looks)
        return Trial(proposal, score, {"score": score}, seconds=seconds, curve=curve)


def played(
    table: Table,
    strategy: Strategy,
    whole: Fidelity,
    *,
    evaluations: int | None = None,
    until_s: float | None = None,
) -> Iterator[tuple[float, float]]:
    """Simulated seconds and score of each trial; minus infinity for one that failed or was not trained to the end."""
    evaluator, number = TableEvaluator(table), 0
    while (evaluations is None or number < evaluations) and (until_s is None or evaluator.clock_s < until_s):
        asked = strategy.ask(1)
        if not asked:
            return
        evaluator.submit(replace(asked[0], number=number))
        (trial,) = evaluator.collect()
        strategy.tell([trial])
        if until_s is None or evaluator.clock_s <= until_s:
            yield evaluator.clock_s, trial.score if trial.proposal.fidelity >= whole else -math.inf
        number += 1

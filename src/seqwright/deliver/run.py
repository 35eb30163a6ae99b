"""A run under way: what every stage needs to know, and how much time each has left."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from seqwright.deliver.allot import Allotment
from seqwright.deliver.options import Options
from seqwright.deliver.show import Show
from seqwright.search.budget import Budget
from seqwright.study.store import Study


@dataclass(frozen=True)
class Run:
    """One command's work on one study.

    Args:
        stopped: whether the user asked to stop.
    """

    study: Study
    options: Options
    budget: Budget
    plan: Allotment
    show: Show
    stopped: Callable[[], bool]

    def begin(self, stage: str, ends_s: "float | None" = None) -> None:
        """Tell that a stage begins, which is over when `ends_s` seconds of the budget are spent."""
        self.show.stage(stage, ends_s, self.study.spent_s())

    def left(self, ends_s: "float | None") -> "float | None":
        """Seconds until `ends_s` of the budget; none once the user asked to stop; None where no clock runs."""
        if self.stopped():
            return 0.0
        return None if ends_s is None else max(0.0, ends_s - self.study.spent_s())

    def at(self, ends_s: "float | None") -> "float | None":
        """The moment at which `ends_s` of the budget will be spent, as time.time() will show it."""
        left = self.left(ends_s)
        return None if left is None else time.time() + left

    def over(self, ends_s: "float | None", grace_s: float = 0.0) -> Callable[[], bool]:
        """Whether to stop: asked to, or `ends_s` of the budget and the grace for tidying are spent."""
        return lambda: self.stopped() or (ends_s is not None and self.study.spent_s() >= ends_s + grace_s)

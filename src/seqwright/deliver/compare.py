"""The stage of the baselines: each is run once in a study's life, in what share of the budget it may take.

One that ran out of time is run again when the budget has grown enough.
"""

import math
from typing import Any

from seqwright.deliver.run import Run
from seqwright.evaluate.baselines import rivals, run_all
from seqwright.evaluate.executor import Executor
from seqwright.evaluate.workbench import Workbench

WITHOUT_CLOCK_S = 3600.0
AGAIN = 2.0  # times the seconds that were too few


def compare(run: Run, bench: Workbench, executor: Executor) -> "dict[str, Any]":
    """Every baseline's result by name: {"name", "score", "seconds", "said"}, or {"name", "error"}."""
    run.begin("baselines", run.plan.baselines_s)
    left = run.left(run.plan.baselines_s)
    if left is not None and run.plan.baselines_s is not None:
        # Preparing the data may have taken their share. They have it all the same: without rivals a score says little.
        left = max(left, min(run.plan.baselines_s, run.left(run.plan.search_s) or 0.0))
    done = {data["name"]: data for _, data in run.study.events("baseline")}
    if left is not None:
        done = {name: data for name, data in done.items() if data.get("given_s", math.inf) > left / AGAIN}

    def ended(name: str, result: "dict[str, Any]") -> None:
        run.study.event("baseline", result)
        done[name] = result
        run.show.baseline(result)

    run_all(
        executor, bench, run.study.folder, WITHOUT_CLOCK_S if left is None else left, dict(done), ended, run.stopped
    )
    names = [b.name for b in rivals(bench)]  # in this order, whichever ended first
    return {name: done[name] for name in names if name in done}

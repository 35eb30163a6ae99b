"""Baselines as jobs: each is fitted twice, for validation and for test, and its answers are put aside.

The test answers are only scored at the very end, by `deliver/evidence.py`, together with everyone else's.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np

from seqwright.data.examples import Examples
from seqwright.data.task import Baseline
from seqwright.evaluate import predictions
from seqwright.evaluate.encoder_baseline import NAME as ENCODER_LINEAR
from seqwright.evaluate.encoder_baseline import encoder_linear
from seqwright.evaluate.executor import Executor, Job
from seqwright.evaluate.workbench import Workbench, load


def rivals(bench: Workbench) -> tuple[Baseline, ...]:
    """The task's baselines and, where there is a pretrained encoder, a linear model on what it makes of the texts."""
    own = bench.task.baselines()
    return own if bench.encoder is None else (*own, encoder_linear(bench))


def run(prepared: str, run_folder: str, name: str, seconds: float) -> "dict[str, Any]":
    """Fit one baseline within about `seconds`; its validation score, and its answers on disk."""
    began = time.monotonic()
    bench = load(prepared)
    baseline = {b.name: b for b in rivals(bench)}[name]
    development = bench.examples("development")
    train, valid = bench.folds[0]
    said: list[str] = []
    has_test = (Path(prepared) / "test.examples.json").exists()
    predict = baseline.fit(development.take(train), seconds / 2 if has_test else seconds, said.append)
    found = predict(unlabelled(development.take(valid)))
    predictions.save(Path(run_folder), f"baseline-{name}", valid, found)
    if has_test:
        # What refits may learn from: all, unless the user set validation rows apart.
        everything = train if len(bench.folds) == 1 else np.arange(len(development))
        left = max(1.0, seconds - (time.monotonic() - began))
        predict = baseline.fit(development.take(everything), left, said.append)
        test = unlabelled(bench.examples("test"))
        predictions.save(Path(run_folder), f"baseline-{name}-test", np.arange(len(test)), predict(test))
    return {
        "name": name,
        "score": bench.score_at(valid, found),
        "said": sorted(set(said)),
        "seconds": time.monotonic() - began,
    }


def unlabelled(examples: Examples) -> Examples:
    """The same examples without their targets, so that no baseline can look."""
    return Examples(examples.inputs, None, None, examples.groups, examples.rows)


def run_all(
    executor: Executor,
    bench: Workbench,
    run_folder: Path,
    seconds: float,
    done: "dict[str, Any]",
    on_result: Any,
    stop: Any,
) -> None:
    """Run the baselines that are not in `done` within `seconds` all told; `on_result(name, result or error)`.

    One that fails or runs too long is a result too: {"name", "error"}.
    """
    names = [b.name for b in rivals(bench) if b.name not in done]
    deadline = time.monotonic() + seconds
    share = max(1.0, 0.8 * seconds * min(executor.slots, max(1, len(names))) / max(1, len(names)))
    # What an encoder reads is kept for the search, so that is begun first and may take all the time there is.
    for name in sorted(names, key=lambda name: name != ENCODER_LINEAR):
        arguments = {"prepared": str(bench.folder), "run_folder": str(run_folder), "name": name, "seconds": share}
        if name == ENCODER_LINEAR:
            arguments["seconds"] = 0.8 * seconds
        executor.submit(Job(f"baseline-{name}", "seqwright.evaluate.baselines:run", arguments))
    waiting = set(names)
    while waiting and time.monotonic() < deadline and not stop():
        for outcome in executor.collect(min(0.5, max(0.01, deadline - time.monotonic()))):
            name = outcome.id.removeprefix("baseline-")
            waiting.discard(name)
            on_result(name, {"name": name, "error": outcome.error} if outcome.error else outcome.value)
    for name in sorted(waiting):
        executor.cancel(f"baseline-{name}")
        if stop():
            continue  # not its fault: it is run again on resume
        error = f"did not finish in {seconds:.0f} s, its share of the budget; with a larger one it is run again"
        on_result(name, {"name": name, "error": error, "given_s": seconds})

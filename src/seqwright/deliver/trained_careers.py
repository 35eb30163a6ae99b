"""Careers on a user's data: every search in a study of its own, on data that are prepared once for all of them.

A search is the very one that `seqwright fit` makes, without its baselines, refits and test; so it survives a kill as
that one does. Scores are of validation. One trial is under way at a time unless more workers are asked for, since a
strategy that must propose without news is compared by its luck.
"""

import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from seqwright.arch.codec import identity
from seqwright.deliver.allot import allot
from seqwright.deliver.careers import DEAREST, NONE, Career, parted, steps_of, trains_supernet
from seqwright.deliver.gather import Sources, gather
from seqwright.deliver.identity import COMPARISON, begin
from seqwright.deliver.machine import hung_s
from seqwright.deliver.options import Options
from seqwright.deliver.run import Run
from seqwright.deliver.rungs import RUNGS
from seqwright.deliver.searching import explore, vet
from seqwright.deliver.show import Quiet, Show
from seqwright.deliver.stopping import stopping
from seqwright.deliver.strategies import ETA
from seqwright.deliver.traceless import traceless
from seqwright.evaluate.full import FullEvaluator
from seqwright.evaluate.local import LocalPool
from seqwright.evaluate.remembering import Remembering
from seqwright.evaluate.workbench import Workbench
from seqwright.search.budget import Budget
from seqwright.search.halving import ladder
from seqwright.search.loop import OWN_TIME
from seqwright.study.record import Fidelity, Trial
from seqwright.study.store import Study

SEARCHES, TRAINED = "searches", "trained.jsonl"
LEFT_OVER = ("checkpoints", "predictions")  # of a search that is over


def found_by_cost(study: Study) -> list[tuple[float, float]]:
    """(whole trainings spent so far, score) of each trial; minus infinity for one that failed or was not whole."""
    if not (decided := study.events("rungs")):
        return []
    whole = Fidelity(*decided[0][1][-1])
    spent, reached = 0.0, Counter[tuple[str, int]]()  # examples that a candidate has seen, by its id and seed
    found: list[tuple[float, float]] = []
    for trial in study.trials():
        proposal, fidelity = trial.proposal, trial.proposal.fidelity
        key = identity(proposal.candidate), proposal.seed
        begun = reached[key] if proposal.start == "checkpoint" else 0
        reached[key] = fidelity.examples
        spent += (fidelity.examples - begun) * fidelity.folds / (whole.examples * whole.folds)
        judged = fidelity == whole and not trial.failed
        found.append((spent, trial.score if judged else -math.inf))
    return found


class Meter(Quiet):
    """Watches a search for what it has cost, and tells of it under its own name."""

    def __init__(self, study: Study, show: Show, name: str) -> None:
        self.study, self.show, self.name = study, show, name
        self.spent = self._count()

    def stage(self, name: str, ends_s: "float | None", spent_s: float) -> None:
        self.show.stage(self.name, ends_s, spent_s)

    def earlier(self, trials: Sequence[Trial]) -> None:
        self.show.earlier(trials)

    def trial(self, trial: Trial) -> None:
        self.spent = self._count()
        self.show.trial(trial)

    def _count(self) -> float:
        return max((cost for cost, _ in found_by_cost(self.study)), default=0.0)


@contextmanager
def on_data(
    folder: Path,
    sources: Sources,
    problem: str,
    options: Options,
    contenders: Sequence[str],
    trials: int,
    examples: int,
    show: Show,
) -> Iterator[Callable[[str, int], "Career | None"]]:
    """A function that makes the career of (contender, seed); None when someone asked to stop meanwhile.

    Args:
        folder: of all searches, and of the prepared data.
        problem: what the careers call the data.
        options: what the searches share.
        trials: whole trainings that each may spend.
        examples: of a whole training; 0 for what `seqwright fit` would take.

    Raises:
        InputError: the data or an option cannot be used.
        StudyError: the folder holds another comparison, or someone is at work in it.
    """
    options = replace(options, budget=f"{trials}trials", workers=options.workers or 1)
    with traceless(folder), begin(folder, sources, options) as study, study.lease(), stopping() as stop:
        study.once(COMPARISON, lambda: True)
        run = Run(study, options, Budget(trials=trials), allot(None), show, stop)
        bench = gather(run, sources)
        for contender in contenders:
            vet(_run_of(run, contender, 0, trials), bench)
        with LocalPool(options.workers) as pool:
            executor = Remembering(pool, folder / TRAINED)

            def career(contender: str, seed: int) -> "Career | None":
                if stop():
                    return None
                own = folder / SEARCHES / f"{contender}-{seed}"
                asked = _run_of(run, contender, seed, trials)
                with Study.begin(own, {"options": asked.options.fixed(), "examples": examples}) as searched:
                    done = _searched(replace(asked, study=searched), bench, executor, trials, examples)
                if done is not None:
                    for name in LEFT_OVER:
                        shutil.rmtree(own / name, ignore_errors=True)
                return done and replace(done, problem=problem, contender=contender, seed=seed)

            yield career


def _run_of(run: Run, contender: str, seed: int, trials: int) -> Run:
    strategy, schedule = parted(contender)
    most = trials if schedule == NONE and not trains_supernet(contender) else trials * DEAREST
    options = replace(run.options, strategy=strategy, schedule=schedule, seed=seed, budget=f"{most}trials")
    return replace(run, options=options, budget=Budget(trials=most))


def _searched(run: Run, bench: Workbench, executor: Remembering, trials: int, examples: int) -> "Career | None":
    """Search until the cost is spent; None when it was stopped before."""
    study, options = run.study, run.options
    if examples:
        rungs = ladder(examples, RUNGS if bench.searched == 1 else 2, eta=ETA, folds=bench.searched)
        study.once("rungs", lambda: [[rung.examples, rung.folds] for rung in rungs])
    meter = Meter(study, run.show, f"{options.strategy} + {options.schedule}, seed {options.seed}")

    def over() -> bool:
        return run.stopped() or meter.spent > trials - 1e-6

    hung = options.trial_timeout_s or hung_s(None, bench.encoder is not None)
    evaluator = FullEvaluator(
        executor,
        bench.folder,
        study.folder,
        1,
        options.device,
        options.precision,
        hung,
        options.trial_memory_mib or None,
    )
    explore(replace(run, stopped=over, show=meter), bench, evaluator, None)
    if run.stopped() and meter.spent <= trials - 1e-6:
        return None
    ended = study.trials()
    own = [data for _, data in study.events(OWN_TIME)][-1:]  # the last command replayed all that went before
    own_ms = 1000 * sum(data["seconds"] / max(1, data["proposals"]) for data in own)
    steps = steps_of(found_by_cost(study))
    return Career("", "", 0, steps, len(ended), sum(trial.seconds for trial in ended), own_ms)

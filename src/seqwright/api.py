"""The whole story in one screen: data, baselines, search, refit, test, bundle."""

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from seqwright.arch import codec
from seqwright.data.infer import load, load_inputs
from seqwright.deliver import bundle
from seqwright.deliver.allot import allot
from seqwright.deliver.bundle import Model
from seqwright.deliver.delivery import deliver, refit
from seqwright.deliver.gather import Sources, facts, gather
from seqwright.deliver.identity import begin, budget_of, extend, finished, fresh_folder
from seqwright.deliver.options import Options
from seqwright.deliver.searching import portfolio_of, rungs_of, space_of, strategy_of
from seqwright.deliver.show import Quiet, Show
from seqwright.deliver.stopping import stopping
from seqwright.evaluate.baselines import run_all
from seqwright.evaluate.calibrate import machine_of
from seqwright.evaluate.full import FullEvaluator
from seqwright.evaluate.local import LocalPool
from seqwright.evaluate.sweep import Sweep, sweep_unfinished
from seqwright.search.leaderboard import leaderboard as ranked
from seqwright.search.loop import search
from seqwright.study.record import Fidelity, Trial
from seqwright.study.store import Study


@dataclass(frozen=True)
class Result:
    """What a run came to.

    Args:
        folder: the run's; `folder / "best"` is the bundle.
        score: of the delivered model on validation, higher is better.
        evidence: what test said, as JSON data (`deliver/evidence.py`); None without a test split.
    """

    folder: Path
    score: float
    evidence: "dict[str, Any] | None"

    @property
    def model(self) -> Model:
        return bundle.load(self.folder / "best")

    def leaderboard(self) -> list[Trial]:
        return leaderboard(self.folder)


def fit(
    data: Any,
    *,
    valid: Any = None,
    test: Any = None,
    folder: "Path | str | None" = None,
    show: "Show | None" = None,
    **options: Any,
) -> Result:
    """Find the best sequence model for `data` within a budget; the same call on the same folder resumes.

    Args:
        data: a path, a pandas or polars frame, a Hugging Face data set, or (texts, labels).
        valid, test: data of your own for choosing and for the end; cut from `data` where absent.
        folder: where everything of the run goes; a fresh one under `runs/` by default.
        options: see `seqwright.deliver.options.Options`: budget="10m", target="label", seed=0, ...

    Raises:
        InputError: what was given cannot be used; the message says what to do.
        StudyError: the folder holds another run, or someone is searching in it.
    """
    asked = Options.of(**options)
    folder = Path(folder) if folder is not None else fresh_folder(data)
    sources = Sources(data, valid, test)
    with begin(folder, sources, asked) as study:
        return _run(study, sources, asked, show or Quiet())


def resume(folder: "Path | str", budget: "str | None" = None, show: "Show | None" = None) -> Result:
    """Go on with a run: to the end of its budget, or of a larger one ("+10m").

    The same addition again, before it is used up, is the same command after a kill: it adds nothing more.

    Raises:
        StudyError: there is no run in `folder`, or someone is searching in it.
    """
    with Study.open(Path(folder)) as study:
        if budget is not None:
            extend(study, budget)
        named = study.settings["sources"]
        sources = Sources(named["data"], named["valid"], named["test"])
        return _run(study, sources, Options.of(**study.settings["options"]), show or Quiet())


def _run(study: Study, sources: Sources, options: Options, show: Show) -> Result:
    budget = budget_of(study)
    if known := finished(study):
        show.say(f'This run is finished. Add to its budget with `seqwright resume {study.folder} --budget "+10m"`.')
        return _result(study, known["score"])
    with study.lease(), stopping() as stop:
        plan, spent = allot(budget.seconds), study.spent_s
        sweep_unfinished(study.folder)
        show.say(f"budget {budget}: {plan.quote()}")
        show.stage("data", None, spent())
        bench = gather(study.folder, sources, options, show)
        cores = options.workers or os.cpu_count() or 1
        executor = LocalPool(cores)
        try:
            show.stage("baselines", plan.baselines_s, spent())
            baselines = _baselines(study, bench, executor, plan.left(plan.baselines_s, spent()), stop, show)
            begun = portfolio_of(options, bench.task.portfolio)
            machine = study.once("machine", partial(machine_of, executor, bench, begun, options, cores, plan, spent))
        finally:
            executor.close()

        executor = LocalPool(machine["slots"], machine["threads"])
        evaluator = FullEvaluator(
            executor,
            bench.folder,
            study.folder,
            machine["threads"],
            options.device,
            machine["precision"],
            options.trial_timeout_s or None,
            options.trial_memory_mib or None,
        )
        try:
            space = space_of(options, bench.task.space)
            rows, batch = len(bench.folds[0][0]), begun[0][1].recipe.batch_size
            share_s = plan.left(plan.search_s, spent())
            rungs = study.once(
                "rungs",
                lambda: [
                    [f.examples, f.folds]
                    for f in rungs_of(rows, bench.searched, batch, share_s, evaluator.slots, machine["examples_per_s"])
                ],
            )
            ladder = tuple(Fidelity(*rung) for rung in rungs)
            strategy = strategy_of(options, space, begun, ladder, budget.trials)
            show.stage("search", plan.search_s, spent())
            evaluator.stop_at = plan.at(plan.search_s, spent()) if bench.searched == 1 else None
            ids = {codec.identity(candidate) for _, candidate in begun}
            sweep = Sweep(study, ids)
            search(
                study,
                strategy,
                evaluator,
                stop=lambda: stop() or plan.over(plan.search_s, spent(), grace_s=1.0),
                trials=budget.trials,
                asynchronous=options.asynchronous,
                on_trial=lambda trial: (show.trial(trial), sweep(trial)),
            )
            show.stage("refit", plan.refit_s, spent())
            evaluator.stop_at = plan.at(plan.refit_s, spent())
            refitted = refit(
                study,
                bench,
                evaluator,
                lambda: 0.0 if stop() else plan.left(plan.refit_s, spent()),
                lambda: stop() or plan.over(plan.refit_s, spent(), grace_s=0.5),
                show.trial,
                begun[0][1],
            )
        finally:
            executor.close()

        show.stage("test", None, spent())
        delivery = deliver(
            study, bench, refitted, baselines, ids, facts(bench)["columns"], _facts(study, bench, options), options.seed
        )
        told = {"budget": str(budget), "score": delivery.score, "seconds": spent(), "stopped": stop.asked}
        study.event("delivered", told)
        if delivery.evidence:
            show.evidence(delivery.evidence)
        return _result(study, delivery.score)


def _baselines(study: Study, bench: Any, executor: Any, seconds: "float | None", stop: Any, show: Show) -> Any:
    """The baselines' results by name; each is run once in a study's life."""
    done = {data["name"]: data for _, data in study.events("baseline")}

    def ended(name: str, result: "dict[str, Any]") -> None:
        study.event("baseline", result)
        done[name] = result
        show.baseline(result)

    run_all(executor, bench, study.folder, 3600.0 if seconds is None else seconds, dict(done), ended, stop)
    names = [b.name for b in bench.task.baselines()]  # in this order, whichever ended first
    return {name: done[name] for name in names if name in done}


def _facts(study: Study, bench: Any, options: Options) -> "dict[str, str]":
    """How the model was found, for its card."""
    trials = study.trials()
    failed = sum(t.failed for t in trials)
    collapsed = sum(any("collapsed" in note for note in t.notes) for t in trials)
    compared = len({codec.identity(t.proposal.candidate) for t in trials if not t.failed})
    return {
        "budget": f"{budget_of(study)}, of which {study.spent_s():.0f} s were used",
        "data": facts(bench)["split"],
        "search": f"{options.strategy} with {options.schedule}, seed {options.seed}",
        "compared": f"{compared} candidates in {len(trials)} trials",
        "went wrong": f"{failed} trials failed, {collapsed} collapsed to one class",
    }


def _result(study: Study, score: float) -> Result:
    told = study.events("evidence")
    return Result(study.folder, score, told[-1][1] if told else None)


def predict(model: "Model | Path | str", data: Any, **columns: Any) -> "tuple[list[Any], Any]":
    """Labels and probabilities for every row of `data`, in order.

    Raises:
        BundleError, DataError: the bundle or the data cannot be used.
    """
    model = model if isinstance(model, Model) else bundle.load(model)
    examples = load_inputs(data, model.task.kind, model.columns, **columns).examples
    probabilities = model.probabilities(examples)
    decoded = model.task.decode(probabilities)
    labels = model.task.labels
    named = [[labels[i] for i in row] for row in decoded] if model.task.per_step else [labels[i] for i in decoded]
    return named, probabilities


def evaluate(model: "Model | Path | str", data: Any) -> "dict[str, Any]":
    """Every metric of a bundle on labelled data, with its 95 % interval: {name: {value, low, high, ...}}."""
    from seqwright.data.bootstrap import interval

    model = model if isinstance(model, Model) else bundle.load(model)
    examples = load(data, labels=model.task.labels, columns=model.columns).examples
    decoded = model.task.decode(model.probabilities(examples))
    return {
        m.name: vars(interval(m, m.statistics(decoded, examples.targets), weights=examples.weights))
        for m in model.task.metrics()
    }


def leaderboard(folder: "Path | str") -> list[Trial]:
    """A run's candidates, best first; readable while it runs."""
    with Study.open(Path(folder)) as study:
        return ranked(study.trials())

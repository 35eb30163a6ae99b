"""The whole story in one screen: data, baselines, search, refit, test, bundle."""

from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seqwright.data.infer import load, load_inputs
from seqwright.deliver import bundle
from seqwright.deliver import refine as refining
from seqwright.deliver.allot import allot
from seqwright.deliver.bundle import Model
from seqwright.deliver.compare import compare
from seqwright.deliver.delivery import deliver
from seqwright.deliver.gather import Sources, gather
from seqwright.deliver.identity import begin, budget_of, extend, finished, fresh_folder
from seqwright.deliver.machine import cores_of, evaluator_of, machine_of
from seqwright.deliver.options import Options
from seqwright.deliver.refitting import refit
from seqwright.deliver.run import Run
from seqwright.deliver.searching import explore, vet, vet_space
from seqwright.deliver.show import Quiet, Show
from seqwright.deliver.stopping import stopping
from seqwright.deliver.traceless import traceless
from seqwright.errors import InputError
from seqwright.evaluate.local import LocalPool
from seqwright.evaluate.sweep import sweep_unfinished
from seqwright.search.leaderboard import leaderboard as ranked
from seqwright.study.record import Trial
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
    return _fit(Sources(data, valid, test), Options.of(**options), folder, show)


def _fit(
    sources: Sources, asked: Options, folder: "Path | str | None", show: "Show | None", read_before: int = 0
) -> Result:
    vet_space(asked)
    folder = Path(folder) if folder is not None else fresh_folder(sources.data)
    with traceless(folder), begin(folder, sources, asked) as study:
        if read_before:
            study.once(refining.READ_BEFORE, lambda: read_before)
        return _run(study, sources, asked, show or Quiet())


def refine(
    given: Any,
    data: Any = None,
    *,
    run: "Path | str | None" = None,
    table: str = "cheaper",
    folder: "Path | str | None" = None,
    show: "Show | None" = None,
    **options: Any,
) -> Result:
    """Rewrite a network so that it gets better and never dearer; what is better is trained alone, side by side.

    Args:
        given: a candidate or an architecture.
        data: as for `fit`; those of `run`, an earlier run's folder, when None.
        table: what operations may become: "cheaper", or "published" (skip connections and none alone).
        folder: gets all that `fit` gives, and "refined.json", the architecture to keep.
        options: as for `fit`, but for those that say what to search.

    Raises:
        InputError: what was given cannot be used; the message says what to do.
    """
    if unheeded := [name for name in ("objective", "limit", "evaluate", "schedule") if options.get(name)]:
        raise InputError(f"A refinement lowers costs by itself and takes no {', '.join(unheeded)}. Leave them out.")
    sources, read_before = Sources(data), 0
    if data is None:
        if run is None:
            raise InputError("There are no data to refine it on. Give `data`, or the folder of an earlier run.")
        sources, known = refining.data_of(Path(run))
        options, read_before = known | options, refining.readings_of(Path(run))
    folder = Path(folder) if folder is not None else fresh_folder(f"refined-{Path(run or 'network').name}")
    space = refining.prepared(given, folder, table)
    options |= {"space": space, "strategy": refining.STRATEGY, "encoder": "none", "single": True}
    return _fit(sources, Options.of(**options), folder, show, read_before)


def resume(folder: "Path | str", budget: "str | None" = None, show: "Show | None" = None) -> Result:
    """Go on with a run: to the end of its budget, or of a larger one ("+10m").

    The same addition again, before it is used up, is the same command after a kill: it adds nothing more.

    Raises:
        StudyError: there is no run in `folder`, or someone is searching in it.
    """
    with Study.open(Path(folder)) as study:
        budget_of(study)  # a comparison has none, and is refused
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
        sweep_unfinished(study.folder)
        run = Run(study, options, budget, allot(budget.seconds), show, stop)
        bench = gather(run, sources)
        run = replace(run, plan=allot(budget.seconds, encoder=bench.encoder is not None))
        show.say(f"budget {budget}: {run.plan.quote()}")
        vet(run, bench)
        with LocalPool(cores_of(run)) as executor:
            baselines = compare(run, bench, executor)
            machine = machine_of(run, bench, executor)
            with closing(evaluator_of(run, bench, machine, executor)) as evaluator:
                explore(run, bench, evaluator, machine["examples_per_s"])
                finals = refit(run, bench, evaluator)
        delivery = deliver(run, bench, finals, baselines)
        return _result(study, delivery.score)


def _result(study: Study, score: float) -> Result:
    told = study.events("evidence")
    return Result(study.folder, score, told[-1][1] if told else None)


def predict(model: "Model | Path | str", data: Any, **columns: Any) -> "tuple[list[Any], Any]":
    """Labels and probabilities for every row of `data`, in order.

    Raises:
        BundleError, DataError: the bundle or the data cannot be used.
    """
    model = model if isinstance(model, Model) else bundle.load(model)
    examples = load_inputs(data, model.task.read_as(), model.columns, **columns).examples
    probabilities = model.probabilities(examples)
    return model.named(probabilities), probabilities


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

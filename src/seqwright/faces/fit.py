"""`seqwright fit` and `seqwright resume`: from a file to a bundle."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqwright.errors import InputError
from seqwright.faces.flags import Debug, Json, Silent

if TYPE_CHECKING:
    from seqwright.api import Result

DATA, SPACE, MACHINE = "What to learn", "What to search", "On what machine"


def fit(
    data: Annotated[str, typer.Argument(metavar="DATA", help="csv, tsv, jsonl, parquet, npz or conll.")],
    budget: Annotated[str, typer.Option(help='"10m", "2h", "90s" or "50trials".')] = "10m",
    folder: Annotated[
        Path | None, typer.Option("--folder", "-o", help="Where all of the run goes; default: a fresh runs/NAME.")
    ] = None,
    valid: Annotated[str | None, typer.Option(help="Your own validation file.", rich_help_panel=DATA)] = None,
    test: Annotated[str | None, typer.Option(help="Your own test file.", rich_help_panel=DATA)] = None,
    target: Annotated[str, typer.Option(help="Column to predict.", rich_help_panel=DATA)] = "",
    text: Annotated[str, typer.Option(help="Input columns: one, or several as a,b.", rich_help_panel=DATA)] = "",
    task: Annotated[
        str,
        typer.Option(help="text-classification, text-pairs, tagging or series-classification.", rich_help_panel=DATA),
    ] = "",
    weight: Annotated[str, typer.Option(help="Column of sample weights.", rich_help_panel=DATA)] = "",
    group: Annotated[str, typer.Option(help="Column; its groups are not split.", rich_help_panel=DATA)] = "",
    delimiter: Annotated[str, typer.Option(help='Between columns, such as ";".', rich_help_panel=DATA)] = "",
    encoding: Annotated[str, typer.Option(help="Such as utf-8 or latin-1.", rich_help_panel=DATA)] = "",
    split: Annotated[
        str, typer.Option(help="Train, validation and test in per cent.", rich_help_panel=DATA)
    ] = "80/10/10",
    max_length: Annotated[int, typer.Option(help="Longest sequence kept.", rich_help_panel=DATA)] = 0,
    metric: Annotated[str, typer.Option(help="What to raise; default: the task's own.", rich_help_panel=SPACE)] = "",
    seed: Annotated[int, typer.Option(help="Of everything drawn.", rich_help_panel=SPACE)] = 0,
    space: Annotated[
        str, typer.Option(help="A name of `seqwright spaces`, or a JSON file.", rich_help_panel=SPACE)
    ] = "",
    fix: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Answer a question for good.", rich_help_panel=SPACE),
    ] = None,
    ban: Annotated[list[str] | None, typer.Option(help="A kind or path to leave out.", rich_help_panel=SPACE)] = None,
    require: Annotated[
        list[str] | None, typer.Option(help="A kind that every network must have.", rich_help_panel=SPACE)
    ] = None,
    prior: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH=LABEL:WEIGHT",
            help='What you expect to be good, as in "/layers/*/mixer=lstm:3": three times as likely. Surrogates and '
            "priorband believe it less as trials come in.",
            rich_help_panel=SPACE,
        ),
    ] = None,
    objective: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COST",
            help="Lower this too, beside raising the metric: latency_ms, batch_latency_ms, parameters, flops, "
            "peak_mib, file_mib, joules or simplicity.",
            rich_help_panel=SPACE,
        ),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COST=VALUE",
            help="The most that it may be, as in parameters=2M, latency_ms=5 or file_mib=1.5MiB.",
            rich_help_panel=SPACE,
        ),
    ] = None,
    filter: Annotated[
        str,
        typer.Option(
            metavar="SCORE:SHARE",
            help='Of several candidates train the most promising: "naswot:0.5" the better of two, by an untrained '
            "network's score (parameters, saliency, jacobian, naswot, hidden); \"naswot:rung\" as ASHA's lowest rung.",
            rich_help_panel=SPACE,
        ),
    ] = "",
    encoder: Annotated[
        str, typer.Option(help='Pretrained encoder: a name, a folder, "auto" or "none".', rich_help_panel=SPACE)
    ] = "auto",
    trust_pickle: Annotated[
        bool, typer.Option("--trust-pickle", help="Read pickled weights of an encoder.", rich_help_panel=SPACE)
    ] = False,
    start: Annotated[str, typer.Option(help="Begin from the winner of that run.", rich_help_panel=SPACE)] = "",
    strategy: Annotated[
        str,
        typer.Option(
            help="auto, evolution, random, nsga2, local, morphism, bananas, gp-encoding, tpe, gp, bohb, gp-hyperband, "
            "priorband, controller, reinforce, differential, dehb, enas, spos, darts, darts-2nd, pc-darts, fair-darts, "
            "r-darts, darts-pt or transfer.",
            rich_help_panel=SPACE,
        ),
    ] = "auto",
    schedule: Annotated[
        str,
        typer.Option(
            help="asha, pasha, halving, hyperband, async-hyperband, hurdles, freeze-thaw or none, as in "
            "--strategy bananas --schedule freeze-thaw; default: what suits the strategy.",
            rich_help_panel=SPACE,
        ),
    ] = "",
    evaluate: Annotated[
        str,
        typer.Option(
            help="full trains every candidate; shared scores most of them on the weights of one supernet, as enas "
            "(reinforce) and spos (evolution) do; sandwich too, and trains the largest and the smallest in each step.",
            rich_help_panel=SPACE,
        ),
    ] = "",
    workers: Annotated[int, typer.Option(help="Trainings at once; 0 measures.", rich_help_panel=MACHINE)] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.", rich_help_panel=MACHINE)] = "auto",
    precision: Annotated[str, typer.Option(help="auto, float32 or bfloat16.", rich_help_panel=MACHINE)] = "auto",
    feature_cache: Annotated[
        float, typer.Option(help="GiB on disk for what encoders compute.", rich_help_panel=MACHINE)
    ] = 8.0,
    single: Annotated[
        bool, typer.Option("--single", help="Deliver one network, not an ensemble.", rich_help_panel=MACHINE)
    ] = False,
    asynchronous: Annotated[
        bool, typer.Option("--asynchronous", help="Never wait; not exactly repeatable.", rich_help_panel=MACHINE)
    ] = False,
    json: Json = False,
    quiet: Silent = False,
    debug: Debug = False,
) -> None:
    """Find the best model for DATA within a budget; the same command again resumes.

    Examples:

        seqwright fit reviews.tsv --target label --budget 10m

        seqwright fit train.csv --test test.csv --text title,body -o runs/news

        seqwright fit reviews.tsv --objective latency_ms --limit parameters=2M

        seqwright fit words.conll --ban lstm --set /architecture/body/width=64

        seqwright fit reviews.tsv --strategy evolution --evaluate shared

        seqwright fit reviews.tsv --space amoebanet --strategy pc-darts
    """
    from seqwright import api
    from seqwright.search.budget import Budget

    options = {
        "budget": budget, "target": target, "text": text, "task": task, "weight": weight, "group": group,
        "delimiter": delimiter, "encoding": encoding, "split": shares(split), "max_length": max_length,
        "metric": metric, "seed": seed, "space": space, "fix": fix or (), "ban": ban or (), "require": require or (),
        "prior": prior or (), "objective": objective or (), "limit": limit or (), "filter": filter,
        "start": start, "encoder": encoder, "trust_pickle": trust_pickle, "feature_cache_gib": feature_cache,
        "strategy": strategy, "schedule": schedule, "evaluate": evaluate, "workers": workers, "device": device,
        "precision": precision, "asynchronous": asynchronous, "single": single,
    }  # fmt: skip
    total = Budget.parse(budget)
    with watcher(total.seconds, quiet) as watch:
        result = api.fit(data, valid=valid, test=test, folder=folder, show=watch, **options)
    finish(result, json, total.trials is None)


def resume(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of an earlier `seqwright fit`.")],
    budget: Annotated[str | None, typer.Option(help='"+10m" adds; "1h" replaces.')] = None,
    json: Json = False,
    quiet: Silent = False,
    debug: Debug = False,
) -> None:
    """Go on with a run: one that was cut off, or one that is to have more time.

    Examples:

        seqwright resume runs/reviews

        seqwright resume runs/reviews --budget +10m
    """
    from seqwright import api
    from seqwright.deliver.identity import budget_of
    from seqwright.search.budget import Budget
    from seqwright.study.store import Study

    with Study.open(folder) as study:
        total = budget_of(study) if budget is None else budget_of(study).plus(Budget.parse(budget))
    with watcher(total.seconds, quiet) as watch:
        result = api.resume(folder, budget, watch)
    finish(result, json, total.trials is None)


def shares(text: str) -> tuple[float, ...]:
    """'80/10/10' as numbers.

    Raises:
        InputError: not numbers with slashes between.
    """
    try:
        return tuple(float(part) for part in text.replace(",", "/").split("/"))
    except ValueError:
        raise InputError(f'--split "{text}" is not three numbers. Give for instance 80/10/10.') from None


def watcher(total_s: "float | None", quiet: bool) -> "Any":
    """A context manager that gives a `Show`: live on a terminal, plain lines elsewhere, or nothing."""
    from contextlib import nullcontext

    from rich.console import Console

    from seqwright.deliver.show import Quiet

    if quiet:
        return nullcontext(Quiet())
    console = Console(stderr=True, highlight=False)
    if console.is_terminal:
        from seqwright.faces.live import Live

        return Live(console, total_s)
    from seqwright.faces.lines import Lines

    return nullcontext(Lines(sys.stderr))


def finish(result: "Result", json: bool, timed: bool, **more: Any) -> None:
    """The final table, where the bundle is, and what to type next; `more` is for JSON."""
    import json as encoder

    if json:
        said = {
            "folder": str(result.folder),
            "bundle": str(result.folder / "best"),
            "score": result.score,
            "evidence": result.evidence,
        }
        typer.echo(encoder.dumps(said | more, ensure_ascii=False))
        return
    from rich.console import Console

    from seqwright.faces.tables import final

    console = Console(highlight=False)
    if result.evidence:
        console.print(final(result.evidence))
        for verdict in result.evidence["verdicts"]:
            console.print(verdict, markup=False)
    else:
        console.print(f"Score on validation: {result.score:.4f}; test was not read.", markup=False)
    console.print()
    for what, command in (
        ("model", f"{result.folder / 'best'}"),
        ("use it", f"seqwright predict {result.folder} NEW.csv -o labels.csv"),
        ("look", f"seqwright leaderboard {result.folder}"),
        ("go on", f"seqwright resume {result.folder} --budget {'+10m' if timed else '+20trials'}"),
    ):
        console.print(f"{what:8}{command}", markup=False, soft_wrap=True)

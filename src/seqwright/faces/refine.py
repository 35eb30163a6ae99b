"""`seqwright refine`: a network rewritten so that it gets better and never dearer."""

from pathlib import Path
from typing import Annotated

import typer

from seqwright.errors import InputError
from seqwright.faces.fit import finish, shares, watcher
from seqwright.faces.flags import Debug, Json, Silent

DATA, MACHINE = "Only with --data: what to learn", "On what machine"


def refine(
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="A run's folder, an architecture's JSON file, or a published network.")
    ],
    data: Annotated[
        str | None, typer.Option(help="csv, tsv, jsonl, parquet, npz or conll; default: those of the run.")
    ] = None,
    budget: Annotated[str, typer.Option(help='"10m", "2h", "90s" or "200trials".')] = "10m",
    folder: Annotated[
        Path | None, typer.Option("--folder", "-o", help="Where all goes; default: a fresh runs/refined-NAME.")
    ] = None,
    table: Annotated[
        str, typer.Option(help='What operations may become: "cheaper" ones, or as "published", a skip or nothing.')
    ] = "cheaper",
    seed: Annotated[int, typer.Option(help="Of everything drawn; 0 is that of the run.")] = 0,
    target: Annotated[str, typer.Option(help="Column to predict.", rich_help_panel=DATA)] = "",
    text: Annotated[str, typer.Option(help="Input columns: one, or several as a,b.", rich_help_panel=DATA)] = "",
    task: Annotated[str, typer.Option(help="Kind of task, where it is not clear.", rich_help_panel=DATA)] = "",
    metric: Annotated[str, typer.Option(help="What to raise; default: the task's own.", rich_help_panel=DATA)] = "",
    split: Annotated[str, typer.Option(help="Train, validation and test in per cent.", rich_help_panel=DATA)] = "",
    max_length: Annotated[int, typer.Option(help="Longest sequence kept.", rich_help_panel=DATA)] = 0,
    workers: Annotated[int, typer.Option(help="Trainings at once; 0 measures.", rich_help_panel=MACHINE)] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.", rich_help_panel=MACHINE)] = "auto",
    json: Json = False,
    quiet: Silent = False,
    debug: Debug = False,
) -> None:
    """Rewrite a network's operations into cheaper ones or nothing, where that makes it better.

    A policy learns which (Guo et al. 2019, NAT); the network and its best rewritings are then trained alone, side by
    side, and FOLDER/refined.json is the one to keep. Its cost never rises. The same command again resumes.

    Examples:

        seqwright refine runs/reviews --budget 10m

        seqwright refine "text/text CNN" --data reviews.tsv -o runs/smaller

        seqwright refine mine.json --data reviews.tsv --table published
    """
    from seqwright import api
    from seqwright.faces.subject import subject
    from seqwright.search.budget import Budget
    from seqwright.study.store import Study

    given = subject(what).networks[0][1]
    run = Path(what) if Path(what).is_dir() else None
    if data is None and run is None:
        raise InputError(f'"{what}" is no run, so it has no data of its own. Give --data FILE.')
    said = {
        "target": target, "text": text, "task": task, "metric": metric, "max_length": max_length, "seed": seed,
        "split": shares(split) if split else None, "workers": workers, "device": device,
    }  # fmt: skip
    options = {name: value for name, value in said.items() if value}
    total = Budget.parse(budget)
    with watcher(total.seconds, quiet) as watch:
        result = api.refine(given, data, run=run, table=table, folder=folder, show=watch, budget=budget, **options)
    with Study.open(result.folder) as study:
        verdict = study.events("refined")[-1][1]
    finish(result, json, total.trials is None, refined=verdict)
    if not json:
        what_is = "the rewriting" if verdict["rewritten"] else "as it was given"
        typer.echo(
            f"kept    {result.folder / 'refined.json'}   {what_is}; seqwright show {result.folder / 'refined.json'}"
        )
        typer.echo(verdict["said"])

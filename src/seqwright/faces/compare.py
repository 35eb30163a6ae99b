"""`seqwright compare`: strategies side by side on a data set or on tables, and how sure it is who is better."""

from pathlib import Path
from typing import Annotated

import typer

from seqwright.faces.flags import Debug, Json, Silent

DATA, SPACE = "Only for DATA: what to learn", "Only for DATA: what to search"


def compare(
    data: Annotated[
        str | None, typer.Argument(metavar="[DATA]", help="csv, tsv, jsonl, parquet, npz or conll; or give --table.")
    ] = None,
    strategies: Annotated[
        str,
        typer.Option(help='Names as in "random,evolution,evolution+asha"; without +SCHEDULE every training is whole.'),
    ] = "random,evolution,auto",
    seeds: Annotated[int, typer.Option(help="Searches of each strategy.")] = 10,
    trials: Annotated[int, typer.Option(help="Whole trainings that each search may spend.")] = 100,
    table: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="A table of known trainings; again for several.")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder", "-o", help="Where results go; the same again goes on. Default: a fresh runs/compare-NAME."
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(help="Searches at once on tables, trainings at once on data.")] = 1,
    examples: Annotated[
        int, typer.Option(help="Of a whole training; 0 takes what fit would.", rich_help_panel=SPACE)
    ] = 0,
    target: Annotated[str, typer.Option(help="Column to predict.", rich_help_panel=DATA)] = "",
    text: Annotated[str, typer.Option(help="Input columns: one, or several as a,b.", rich_help_panel=DATA)] = "",
    task: Annotated[str, typer.Option(help="Kind of task, where it is not clear.", rich_help_panel=DATA)] = "",
    metric: Annotated[str, typer.Option(help="What to raise; default: the task's own.", rich_help_panel=DATA)] = "",
    space: Annotated[
        str, typer.Option(help="A name of `seqwright spaces`, or a JSON file.", rich_help_panel=SPACE)
    ] = "",
    fix: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Answer a question for good.", rich_help_panel=SPACE),
    ] = None,
    ban: Annotated[list[str] | None, typer.Option(help="A kind or path to leave out.", rich_help_panel=SPACE)] = None,
    encoder: Annotated[
        str, typer.Option(help='Pretrained encoder: a name, a folder or "auto".', rich_help_panel=SPACE)
    ] = "none",
    json: Json = False,
    quiet: Silent = False,
    debug: Debug = False,
) -> None:
    """Compare strategies: anytime curves, ranks with their critical difference, and what each costs.

    Every strategy searches with every seed, from the same start. The folder gets `compare.html` with pictures; killed,
    the same command with its `-o` goes on, and with more strategies or seeds it adds to what is there.

    Examples:

        seqwright compare reviews.tsv --strategies random,auto --trials 40

        seqwright compare --table nb201.csv --strategies random,local --seeds 30
    """
    from rich.console import Console

    from seqwright.deliver.contest import compare as run
    from seqwright.deliver.identity import fresh_folder
    from seqwright.deliver.show import Quiet
    from seqwright.faces.comparison_page import page, picture, printed
    from seqwright.faces.lines import Lines

    name = f"compare-{Path(data or (table or ['none'])[0]).stem}"
    options = {
        "target": target, "text": text, "task": task, "metric": metric, "space": space, "fix": tuple(fix or ()),
        "ban": tuple(ban or ()), "encoder": "" if table and encoder == "none" else encoder,
    }  # fmt: skip
    found = run(
        data,
        tables=table or (),
        strategies=strategies,
        seeds=seeds,
        trials=trials,
        folder=folder or fresh_folder(name),
        jobs=jobs,
        examples=examples,
        show=Quiet() if quiet else Lines(typer.get_text_stream("stderr")),
        **options,
    )
    (found.folder / "compare.html").write_text(page(found), "utf-8")
    for number, problem in enumerate(found.problems, 1):
        (found.folder / f"anytime-{number}.svg").write_text(picture(found, problem), "utf-8")
    told = found.as_data()
    if json:
        import json as encoder_of

        typer.echo(encoder_of.dumps(told))
        return
    console = Console(highlight=False)
    for shown in printed(told):
        console.print(shown, markup=False)
    console.print(told["verdict"], markup=False)
    console.print(f"pictures  {found.folder / 'compare.html'}", markup=False, soft_wrap=True)

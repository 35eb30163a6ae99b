"""The command line: eleven commands, one exit code each, and every error on one screen."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from seqwright.faces import failure
from seqwright.faces.compare import compare
from seqwright.faces.doctor import doctor
from seqwright.faces.export import export_optuna
from seqwright.faces.fit import fit, resume
from seqwright.faces.look import leaderboard, show, spaces
from seqwright.faces.refine import refine
from seqwright.faces.use import evaluate, predict

app = typer.Typer(
    name="seqwright",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (fit, resume, refine, predict, evaluate, leaderboard, show, spaces, compare, export_optuna, doctor):
    app.command()(failure.interruptible(command))


def _version(asked: bool) -> None:
    if asked:
        import seqwright

        typer.echo(f"seqwright {seqwright.__version__}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")] = False,
) -> None:
    """Find the best sequence model for a data set and a budget.

    Two commands do the main job:

        seqwright fit reviews.tsv --target label --budget 10m

        seqwright predict runs/reviews new.csv -o labels.csv

    A run may be killed at any moment; `seqwright resume FOLDER` carries on.
    """


def main(arguments: "Sequence[str] | None" = None) -> Any:
    """Run a command and leave with its exit code: 0 done, 1 failed, 2 misused, 130 interrupted with nothing to show."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in arguments or os.environ.get("SEQWRIGHT_DEBUG", "") not in ("", "0")
    try:
        code = app(arguments, prog_name="seqwright", standalone_mode=False)
        sys.stdout.flush()
    except BaseException as error:
        code = failure.told(error, debug)
    sys.exit(code if isinstance(code, int) else 0)

"""`seqwright export-optuna`: a run for optuna-dashboard and optuna's plots."""

from pathlib import Path
from typing import Annotated

import typer

from seqwright.errors import InputError
from seqwright.faces.flags import Debug, Json


def export_optuna(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of a run, finished or not.")],
    to: Annotated[Path | None, typer.Option(help="SQLite file; default: optuna.db in the run's folder.")] = None,
    storage: Annotated[str, typer.Option(help="Optuna storage URL, instead of a file.")] = "",
    name: Annotated[str, typer.Option(help="Of the optuna study; default: the folder's name.")] = "",
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Write a run's trials where optuna-dashboard can open them; again, to add what ended since.

    Examples:

        seqwright export-optuna runs/reviews

        seqwright export-optuna runs/reviews --storage postgresql://me@host/studies
    """
    if to is not None and storage:
        raise InputError("--to and --storage both say where to write. Give one of them.")
    import json as encoder
    from dataclasses import asdict

    from seqwright.deliver.optuna_export import export

    done = export(folder, storage=f"sqlite:///{to.resolve()}" if to else storage, name=name)
    if json:
        typer.echo(encoder.dumps(asdict(done)))
        return
    before = f", {done.old} were there" if done.old else ""
    typer.echo(f'{done.new} {"trial" if done.new == 1 else "trials"} written to study "{done.name}"{before}.')
    typer.echo(f"look    optuna-dashboard {done.storage}")

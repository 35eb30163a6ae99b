"""`seqwright doctor`: what this machine has, whether it works, and what to do where it does not."""

import typer

from seqwright.faces.flags import Debug, Json


def doctor(json: Json = False, debug: Debug = False) -> None:
    """Look at the machine and the installation, and try a tiny network.

    Example:

        seqwright doctor
    """
    import json as encoder

    from seqwright.faces.health import examined

    checks = examined()
    if json:
        typer.echo(encoder.dumps([vars(check) for check in checks]))
    else:
        for check in checks:
            typer.echo(f"{'ok ' if check.fine else 'BAD'}  {check.name:12}{check.said}")
            if check.remedy:
                typer.echo(f"     {'':12}-> {check.remedy}")
    if not all(check.fine for check in checks):
        raise typer.Exit(1)

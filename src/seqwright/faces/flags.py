"""Flags that several commands share, each with its one help text."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output; all else on standard error.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error (as does SEQWRIGHT_DEBUG=1).")]
Silent = Annotated[bool, typer.Option("--quiet", "-q", help="No progress; only the result.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write there instead of standard output.")]
Bundle = Annotated[str, typer.Argument(metavar="MODEL", help="A run's folder, or the bundle `best/` in it.")]

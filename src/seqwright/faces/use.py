"""`seqwright predict` and `seqwright evaluate`: a bundle at work."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from seqwright.faces.flags import Bundle, Debug, Json, Output


def predict(
    model: Bundle,
    data: Annotated[str, typer.Argument(metavar="[FILE]", help="What to label; - is standard input.")] = "-",
    output: Output = None,
    form: Annotated[
        str, typer.Option("--format", help="csv, tsv, jsonl or conll; default: by the name of --output.")
    ] = "",
    text: Annotated[str | None, typer.Option(help="Input columns, where they are called otherwise here.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Between columns.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Such as utf-8 or latin-1.")] = None,
    debug: Debug = False,
) -> None:
    """Label every row of a file, or of standard input, in order, with probabilities.

    Standard input may be plain lines (one text a line), csv or jsonl. Taggers write a token, a tab and its tag.

    Examples:

        seqwright predict runs/reviews new.csv -o labels.csv

        echo "a fine film" | seqwright predict runs/reviews

        seqwright predict runs/reviews new.csv --format jsonl | head
    """
    from seqwright.data.infer import load_inputs
    from seqwright.deliver import bundle
    from seqwright.faces.answers import form_of, written

    opened = bundle.load(model)
    form = form_of(form, output, opened.task.per_step)
    source = sys.stdin if data == "-" else data
    examples = load_inputs(
        source, opened.task.read_as(), opened.columns, text=text, delimiter=delimiter, encoding=encoding
    ).examples
    probabilities = opened.probabilities(examples)
    tokens = examples.inputs[opened.task.inputs[0]] if opened.task.per_step else None
    deliver(written(form, opened.task, probabilities, tokens), output)


def evaluate(
    model: Bundle,
    data: Annotated[str, typer.Argument(metavar="FILE", help="Labelled data in the form of the training file.")],
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Measure a bundle on labelled data: every metric of its task with a 95 % interval.

    Example:

        seqwright evaluate runs/reviews march.csv
    """
    import json as encoder

    from seqwright import api

    found = api.evaluate(model, data)
    if json:
        typer.echo(encoder.dumps(found))
        return
    width = max(map(len, found))
    for name, value in found.items():
        typer.echo(f"{name:{width}}  {value['value']:.4f}  [{value['low']:.4f}, {value['high']:.4f}]")


def deliver(text: str, output: "Path | None") -> None:
    """Write to a file, whole or not at all, or to standard output."""
    if output is None:
        sys.stdout.write(text)
        return
    aside = output.with_name(f"{output.name}.part")
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(output)
    except OSError:
        aside.unlink(missing_ok=True)
        raise

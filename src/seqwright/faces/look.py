"""`seqwright leaderboard`, `show` and `spaces`: what was found, and what may be."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqwright.errors import InputError, did_you_mean
from seqwright.faces.flags import Debug, Json, Output

if TYPE_CHECKING:
    from seqwright.space.nodes import Choice
    from seqwright.study.record import Trial

OF_ONE = ("mermaid", "svg", "torch")
VIEWS = ("line", "tree", *OF_ONE, "json")


def leaderboard(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of a run, finished or not.")],
    top: Annotated[int, typer.Option(help="How many rows.")] = 20,
    front: Annotated[
        bool, typer.Option("--front", help="Only those that no other beats in score and in cost.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="With --front: draw it to this SVG file.")
    ] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """A run's candidates, best first; also while it searches.

    Examples:

        seqwright leaderboard runs/reviews --top 5

        seqwright leaderboard runs/reviews --front -o front.svg
    """
    if front:
        _front(folder, output, json)
        return
    if output is not None:
        raise InputError("-o draws the front, so it goes with --front.")
    from seqwright.search.leaderboard import leaderboard as ranked
    from seqwright.study.store import Study

    with Study.open(folder) as study:
        ended = study.trials()
    trials = ranked(ended)
    if json:
        import json as encoder

        typer.echo(encoder.dumps([_row(rank, trial) for rank, trial in enumerate(trials[:top], 1)]))
        return
    if not trials:
        typer.echo(_nothing(folder))
        return
    from rich.console import Console

    from seqwright.faces.tables import ranks

    Console(highlight=False).print(ranks(trials, top))
    if shared := _shared(ended):
        typer.echo(f"left out: {shared} scored on the weights of a supernet, which judge nothing")


def _shared(ended: "list[Trial]") -> int:
    return sum(t.proposal.fidelity.stage == "shared" and not t.failed for t in ended)


def _nothing(folder: Path) -> str:
    """Why there is nothing to show of a run, and what to do."""
    from seqwright.deliver.identity import budget_of, finished
    from seqwright.study.store import Study

    with Study.open(folder) as study:
        ended, over, timed = study.trials(), finished(study), budget_of(study).trials is None
    counts = (sum(t.failed for t in ended), "failed"), (_shared(ended), "were scored on the weights of a supernet")
    told = ", ".join(f"{count} {what}" for count, what in counts if count)
    nothing = f"No network of {folder} was trained to a score{f': {told}' if told else ' yet'}."
    go_on = f"The run is finished. Give it more: seqwright resume {folder} --budget {'+10m' if timed else '+20trials'}"
    return f"{nothing} {go_on if over else 'Look again later.'}"


def _front(folder: Path, output: "Path | None", json: bool) -> None:
    from seqwright.faces import fronts

    if output is not None and output.suffix.lower() != ".svg":
        raise InputError(f"The front is drawn as SVG, and {output} is named otherwise. Give a name that ends in .svg.")
    standing, trials, names, volumes = fronts.opened(folder)
    if not standing and not json:
        typer.echo(_nothing(folder))
        return
    if output is not None:
        output.write_text(fronts.picture(standing, trials, names[0]), encoding="utf-8")
        typer.echo(f"picture  {output}", err=True)
    if json:
        import json as encoder

        rows = [_row(rank, trial) for rank, trial in enumerate(standing, 1)]
        typer.echo(encoder.dumps({"costs": list(names), "front": rows, "hypervolume": volumes}))
        return
    from rich.console import Console

    Console(highlight=False).print(fronts.table(standing, names))
    if volumes:
        rose = f"{volumes[0]:.3g} when ten trials had ended, {volumes[-1]:.3g} now"
        typer.echo(f"hypervolume (score x halvings of cost): {rose}")


def _row(rank: int, trial: "Trial") -> "dict[str, Any]":
    from seqwright.arch import codec
    from seqwright.arch.show import line

    fidelity = trial.proposal.fidelity
    return {
        "rank": rank,
        "score": trial.score,
        "metrics": trial.metrics,
        "examples": fidelity.examples,
        "folds": fidelity.folds,
        "id": codec.identity(trial.proposal.candidate),
        "architecture": line(trial.proposal.candidate),
        "candidate": codec.to_data(trial.proposal.candidate),
        "why": trial.proposal.why,
        "seconds": trial.seconds,
        "costs": trial.costs,
        "notes": list(trial.notes),
    }


def show(
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="A run or bundle, an architecture's JSON file, or a portfolio member.")
    ],
    view: Annotated[str, typer.Option("--as", help=f"{', '.join(VIEWS)}.")] = "tree",
    output: Output = None,
    debug: Debug = False,
) -> None:
    """Print an architecture: in a line, as a tree, drawn, as stand-alone PyTorch, or as JSON.

    Examples:

        seqwright show runs/reviews

        seqwright show "text/text CNN" --as torch -o text_cnn.py

        seqwright show runs/reviews --as svg -o network.svg
    """
    if view not in VIEWS:
        raise InputError(f'--as "{view}" is not known.{did_you_mean(view, VIEWS)} Give one of: {", ".join(VIEWS)}.')
    from seqwright.faces.subject import subject, viewed
    from seqwright.faces.use import deliver

    given = subject(what)
    if view in OF_ONE and (count := len(given.distinct)) > 1:
        said = f"{count} networks answer together; this is the one with the largest share. --as tree shows all."
        typer.echo(said, err=True)
    text = viewed(given, view)
    deliver(text if text.endswith("\n") else text + "\n", output)


def spaces(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[show] [NAME]", help="A named space, or a JSON file.")
    ] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """The search spaces: all with their sizes, or one with its questions.

    Examples:

        seqwright spaces

        seqwright spaces show bert-head

        seqwright spaces text --json > mine.json    # for --space mine.json
    """
    import json as encoder

    from seqwright.arch import codec
    from seqwright.arch.spaces import describe, load, named, remarks
    from seqwright.space.census import questions, size

    wanted = list(names or [])
    if wanted[:1] == ["show"]:
        del wanted[0]
    if len(wanted) > 1:
        raise InputError(f"There is one space at a time to show, not {len(wanted)}: {', '.join(wanted)}. Name one.")
    if not wanted:
        rows = [(known, size(named(known)), said) for known, said in describe().items()]
        if json:
            typer.echo(encoder.dumps([{"name": n, "size": s, "about": said} for n, s, said in rows]))
            return
        for known, count, said in rows:
            typer.echo(f"{known:15}{count:>9.1e}  {said}")
        return
    (name,) = wanted
    space = load(name)
    if json:
        typer.echo(encoder.dumps(codec.space_to_data(space), indent=1))
        return
    asked, parts = questions(space), dict(space.fields)
    typer.echo(f"{name}: {size(space):,} candidates, {len(asked)} questions")
    typer.echo(f"{size(parts['architecture']):,} architectures x {size(parts['recipe']):,} recipes\n")
    if remark := remarks().get(name):
        typer.echo(remark + "\n")
    for path, choice in asked.items():
        typer.echo(f"{path}  {_domain(choice)}")


def _domain(choice: "Choice") -> str:
    """The labels of a question's options; a long run of numbers by its ends."""
    labels, options = choice.labels(), choice.options
    numbers = all(type(option) is int for option in options)
    if len(options) > 12 and numbers and options == tuple(range(options[0], options[-1] + 1)):
        return f"{labels[0]} to {labels[-1]}"
    return " ".join(labels)

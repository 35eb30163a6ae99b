"""Refining: a given network beside the rewritings of it that a search found, and which of them to keep.

A refinement is a run like any other, over the space of rewritings (`arch.rewriting`) with the strategy "rewriter": so
budget, resume, refits and the one reading of test are those of every run. What is its own is here: where the network
and the data come from, and the verdict.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seqwright.arch import codec
from seqwright.arch.candidate import Candidate
from seqwright.arch.rewriting import TABLES, Table, rewritings
from seqwright.arch.show import line
from seqwright.data.bootstrap import paired
from seqwright.data.examples import listed
from seqwright.deliver.gather import Sources
from seqwright.errors import InputError, did_you_mean
from seqwright.evaluate.workbench import Workbench
from seqwright.search.leaderboard import leaderboard
from seqwright.space.fill import fill
from seqwright.study.record import Trial
from seqwright.study.store import Study

STRATEGY = "rewriter"
SPACE, REFINED = "rewritings.json", "refined.json"
READ_BEFORE = "test read before"  # the event that counts how often the earlier run read the same examples
DATA_OPTIONS = (
    "task", "target", "text", "weight", "group", "delimiter", "encoding", "metric", "split", "max_length",
)  # fmt: skip
SAVES = 0.1  # of the FLOPs or the parameters, for which a difference in score that is not clear is given up


def given_in(space: Any) -> Any:
    """The network that a space of rewritings is made from: its first options."""
    return fill(space, lambda path, question: 0)


def prepared(given: Any, folder: Path, table: str) -> Path:
    """Write the space of rewritings into the run's folder.

    Args:
        given: a candidate, or an architecture, which is then trained by the default recipe.

    Raises:
        InputError: nothing of it can be rewritten, or the folder is of another refinement.
    """
    if table not in TABLES:
        raise InputError(f'--table "{table}" is not known.{did_you_mean(table, TABLES)} Give {" or ".join(TABLES)}.')
    from seqwright.nn.cheaper import measured

    candidate = given if isinstance(given, Candidate) else Candidate(given)
    text = json.dumps(codec.space_to_data(rewritings(candidate, measured, _table(table))), indent=1)
    path = folder.resolve() / SPACE
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise InputError(f"{folder} holds the refinement of another network. Give another --folder.")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _table(name: str) -> Table:
    return "published" if name == "published" else "cheaper"


def data_of(run: Path) -> "tuple[Sources, dict[str, Any]]":
    """The data of an earlier run, and the options that say how it read them.

    Raises:
        InputError: it was given data that have no path.
    """
    with Study.open(run) as study:
        named, options = study.settings["sources"], study.settings["options"]
    if named["data"] is None:
        raise InputError(f"The data of {run} came from memory, not from a file. Give --data.")
    known = {name: options[name] for name in DATA_OPTIONS if name in options}
    return Sources(named["data"], named["valid"], named["test"]), known | {"seed": options["seed"]}


def readings_of(run: Path) -> int:
    """How often an earlier run, and those that it refines, have read their test examples."""
    with Study.open(run) as study:
        return len(study.readings()) + sum(count for _, count in study.events(READ_BEFORE))


def finalists(trials: Sequence[Trial], space: Any) -> list[Trial]:
    """What was given and its rewritings, as far as they were trained alone.

    Where the clock left none of the rewritings the time, the one judged best is taken in, for a refit to train.
    """
    alone = [t for t in leaderboard(trials) if t.proposal.fidelity.stage == "full"]
    alone = [t for t in alone if t.proposal.fidelity == alone[0].proposal.fidelity]
    own = codec.identity(given_in(space))
    if any(codec.identity(t.proposal.candidate) != own for t in alone):
        return alone
    judged = [t for t in trials if t.proposal.fidelity.stage != "supernet" and not t.failed]
    rewritings = [t for t in judged if codec.identity(t.proposal.candidate) != own]
    return alone + sorted(rewritings, key=lambda t: -t.score)[:1]


@dataclass(frozen=True)
class Row:
    """A network that was trained alone: its score on validation (higher is better) and costs."""

    architecture: str
    score: float
    parameters: int
    flops: int


@dataclass(frozen=True)
class Verdict:
    """Which to keep.

    Args:
        kept: the id of its candidate.
        rewritten: whether that is a rewriting.
        given, rewriting: the two that were compared; no rewriting where none was trained to its end.
        gain: of the rewriting over what was given on the same examples: (value, low, high) at 95 %.
    """

    kept: str
    rewritten: bool
    given: Row | None
    rewriting: Row | None
    gain: "tuple[float, float, float] | None"
    said: str

    def as_data(self) -> "dict[str, Any]":
        return asdict(self)


def decide(
    bench: Workbench, space: Any, candidates: "Mapping[str, Candidate]", index: Any, answers: "Mapping[str, Any]"
) -> "tuple[str, Verdict]":
    """The name of the finalist to keep, and the verdict.

    A rewriting is kept where it scores no worse; where it scores worse by less than a standard error, if it saves
    enough.

    Args:
        candidates, answers: of the finalists by name; probabilities on the development examples `index`.
    """
    from seqwright.nn.cost import cost

    metric, known = bench.task.chosen(), bench.known(index)
    targets = listed(known.targets)
    scores = {name: bench.score_at(index, given) for name, given in answers.items()}
    ids = {name: codec.identity(candidate) for name, candidate in candidates.items()}
    own = codec.identity(given_in(space))

    def best(names: "list[str]") -> "str | None":
        return max(names, key=lambda name: scores[name], default=None)

    def row(name: "str | None") -> "Row | None":
        if name is None:
            return None
        architecture = candidates[name].architecture
        return Row(line(architecture), scores[name], **cost(architecture, bench.interface))

    before, after = best([n for n in answers if ids[n] == own]), best([n for n in answers if ids[n] != own])
    given, rewriting = row(before), row(after)
    if given is None or rewriting is None or before is None or after is None:
        kept = after or before
        assert kept is not None
        missing = "no rewriting was" if after is None else "what was given was not"
        return kept, Verdict(
            ids[kept], kept == after, given, rewriting, None, f"There is nothing to compare: {missing} trained."
        )
    statistics = [metric.statistics(bench.task.decode(answers[name]), targets) for name in (after, before)]
    gain = paired(metric, *statistics, weights=known.weights)
    saved = {n: 1 - getattr(rewriting, n) / max(1, getattr(given, n)) for n in ("parameters", "flops")}
    near = gain.value > -gain.standard_error and max(saved.values()) >= SAVES
    kept = after if gain.value >= 0 or near else before
    told = (
        f"The rewriting has {_less(saved['parameters'])} parameters and {_less(saved['flops'])} FLOPs; on validation "
        f"its {metric.name} differs by {gain.value:+.4f}, 95 % interval [{gain.low:+.4f}, {gain.high:+.4f}]. "
        f"Keep the {'rewriting' if kept == after else 'network as it was given'}."
    )
    return kept, Verdict(ids[kept], kept == after, given, rewriting, (gain.value, gain.low, gain.high), told)


def _less(share: float) -> str:
    return f"{share:.0%} fewer" if share > 0 else "as many"


def save(folder: Path, candidate: Candidate) -> None:
    """Keep the architecture and its recipe as JSON, which `seqwright show` and `refine` read."""
    (folder / REFINED).write_text(json.dumps(codec.to_data(candidate), indent=1), encoding="utf-8")

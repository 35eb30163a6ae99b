"""The model card: what a bundle is, how it was found, and what was measured, as Markdown for people.

After Mitchell et al. 2019, arXiv:1810.03993.
"""

from collections.abc import Sequence
from typing import Any

from seqwright.arch import show
from seqwright.data.task import Task
from seqwright.deliver.bundle import Member
from seqwright.deliver.evidence import Evidence


def card(
    task: Task,
    members: Sequence[Member],
    evidence: "Evidence | None",
    facts: "dict[str, Any]",
    version: str,
) -> str:
    """The card's text.

    Args:
        facts: title -> line, in order, of how the model was found.
    """
    lines = [f"# A model for {task.kind.replace('-', ' ')}", "", f"Written by Seqwright {version}.", ""]
    lines += [
        "## What it is",
        "",
        f"- classes ({len(task.labels)}): {_few(task.labels)}",
        f"- networks: {len(members)}",
    ]
    total = sum(m.weight for m in members)
    for member in members:
        lines.append(f"  - {member.weight / total:.0%} `{show.line(member.candidate.architecture)}`")
    lines += ["", "## How it was found", ""]
    lines += [f"- {title}: {text}" for title, text in facts.items()]
    lines += ["", "## What it does on the test split", ""]
    lines += measured(evidence) if evidence else ["Not measured: there was no test split, or no time left to read it."]
    lines += [
        "",
        "## Use",
        "",
        "```",
        "seqwright predict best/ new.csv",
        "```",
        "",
        "It answers for data like that which it was trained on; measure it again before trusting it elsewhere.",
        "",
    ]
    return "\n".join(lines)


def measured(evidence: Evidence) -> list[str]:
    """The final table and the verdicts, as Markdown."""
    names = list(next((r.metrics for r in evidence.rivals if r.metrics), {}))
    lines = [f"{evidence.rows:,} examples, 95 % bootstrap intervals.", ""]
    lines += ["| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for rival in evidence.rivals:
        cells = [str(rival.metrics[n]) for n in names] if rival.metrics else [f"failed: {rival.error}"]
        cells += [""] * (len(names) - len(cells))
        lines.append(f"| {rival.name}{f' ({rival.said})' if rival.said else ''} | " + " | ".join(cells) + " |")
    return [*lines, "", *evidence.verdicts()]


def _few(labels: Sequence[str], most: int = 20) -> str:
    shown = ", ".join(labels[:most])
    return shown if len(labels) <= most else f"{shown}, and {len(labels) - most} more"

"""What may spoil a result without stopping it: duplicates, leaks between splits, imbalance, rare or empty values."""

import hashlib
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from seqwright.data.examples import Examples
from seqwright.data.finding import Finding
from seqwright.data.wording import listing, plural, short

_LONG = 10_000  # characters; beyond it a text is more likely a broken file than a document


def keys(examples: Examples) -> list[Hashable]:
    """One value an example, equal exactly where the inputs are; surrounding white space does not count."""
    columns = [[_key(cell) for cell in cells] for cells in examples.inputs.values()]
    return columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))


def _key(cell: Any) -> Hashable:
    if isinstance(cell, np.ndarray):
        return cell.shape, hashlib.blake2b(np.ascontiguousarray(cell).tobytes(), digest_size=16).digest()
    return cell.strip() if isinstance(cell, str) else tuple(cell)


def within(examples: Examples, labels: Sequence[str], noun: str = "row") -> list[Finding]:
    """Warnings about one set of examples."""
    return [*_duplicates(examples, noun), *_balance(examples, labels, noun), *_texts(examples, noun)]


def all_empty(examples: Examples) -> bool:
    """Whether the inputs are texts, and there is nothing in them."""
    return all(isinstance(cell, str) and not cell.strip() for cells in examples.inputs.values() for cell in cells)


def across(parts: Mapping[str, Examples]) -> list[Finding]:
    """A warning for every two splits that share inputs: what is learnt by heart in one scores in the other."""
    seen = {name: Counter(keys(part)) for name, part in parts.items() if len(part)}
    findings: list[Finding] = []
    for (first, a), (second, b) in combinations(seen.items(), 2):
        shared = a.keys() & b.keys()
        if shared:
            count = sum(b[key] for key in shared)
            text = f"{plural(count, 'row')} of {second} ({count / b.total():.1%}) also in {first}: scores flatter"
            findings.append(Finding("warned", text))
    return findings


def _duplicates(examples: Examples, noun: str) -> list[Finding]:
    first: dict[Hashable, int] = {}
    twins: list[tuple[int, int]] = []
    for i, key in enumerate(keys(examples)):
        j = first.setdefault(key, i)
        if i != j:
            twins.append((j, i))
    if not twins:
        return []
    text = f"{plural(len(twins), noun)} {_repeats(len(twins))} the input of an earlier one"
    targets = examples.targets
    if targets is not None:
        clashing = [(j, i) for j, i in twins if not np.array_equal(targets[i], targets[j])]
        if clashing:
            j, i = clashing[0]
            shown = f"such as number {_row(examples, j)} and {_row(examples, i)}"
            text += f", {len(clashing):,} of them with another label ({shown})"
    return [Finding("warned", text)]


def _repeats(count: int) -> str:
    return "repeats" if count == 1 else "repeat"


def _row(examples: Examples, i: int) -> int:
    return int(examples.rows[i]) + 1 if len(examples.rows) else i + 1


def _balance(examples: Examples, labels: Sequence[str], noun: str) -> list[Finding]:
    targets = examples.targets
    if targets is None or not len(targets):
        return []
    per_step = np.ndim(targets[0]) > 0
    flat = np.concatenate(targets) if per_step else np.asarray(targets)
    counts = np.bincount(flat[flat >= 0], minlength=len(labels))
    unit = "token" if per_step else noun
    findings: list[Finding] = []
    once = [labels[int(i)] for i in np.flatnonzero(counts == 1)]
    if once:
        text = f"{plural(len(once), 'label')} seen once ({listing(once, 5)}): in training at best, hardly scored"
        findings.append(Finding("warned", text if not per_step else text.split(":")[0]))
    top = int(counts.argmax())
    share = counts[top] / max(1, counts.sum())
    least = counts[counts > 1].min(initial=counts[top])  # those seen once have a warning of their own
    if (counts > 1).sum() > 1 and not per_step and (share > 0.8 or counts[top] > 20 * least):
        rarest = labels[int(np.flatnonzero(counts == least)[0])]
        text = (
            f'imbalance: "{labels[top]}" is {share:.0%} of all, "{rarest}" has {plural(int(least), unit)}; '
            "macro-F1 or MCC tells more than accuracy"
        )
        findings.append(Finding("warned", text, "--metric"))
    return findings


def _texts(examples: Examples, noun: str) -> list[Finding]:
    findings: list[Finding] = []
    columns = [cells for cells in examples.inputs.values() if len(cells) and isinstance(cells[0], str)]
    if not columns:
        return findings
    empty = sum(any(not cell.strip() for cell in cells) for cells in zip(*columns, strict=True))
    if empty:
        findings.append(Finding("warned", f"{plural(empty, noun)} with an empty text", "--text"))
    lengths = [max(map(len, cells)) for cells in zip(*columns, strict=True)]
    longest = int(np.argmax(lengths))
    if lengths[longest] > _LONG:
        cell = max((cells[longest] for cells in columns), key=len)
        text = (
            f"{plural(sum(n > _LONG for n in lengths), noun)} of more than {_LONG:,} characters; the longest, {noun} "
            f'{_row(examples, longest)}, has {lengths[longest]:,} ("{short(cell[:200], 40)}")'
        )
        findings.append(Finding("warned", text, "--max-length"))
    return findings

"""A table: named columns of equal length, exactly as the source gave them, before anything is inferred.

A cell is a str, number, bool or None; a list of str (tokens or tags); or a (T, C) float array (a series).
"""

from dataclasses import dataclass, field
from typing import Any

from seqwright.data.finding import Finding


@dataclass(frozen=True)
class Table:
    """What a reader returns.

    Args:
        columns: name -> cells, all of one length.
        source: what messages call it, for instance "train.tsv".
        form: csv, tsv, jsonl, parquet, npz, conll, frame, lists or lines.
        findings: what reading had to infer or repair.
        classes: column -> names of its class numbers, where the source knows them (a datasets ClassLabel).
        tokens, tags: the default columns where the form fixes them (CoNLL).
        options: how to read the next file of this kind (delimiter, ...), JSON-able.
    """

    columns: dict[str, list[Any]]
    source: str
    form: str
    findings: tuple[Finding, ...] = ()
    classes: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    tokens: str = ""
    tags: str = ""
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

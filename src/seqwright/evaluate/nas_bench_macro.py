"""NAS-Bench-Macro as a table: eight layers in a row, each skipped or one of two inverted bottlenecks.

Su et al. 2021, arXiv:2103.11922. Read from its json: {"02012100": {"mean_acc": 89.2, ...}, ...}, one digit a layer. Its
accuracies are on the test split, and it has no training times, so every trial takes one unit of time.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.kinds import kind
from seqwright.errors import DataError
from seqwright.evaluate.table import Entry
from seqwright.space.nodes import Record, among, vary

OPERATIONS = ("identity", "mbconv3_e3", "mbconv5_e6")


@kind
@dataclass(frozen=True)
class NasBenchMacroNetwork:
    """A network of eight layers; the widths and strides of the places are fixed."""

    layer_0: str = among(*OPERATIONS, ordered=False)
    layer_1: str = among(*OPERATIONS, ordered=False)
    layer_2: str = among(*OPERATIONS, ordered=False)
    layer_3: str = among(*OPERATIONS, ordered=False)
    layer_4: str = among(*OPERATIONS, ordered=False)
    layer_5: str = among(*OPERATIONS, ordered=False)
    layer_6: str = among(*OPERATIONS, ordered=False)
    layer_7: str = among(*OPERATIONS, ordered=False)


def space() -> Record:
    """All 6,561 networks, each with one recipe."""
    return vary(Candidate, architecture=vary(NasBenchMacroNetwork), recipe=Recipe())


def read(path: str | Path) -> dict[Candidate, Entry]:
    """The table in a json file. A score is the mean accuracy over the seeds, in percent.

    Raises:
        DataError: the file is missing or holds something else.
    """
    try:
        rows = json.loads(Path(path).read_text(encoding="utf-8"))
        return {network(digits): Entry(float(row["mean_acc"])) for digits, row in rows.items()}
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise DataError(f"Cannot read {path}: {error!r}. Give the json table of NAS-Bench-Macro.") from None


def network(digits: str) -> Candidate:
    """The candidate that the table writes with eight digits."""
    return Candidate(NasBenchMacroNetwork(*(OPERATIONS[int(digit)] for digit in digits)), Recipe())

"""How much of a long text is read: enough for nearly all texts of the data, and never so much that memory fails."""

import numpy as np

from seqwright.arch.interface import UNKNOWN
from seqwright.data.examples import Ragged
from seqwright.data.finding import Finding

MOST_STEPS = {"characters": 1024}  # and 512 for every other stream
ALWAYS_READ = {"characters": 256}  # and 64: texts this short are never cut, be they rare


def limit(name: str, lengths: np.ndarray, sides: int, max_length: int | None) -> tuple[int, list[Finding]]:
    """The steps kept of each text of a stream, and a finding where that cuts training texts.

    The 99th percentile of the training texts, within fixed bounds; the two sides of a pair share the upper one.
    """
    longest = int(lengths.max(initial=1))
    if max_length is not None:
        most = max_length * (2 if name == "characters" else 1)
    else:
        common = int(np.percentile(lengths, 99, method="higher")) if len(lengths) else 1
        most = min(max(common, ALWAYS_READ.get(name, 64)), MOST_STEPS.get(name, 512) // sides)
    kept = max(1, min(most, longest))
    too_long = int((lengths > kept).sum())
    if not too_long:
        return kept, []
    unit = name if name != "word_characters" else "words"
    text = f"{too_long:,} of {len(lengths):,} texts have more than {kept:,} {unit}; only their first {kept:,} are read"
    return kept, [Finding("warned", text, "--max-length")]


def cut(sequences: Ragged, most: int | None) -> Ragged:
    """The first `most` steps of each sequence, and one unknown step where there is none."""
    lengths = sequences.lengths
    kept = np.maximum(lengths if most is None else np.minimum(lengths, most), 1)
    if np.array_equal(kept, lengths):
        return sequences
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(kept, out=offsets[1:])
    values = np.zeros((int(offsets[-1]), *sequences.values.shape[1:]), sequences.values.dtype)
    real = np.repeat(lengths > 0, kept)
    source = np.repeat(sequences.offsets[:-1] - offsets[:-1], kept) + np.arange(offsets[-1])
    values[real] = sequences.values[source[real]]
    values.reshape(len(values), -1)[~real, 0] = UNKNOWN
    return Ragged(values, offsets)

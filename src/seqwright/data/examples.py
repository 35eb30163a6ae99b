"""Examples as the user has them (columns of Python values) and as networks want them (arrays per stream)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Examples:
    """Labelled (or unlabelled) examples, before any preprocessing.

    Args:
        inputs: one list per input, all of one length. Text classification has {"text": [str]},
            pairs {"a": [str], "b": [str]}, tagging {"tokens": [[str]]}, series {"series": [(T, C) float32]}.
        targets: class indices (N,), or a list of (T,) arrays where there is one per step; None when unknown.
        weights: (N,) float32, or None when all count alike.
        groups: one group label per example that must not be split, or None.
        rows: (N,) the row (or sentence) number in the source, from 0.
    """

    inputs: dict[str, list[Any]]
    targets: Any = None
    weights: "np.ndarray | None" = None
    groups: "list[Any] | None" = None
    rows: "np.ndarray" = field(default_factory=lambda: np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def take(self, index: "Sequence[int] | np.ndarray") -> "Examples":
        """The examples at `index`, in its order."""

        def pick(values: Any) -> Any:
            if values is None:
                return None
            return values[index] if isinstance(values, np.ndarray) else [values[i] for i in index]

        index = np.asarray(index, np.int64)
        return replace(
            self,
            inputs={name: pick(values) for name, values in self.inputs.items()},
            targets=pick(self.targets),
            weights=pick(self.weights),
            groups=pick(self.groups),
            rows=pick(self.rows) if len(self.rows) else self.rows,
        )


@dataclass(frozen=True)
class Ragged:
    """Sequences of unequal length, end to end: sequence i is `values[offsets[i]:offsets[i + 1]]`."""

    values: np.ndarray  # (sum of lengths, ...) any dtype
    offsets: np.ndarray  # (N + 1,) int64

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, i: int) -> np.ndarray:
        return self.values[self.offsets[i] : self.offsets[i + 1]]

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)

    def take(self, index: "Sequence[int] | np.ndarray") -> "Ragged":
        """The sequences at `index`, copied end to end."""
        index = np.asarray(index, np.int64)
        lengths = self.lengths[index]
        offsets = np.zeros(len(index) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        # Where each kept value came from: its sequence's old start, plus its place within the sequence.
        source = np.repeat(self.offsets[index] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Ragged(self.values[source], offsets)

    @staticmethod
    def of(sequences: Sequence[np.ndarray], dtype: Any = None) -> "Ragged":
        offsets = np.zeros(len(sequences) + 1, np.int64)
        np.cumsum([len(s) for s in sequences], out=offsets[1:])
        values = np.concatenate(sequences) if len(sequences) else np.zeros(0)
        return Ragged(values.astype(dtype) if dtype else values, offsets)


@dataclass(frozen=True)
class Encoded:
    """Examples as arrays, ready to be batched: one entry a stream of the interface.

    `streams[s]` is a `Ragged` for tokens, characters, channels, bags and pieces, an (N, F) array for features;
    a bag's weights are the stream `s + ".weight"`, and what an encoder made of pieces is `s + "@3"`, a `Stored`.
    Targets are (N,) int64, or a `Ragged` where per step.
    """

    streams: dict[str, Any]
    targets: Any
    weights: "np.ndarray | None"
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def only(self, streams: "Sequence[str]") -> "Encoded":
        """The same examples with those streams and what belongs to them alone: `take` then copies no others.

        That is the weights of bags, and the segments of pieces and what an encoder made of them.
        """
        wanted = {name for stream in streams for name in (stream, f"{stream}.weight", f"{stream}.segments")}
        kept = {n: values for n, values in self.streams.items() if n in wanted or n.split("@")[0] in streams}
        return replace(self, streams=kept)

    def take(self, index: "Sequence[int] | np.ndarray") -> "Encoded":
        """The examples at `index`, in its order."""
        index = np.asarray(index, np.int64)

        def pick(values: Any) -> Any:
            if values is None:
                return None
            return values[index] if isinstance(values, np.ndarray) else values.take(index)

        return Encoded(
            {name: pick(values) for name, values in self.streams.items()},
            pick(self.targets),
            pick(self.weights),
            self.rows[index],
        )


def listed(targets: Any) -> Any:
    """Targets as metrics want them: a list of arrays where there is one per step."""
    return [targets[i] for i in range(len(targets))] if isinstance(targets, Ragged) else targets

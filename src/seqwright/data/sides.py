"""One input or two: the streams of an example's sides, and of both read as one."""

from typing import Any

import numpy as np

from seqwright.arch.interface import SEPARATOR
from seqwright.data.examples import Ragged
from seqwright.data.limits import cut
from seqwright.data.ngrams import NgramBag
from seqwright.data.words import Corpus


def sequences(name: str, encoder: Any, corpora: list[Corpus], kept: int | None) -> dict[str, Ragged]:
    """One stream of steps, each example with at least one; for pairs also joined."""
    sides = [cut(encoder.encode(corpus), kept) for corpus in corpora]
    if len(sides) == 1:
        return {name: sides[0]}
    a, b = sides
    separator = np.zeros((1, *a.values.shape[1:]), a.values.dtype)
    separator.reshape(-1)[0] = SEPARATOR
    between = Ragged(np.repeat(separator, len(a), 0), np.arange(len(a) + 1))
    return {name: joined(a, between, b), name + ".a": a, name + ".b": b}


def pieces(name: str, encoder: Any, corpora: list[Corpus], kept: int) -> dict[str, Ragged]:
    """The pieces of a pretrained encoder, which knows itself how two texts are joined."""
    if len(corpora) == 1:
        return {name: encoder.encode(corpora[0], kept)}
    ids, segments = encoder.encode_pairs(*corpora, encoder.longest(kept, 2))
    sides = {f"{name}.{side}": encoder.encode(corpus, kept) for side, corpus in zip("ab", corpora, strict=True)}
    return {name: ids, f"{name}.segments": segments, **sides}


def bags(name: str, encoder: NgramBag, corpora: list[Corpus]) -> dict[str, Ragged]:
    sides = [encoder.encode(corpus) for corpus in corpora]
    if len(sides) == 1:
        return {name: sides[0][0], name + ".weight": sides[0][1]}
    (a, a_weight), (b, b_weight) = sides
    told = Ragged(b.values + np.int32(encoder.rows - 1), b.offsets)  # the second side's own rows
    streams = {name: joined(a, told), name + ".weight": joined(a_weight, b_weight)}
    for side, (ids, weight) in zip("ab", sides, strict=True):
        streams |= {f"{name}.{side}": ids, f"{name}.{side}.weight": weight}
    return streams


def joined(*parts: Ragged) -> Ragged:
    """Sequence i of every part, one behind the other."""
    sizes = np.stack([part.lengths for part in parts], 1)  # (N, parts)
    starts = np.zeros(sizes.size + 1, np.int64)
    np.cumsum(sizes.reshape(-1), out=starts[1:])
    first = parts[0].values
    values = np.empty((int(starts[-1]), *first.shape[1:]), first.dtype)
    for p, part in enumerate(parts):
        begin = np.repeat(starts[:-1].reshape(sizes.shape)[:, p] - part.offsets[:-1], part.lengths)
        values[begin + np.arange(len(part.values))] = part.values
    return Ragged(values, starts[:: len(parts)])

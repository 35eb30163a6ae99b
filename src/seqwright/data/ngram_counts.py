"""N-gram counts: how often each text has each n-gram, computed once per distinct word and summed per text.

An n-gram is `w:` and one or two neighbouring words, or `c:` and 2 to 5 characters of a word with its bounding spaces.
"""

from collections.abc import Callable, Iterator

import numpy as np

from seqwright.data.words import Corpus

AT_ONCE = 4_000_000  # n-grams counted in one go, so that memory stays within some 200 MB

Counted = Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]


def families(corpus: Corpus, row: Callable[[str], int]) -> Iterator[Counted]:
    """Word n-grams, then character n-grams: each as pieces of (text, row, count), counted once per text."""
    words, place = corpus.lower
    lower = place[corpus.index]
    text = np.repeat(np.arange(len(corpus)), np.diff(corpus.offsets))
    yield _counted_words(words, lower, text, row)
    yield _counted_characters(words, lower, text, row)


def _counted_words(words: list[str], lower: np.ndarray, text: np.ndarray, row: Callable[[str], int]) -> Counted:
    single = np.array([row("w:" + word) for word in words], np.int64)
    beside = np.flatnonzero(text[:-1] == text[1:])
    codes, inverse = np.unique(lower[beside] * len(words) + lower[beside + 1], return_inverse=True)
    pairs = [f"w:{words[code // len(words)]} {words[code % len(words)]}" for code in codes.tolist()]
    double = np.array([row(pair) for pair in pairs], np.int64)
    yield _count(np.concatenate([text, text[beside]]), np.concatenate([single[lower], double[inverse.reshape(-1)]]))


def _counted_characters(words: list[str], lower: np.ndarray, text: np.ndarray, row: Callable[[str], int]) -> Counted:
    known: dict[str, int] = {}
    flat: list[int] = []
    starts = np.zeros(len(words) + 1, np.int64)
    for i, word in enumerate(words):
        for gram in _character_grams(word):
            found = known.get(gram)
            if found is None:
                found = known[gram] = row("c:" + gram)
            flat.append(found)
        starts[i + 1] = len(flat)
    rows, sizes = np.array(flat, np.int64), np.diff(starts)
    # Pieces end where a text ends, so that no text is counted in two.
    behind = np.cumsum(sizes[lower])
    begin = 0
    while begin < len(lower):
        reached = int(np.searchsorted(behind, (behind[begin - 1] if begin else 0) + AT_ONCE, side="right"))
        end = max(int(np.searchsorted(text, text[min(reached, len(text) - 1)])), begin)
        if reached >= len(text):
            end = len(text)
        elif end == begin:  # one text larger than a piece is counted whole
            end = int(np.searchsorted(text, text[begin], side="right"))
        some = lower[begin:end]
        many = sizes[some]
        within = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
        yield _count(np.repeat(text[begin:end], many), rows[np.repeat(starts[some], many) + within])
        begin = end


def _character_grams(word: str) -> list[str]:
    """N-grams of 2 to 5 characters of " word "; one shorter than n counts once, whole."""
    bounded = f" {word} "
    size = len(bounded)
    grams = []
    for n in range(2, 6):
        grams += [bounded[i : i + n] for i in range(size - n + 1)]
        if n >= size:
            break
    return grams


def _count(text: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    span = int(rows.max(initial=0)) + 1
    keys, counts = np.unique(text * span + rows, return_counts=True)
    return keys // span, keys % span, counts

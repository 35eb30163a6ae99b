"""Small generated data sets of every task, as files a user would have."""

import csv
from pathlib import Path
from random import Random

WORDS = "red green blue round square small big old new fast".split()  # noqa: SIM905


def _rows(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="") as opened:
        csv.writer(opened).writerows(rows)
    return path


def text(path: Path, count: int = 120, noise: float = 0.0) -> Path:
    """The class is the key word's."""
    rng = Random(0)
    rows = [["text", "label"]]
    for _ in range(count):
        key = rng.randrange(3)
        label = rng.randrange(3) if rng.random() < noise else key
        rows.append([" ".join([*rng.choices(WORDS, k=rng.randint(2, 8)), f"key{key}"]), f"class{label}"])
    return _rows(path, rows)


def pairs(path: Path, count: int = 120) -> Path:
    """Whether both sides name the same colour."""
    rng = Random(0)
    rows = [["first", "second", "label"]]
    for _ in range(count):
        one = rng.choice(WORDS[:3])
        other = one if rng.random() < 0.5 else rng.choice(WORDS[:3])
        sides = [f"{rng.choice(WORDS[3:])} {colour} {rng.choice(WORDS[3:])}" for colour in (one, other)]
        rows.append([*sides, "same" if one == other else "other"])
    return _rows(path, rows)


def tagging(path: Path, count: int = 80) -> Path:
    """CoNLL: what follows "red" is a THING."""
    rng = Random(0)
    sentences = []
    for _ in range(count):
        words = rng.choices(WORDS, k=rng.randint(2, 7))
        tags = ["THING" if i and words[i - 1] == "red" else "O" for i in range(len(words))]
        sentences.append("\n".join(f"{word}\t{tag}" for word, tag in zip(words, tags, strict=True)))
    path.write_text("\n\n".join(sentences) + "\n")
    return path


def series(path: Path, count: int = 80) -> Path:
    """npz of unequal lengths and two channels; the class is the frequency."""
    import numpy as np

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, count)
    lengths = rng.integers(16, 24, count)
    values = np.zeros((count, 2, 24), np.float32)
    for row, (label, length) in enumerate(zip(labels, lengths, strict=True)):
        values[row, 0, :length] = np.sin((1 + label) * np.arange(length) + rng.random())
        values[row, 1, :length] = rng.normal(size=length)
        values[row, :, length:] = np.nan
    np.savez(path, X=values, y=np.array(["slow", "fast"])[labels])
    return path

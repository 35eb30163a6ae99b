"""A sieve before training: of several candidates the most promising by a score of untrained networks goes on.

`--filter naswot:0.5` lets the better of two through; `--filter naswot:rung` makes the score the lowest rung of ASHA,
from which a third goes on. Either saves training and judges nothing: what goes on is trained and scored as ever.
"""

from dataclasses import dataclass

from seqwright.errors import InputError, did_you_mean
from seqwright.study.record import Fidelity

SCORES = "parameters", "saliency", "jacobian", "naswot", "hidden"  # see `evaluate.training_free`
MOST = 16
UNTRAINED = "untrained "  # how the stage of such a rung begins; the score's name follows


@dataclass(frozen=True)
class Filter:
    """`name` of the score, and of how many candidates the best goes on; 0 where it is a rung."""

    name: str
    of: int

    def rung(self, folds: int) -> Fidelity:
        return Fidelity(0, folds, UNTRAINED + self.name)


def filter_of(text: str) -> "Filter | None":
    """From NAME:SHARE or NAME:rung; None from nothing.

    >>> filter_of("naswot:0.25")
    Filter(name='naswot', of=4)

    Raises:
        InputError: the score is not known, or the share means nothing.
    """
    if not text:
        return None
    name, _, share = text.partition(":")
    if name not in SCORES:
        raise InputError(
            f'--filter "{text}" names no score.{did_you_mean(name, SCORES)} Give one of {", ".join(SCORES)}, and a '
            "share: naswot:0.5."
        )
    if share == "rung":
        return Filter(name, 0)
    try:
        of = round(1 / float(share))
    except (ValueError, ZeroDivisionError, OverflowError):
        of = 0
    if 2 <= of <= MOST:
        return Filter(name, of)
    raise InputError(
        f'--filter "{text}" lets through no share from 1/{MOST} to a half. Give {name}:0.5 for the better of two, '
        f"{name}:0.25 for the best of four, or {name}:rung for a rung of the schedule."
    )

"""A budget: how long a search may take, in seconds or in trials. Written "10m", "1h30m", "90s" or "50trials"."""

import re
from dataclasses import dataclass, replace

from seqwright.errors import BudgetError, did_you_mean

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("trial", "trials"), "trials"),
}
HOW = 'Write a number and its unit: "90s", "10m", "2h", "1h30m", or "50trials".'
PART = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*([a-z]*)")
LONGEST_S = 366 * SECONDS["d"]
MOST_TRIALS = 10_000_000


@dataclass(frozen=True)
class Budget:
    """Seconds or trials, one of the two.

    Args:
        more: to be added to what a study already has ("+10m"), rather than to stand in its place.
    """

    seconds: float | None = None
    trials: int | None = None
    more: bool = False

    @staticmethod
    def parse(text: str) -> "Budget":
        """Read a budget; `"+10m"` is one to add.

        Raises:
            BudgetError: it is empty, zero, negative, without a unit, of an unknown unit, or mixes time with trials.
        """
        given = str(text)
        rest = given.strip().lower()
        if more := rest.startswith("+"):
            rest = rest[1:].strip()
        if not rest:
            raise BudgetError(f'The budget "{given}" is empty. {HOW}')
        if rest.startswith(("-", "−")):
            raise BudgetError(f'The budget "{given}" is negative. {HOW}')
        parts = _parts(given, rest)
        total = sum(amount for amount, _ in parts)
        if total == 0:
            raise BudgetError(f'The budget "{given}" is zero, which leaves no room for a model. {HOW}')
        if any(unit == "trials" for _, unit in parts):
            return Budget(trials=_trials(given, parts), more=more)
        seconds = sum(amount * SECONDS[unit] for amount, unit in parts)
        if seconds > LONGEST_S:
            raise BudgetError(f'The budget "{given}" is more than a year. {HOW}')
        return Budget(seconds=seconds, more=more)

    def plus(self, other: "Budget") -> "Budget":
        """This budget with another added ("+10m") or put in its place ("10m").

        Raises:
            BudgetError: time would be added to trials, or trials to time.
        """
        if not other.more:
            return other
        if (self.seconds is None) != (other.seconds is None):
            instead = 'time, for instance "+10m"' if self.trials is None else 'trials, for instance "+20trials"'
            raise BudgetError(
                f'"{other}" cannot be added to a budget of {self}: the one counts time, the other trials. '
                f"Add {instead}."
            )
        if self.seconds is not None:
            return replace(self, seconds=self.seconds + (other.seconds or 0.0))
        return replace(self, trials=(self.trials or 0) + (other.trials or 0))

    def __str__(self) -> str:
        sign = "+" if self.more else ""
        if self.seconds is None:
            return f"{sign}{self.trials} trial{'' if self.trials == 1 else 's'}"
        whole, text = self.seconds, ""
        for unit in ("d", "h", "m"):
            count, whole = divmod(whole, SECONDS[unit])
            text += f"{count:.0f}{unit}" if count else ""
        return sign + text + (f"{whole:g}s" if whole or not text else "")


def _parts(given: str, rest: str) -> list[tuple[float, str]]:
    """(amount, unit) for every part of "1h30m"."""
    parts: list[tuple[float, str]] = []
    while rest:
        if (found := PART.match(rest)) is None:
            raise BudgetError(f'The budget "{given}" is not a number and a unit. {HOW}')
        number, word = found.groups()
        if not word:
            raise BudgetError(
                f'The budget "{given}" does not say of what. Write "{number}m" for minutes, "{number}s" for seconds, '
                f'"{number}h" for hours, or "{number}trials".'
            )
        if word not in UNITS:
            raise BudgetError(f'The budget "{given}" has an unknown unit "{word}".{did_you_mean(word, UNITS)} {HOW}')
        parts.append((float(number), UNITS[word]))
        rest = rest[found.end() :].strip()
    return parts


def _trials(given: str, parts: list[tuple[float, str]]) -> int:
    if len(parts) > 1:
        raise BudgetError(f'The budget "{given}" has two parts; trials stand alone. {HOW}')
    amount = parts[0][0]
    if amount != int(amount):
        raise BudgetError(
            f'The budget "{given}" asks for a part of a trial. Give a whole number: "{amount:.0f}trials".'
        )
    if amount > MOST_TRIALS:
        raise BudgetError(f'The budget "{given}" is more than {MOST_TRIALS:,} trials. {HOW}')
    return int(amount)

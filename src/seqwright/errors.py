"""Every error that Seqwright raises on purpose.

::

    SeqwrightError            exit code 1: a fair request could not be met
    ├── InputError            exit code 2: what the user gave is wrong (file, column, flag, value)
    │   ├── DataError         ... in a data file
    │   ├── SpaceError        ... in a space, an architecture or an answer
    │   └── BudgetError       ... in a budget
    ├── BundleError           a bundle is damaged, foreign, or of another schema version
    └── StudyError            a run folder is in use, of another make, or cannot be written

A message says what was given, where, what is allowed, and what to do.
"""

import difflib
from collections.abc import Iterable

NO_TRANSFORMERS = 'A pretrained encoder needs transformers: pip install "seqwright[pretrained]".'


class SeqwrightError(Exception):
    """Base of all errors raised on purpose; its text is meant for the user."""

    exit_code = 1


class InputError(SeqwrightError, ValueError):
    """What the user gave is wrong."""

    exit_code = 2


class DataError(InputError):
    """A data file or frame cannot be used as given."""


class SpaceError(InputError):
    """A space, an architecture or an answer is not what the algebra allows."""


class BudgetError(InputError):
    """A budget that means nothing, or that cannot hold the work."""


class BundleError(SeqwrightError):
    """A delivered bundle is damaged, foreign, or of another schema version."""


class StudyError(SeqwrightError):
    """A run folder is in use, was made otherwise, or cannot be written."""


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """A suggestion with a leading space, or nothing: ``' Did you mean "label"?'``."""
    folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(given.casefold(), folded, n=1)
    return f' Did you mean "{folded[close[0]]}"?' if close else ""

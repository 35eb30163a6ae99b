"""The Strategy protocol: ask and tell. A strategy sees architectures and scores, never networks."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from seqwright.study.record import Proposal, Trial


@runtime_checkable
class Strategy(Protocol):
    """One object per search, deterministic in (space, seed, told trials): resume is a replay.

    Randomness for the k-th proposal comes from `(seed, k)`, never from a global generator.
    """

    def ask(self, n: int) -> list[Proposal]:
        """At most `n` new proposals. Fewer when it must wait for news; none, with nothing running, when exhausted."""
        ...

    def tell(self, trials: Sequence[Trial]) -> None:
        """News, in the order of the proposals' numbers. Failed trials are told too."""
        ...

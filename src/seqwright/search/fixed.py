"""A strategy that proposes a given list, in order: refits, replays, comparisons."""

from collections.abc import Sequence

from seqwright.study.record import Proposal, Trial


class Fixed:
    """Proposes `proposals`, each once."""

    def __init__(self, proposals: Sequence[Proposal]):
        self.left = list(proposals)

    def ask(self, n: int) -> list[Proposal]:
        asked, self.left = self.left[:n], self.left[n:]
        return asked

    def tell(self, trials: Sequence[Trial]) -> None:
        pass

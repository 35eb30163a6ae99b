"""Which contender is better than which, and how sure that is: mean ranks, Friedman's test, Nemenyi's distance.

Demsar 2006 (jmlr.org/papers/v7/demsar06a): contenders are ranked on every block, and two are told apart when their mean
ranks differ by more than a critical distance. Ours differs in what a block is: one seed on one problem, where the paper
has one data set, so what is proved is proved of these problems. The test is that of Iman & Davenport 1980.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.05
DRAWS = 2000


@dataclass(frozen=True)
class Ranking:
    """Contenders by their mean rank, the best first.

    Args:
        names, ranks: (K,) each; 1 is the best rank.
        p: of Friedman's test, that all are the same.
        distance: ranks that differ by less are not told apart, at 5 %.
        blocks: on how many each was ranked.
    """

    names: tuple[str, ...]
    ranks: tuple[float, ...]
    p: float
    distance: float
    blocks: int

    def alike(self) -> list[tuple[int, int]]:
        """(first, last) places of each longest run of contenders that are not told apart, two or more in each.

        Those are all of them where Friedman's test tells nothing apart.
        """
        if self.p >= LEVEL:
            return [(0, len(self.names) - 1)]
        runs: list[tuple[int, int]] = []
        for first, rank in enumerate(self.ranks):
            last = max(place for place, other in enumerate(self.ranks) if other - rank < self.distance)
            if last > first and (not runs or last > runs[-1][1]):
                runs.append((first, last))
        return runs

    def said(self) -> str:
        """In a sentence or two."""
        if self.blocks < 2:
            return "One seed on one problem tells nothing apart: give --seeds 10."
        head = f"Friedman: p = {self.p:.2g} over {self.blocks} blocks (a seed on a problem is one). "
        if self.p >= LEVEL:
            return head + "The contenders are not told apart."
        return head + f"Mean ranks that differ by less than {self.distance:.2f} are not told apart (Nemenyi, 5 %)."


def ranking(names: Sequence[str], scores: np.ndarray) -> Ranking:
    """Rank contenders by (N, K) scores, N blocks of K contenders; higher is better, ties share their ranks."""
    from scipy.stats import chi2, f, rankdata, studentized_range

    blocks, count = scores.shape
    ranks = rankdata(-scores, axis=1)
    means = ranks.mean(0)
    spread = float(((ranks - (count + 1) / 2) ** 2).sum())
    p = 1.0
    if spread > 0:  # Friedman's statistic with ties (Conover), then Iman and Davenport's F of it
        chi = (count - 1) * float(((blocks * (means - (count + 1) / 2)) ** 2).sum()) / spread
        rest = blocks * (count - 1) - chi
        p = float(chi2.sf(chi, count - 1))  # where all blocks agree
        if rest > 1e-9:
            p = float(f.sf((blocks - 1) * chi / rest, count - 1, (count - 1) * (blocks - 1)))
    q = float(studentized_range.ppf(1 - LEVEL, count, np.inf)) / 2**0.5
    distance = q * (count * (count + 1) / (6 * blocks)) ** 0.5
    order = sorted(range(count), key=lambda place: means[place])
    by_rank = tuple(names[place] for place in order)
    return Ranking(by_rank, tuple(float(means[place]) for place in order), p, distance, blocks)


def interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % intervals of the mean over seeds, by bootstrap: (S, G) -> low and high, (G,) each; both it of one seed.

    Percentiles of so few are too narrow, so they are moved outwards as Student's t is wider than the normal (the
    expanded percentile interval: Hesterberg 2015, arXiv:1411.5279).
    """
    from scipy.stats import norm, t

    if (seeds := len(values)) == 1:
        return values[0], values[0]
    rng = np.random.default_rng(0)
    draws = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=DRAWS) / seeds  # (draws, S)
    tail = 100 * float(norm.cdf(t.ppf(LEVEL / 2, seeds - 1) * (seeds / (seeds - 1)) ** 0.5))
    low, high = np.percentile(draws @ values, (tail, 100 - tail), axis=0)
    return low, high

"""Every strategy that can be named keeps the contract under every schedule that goes around it."""

import pytest

from seqwright.arch.spaces import named
from seqwright.deliver.strategies import SCHEDULES, STRATEGIES, strategy_named
from seqwright.search.halving import ladder
from seqwright.testing import check_strategy

TINY, RUNGS = named("tiny"), ladder(9)
SAME = ("darts-2nd", "pc-darts", "fair-darts", "r-darts", "darts-pt", "enas")  # but for what they train: darts, spos
PAIRS = [
    (strategy, schedule)
    for strategy, known in STRATEGIES.items()
    for schedule in ([known.schedule] if known.only or strategy in SAME else SCHEDULES)
]
DEAR = ("gp", "gp-hyperband", "controller", "reinforce", "enas")  # what they learn is tested by themselves


@pytest.mark.parametrize(("strategy", "schedule"), PAIRS, ids=map("+".join, PAIRS))
def test_it_keeps_the_contract(strategy: str, schedule: str) -> None:
    check_strategy(
        lambda: strategy_named(strategy, schedule, TINY, RUNGS, 40, seed=1), TINY, 8 if strategy in DEAR else 14
    )

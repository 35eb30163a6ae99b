"""Filters before training: how they are named, and what a strategy hears of them."""

import pytest

from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import named
from seqwright.deliver.options import Options
from seqwright.errors import InputError
from seqwright.search.evolution import Evolution
from seqwright.search.halving import Asha
from seqwright.search.sieve import UNTRAINED, Filter, filter_of
from seqwright.study.record import Fidelity, Trial
from seqwright.testing.strategy import Game, score

TINY = named("tiny")


def test_names_and_shares() -> None:
    assert filter_of("") is None
    assert filter_of("naswot:0.5") == Filter("naswot", 2)
    assert filter_of("hidden:.1") == Filter("hidden", 10)
    assert filter_of("jacobian:rung") == Filter("jacobian", 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("naswt:0.5", r'names no score\. Did you mean "naswot"\? Give one of parameters, saliency'),
        ("naswot", r'--filter "naswot" lets through no share .* Give naswot:0.5 for the better of two'),
        ("naswot:0.9", "from 1/16 to a half"),
        ("naswot:0", "from 1/16 to a half"),
        ("naswot:much", "from 1/16 to a half"),
    ],
)
def test_mistakes(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        filter_of(text)
    with pytest.raises(InputError, match=said):
        Options(filter=text)


def test_a_rung_is_one_of_asha() -> None:
    Options(filter="naswot:rung")
    Options(filter="naswot:0.5", schedule="hyperband")
    with pytest.raises(InputError, match="a rung of --schedule asha, and this is hyperband"):
        Options(filter="naswot:rung", strategy="bohb")


def test_an_untrained_rung_orders_and_is_not_heard_of() -> None:
    members = portfolio("text")
    rungs = (Filter("naswot", 0).rung(1), Fidelity(1), Fidelity(3))
    strategy = Evolution(TINY, population=8, begin=4, portfolio=members[:2])
    around = Asha(strategy, rungs)

    def judge(proposal: object) -> Trial:
        stage = proposal.fidelity.stage  # type: ignore[attr-defined]
        value = score(proposal.candidate)  # type: ignore[attr-defined]
        return Trial(proposal, 1000 * value if stage.startswith(UNTRAINED) else value)  # type: ignore[arg-type]

    told = Game(around, judge).play(45).told  # type: ignore[arg-type]
    assert [t.proposal.fidelity for t in told[:2]] == [Fidelity(1)] * 2  # the portfolio is trained
    stages = {t.proposal.fidelity for t in told}
    assert stages == set(rungs)
    assert all(0 <= member.score < 1 for member in strategy.members.values())
    promoted = [t for t in told if t.proposal.fidelity == Fidelity(1) and t.proposal.start == "checkpoint"]
    assert promoted and "promoted from what an untrained network scores to 1 examples" in promoted[0].proposal.why
    untrained = [t for t in told if t.proposal.fidelity == rungs[0]]
    assert len(promoted) < len(untrained) / 2  # a third of those at any time
    assert min(t.score for t in promoted) > sum(t.score for t in untrained) / len(untrained) / 1000

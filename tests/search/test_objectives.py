"""Costs as the user names them: objectives, limits with units, and every mistake at once."""

from dataclasses import replace

import pytest

from seqwright.deliver.options import Options
from seqwright.errors import InputError
from seqwright.search.objectives import (
    COSTS,
    Objective,
    beyond,
    is_beyond,
    limits_of,
    lowered,
    none_obeys,
    objectives_of,
)
from seqwright.study.record import Fidelity, Proposal, Trial


def test_what_is_lowered_comes_first_in_the_order_given() -> None:
    found = objectives_of(["latency_ms", "simplicity"], ["parameters=2M", "latency_ms=5"])
    assert found == (
        Objective("latency_ms", "min", 5.0),
        Objective("simplicity", "min", None),
        Objective("parameters", "keep", 2e6),
    )
    assert lowered(found) == ("latency_ms", "simplicity")
    assert limits_of(found) == {"latency_ms": 5.0, "parameters": 2e6}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("parameters=300k", 3e5),
        ("parameters = 1.5 M", 1.5e6),
        ("flops=2e9", 2e9),
        ("flops=1e-3G", 1e6),
        ("file_mib=1.5MiB", 1.5),
        ("peak_mib=512 KiB", 0.5),
        ("file_mib=1GiB", 1024.0),
        ("latency_ms=2s", 2000.0),
        ("latency_ms=500us", 0.5),
        ("joules=3mJ", 0.003),
        ("simplicity=8", 8.0),
    ],
)
def test_amounts(text: str, value: float) -> None:
    (found,) = objectives_of([], [text])
    assert found.limit == pytest.approx(value)


def test_all_mistakes_at_once() -> None:
    with pytest.raises(InputError) as caught:
        objectives_of(
            ["latency", "flops", "flops"],
            ["parameters=2X", "params=3", "latency_ms", "joules=0", "file_mib=1MiB", "file_mib=2", "flops=5ms"],
        )
    assert str(caught.value).splitlines() == [
        '--limit parameters="2X" is no amount. Give a number above 0, which may end in k, M, G, T: parameters=2k.',
        f'--limit "params" is not known. Did you mean "parameters"? Give one of: {", ".join(COSTS)}.',
        '--limit "latency_ms" is not NAME=VALUE. Give for instance parameters=2M.',
        '--limit joules="0" is no amount. Give a number above 0, which may end in J, mJ: joules=2J.',
        "--limit file_mib is given twice. Give it once.",
        '--limit flops="5ms" is no amount. Give a number above 0, which may end in k, M, G, T: flops=2k.',
        f'--objective "latency" is not known. Did you mean "latency_ms"? Give one of: {", ".join(COSTS)}.',
        "--objective flops is given twice. Give it once.",
    ]


def test_beyond_says_which_limit_and_by_how_much() -> None:
    limits = {"parameters": 1000.0, "latency_ms": 2.0}
    assert beyond({"parameters": 1000.0, "latency_ms": 2.0}, limits) == ""
    assert beyond({"latency_ms": 1.0}, limits) == ""
    error = beyond({"parameters": 2500.0, "latency_ms": 2.5}, limits)
    assert error == "beyond the limit: parameters 2,500 > 1,000, latency_ms 2.5 > 2"
    trial = Trial(Proposal(None), -1.0, error=error)  # type: ignore[arg-type]
    assert is_beyond(trial) and not is_beyond(replace(trial, error="killed by signal 9"))


def test_schedules_that_know_no_front_are_refused() -> None:
    assert Options(objective=("flops",)).searcher == "nsga2"
    assert Options(objective=("flops",), strategy="random").searcher == "random"
    assert Options(limit=("flops=2G",), schedule="hurdles").objectives == (Objective("flops", "keep", 2e9),)
    with pytest.raises(InputError, match="--schedule hurdles goes by the score alone, so it knows no --objective"):
        Options(objective=("flops",), schedule="hurdles")


def test_a_supernet_need_not_obey_and_does_not_hide_that_no_network_did() -> None:
    proposal = Proposal(None)  # type: ignore[arg-type]
    supernet = Trial(proposal.at(Fidelity(9, stage="supernet")), 0.5)
    dear = Trial(proposal, -1.0, error=beyond({"flops": 2.0}, {"flops": 1.0}))
    assert none_obeys([supernet, dear]) and none_obeys([dear, Trial(proposal, -1.0, error="killed")])
    assert not none_obeys([supernet]) and not none_obeys([dear, Trial(proposal, 0.1)])

"""Which model is delivered where its cost is minded."""

import math

import pytest

from seqwright.deliver.frugal import obeying, together


def test_the_first_that_obeys_is_taken() -> None:
    costs = {"ensemble": {"flops": 9.0}, "best": {"flops": 4.0}, "small": {"flops": 1.0}}
    assert obeying(costs, costs.__getitem__, {"flops": 10.0}) == ("ensemble", {"flops": 9.0}, "")
    assert obeying(costs, costs.__getitem__, {"flops": 5.0}) == ("best", {"flops": 4.0}, "")
    assert obeying(costs, costs.__getitem__, {}) == ("ensemble", {"flops": 9.0}, "")


def test_where_none_obeys_the_nearest_is_and_says_so() -> None:
    costs = {"a": {"flops": 9.0, "file_mib": 1.0}, "b": {"flops": 1.0, "file_mib": 3.0}}
    chosen, _, broken = obeying(costs, costs.__getitem__, {"flops": 2.0, "file_mib": 0.9})
    assert chosen == "b" and broken == "file_mib 3 > 0.9"


def test_half_of_one_cost_is_worth_a_doubling_of_another() -> None:
    names = ["flops", "latency_ms"]
    same = together({"flops": 8, "latency_ms": 1}, names)
    assert same == pytest.approx(together({"flops": 4, "latency_ms": 2}, names))
    assert together({"flops": 8}, names) == math.inf

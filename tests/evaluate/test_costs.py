"""Costs by name: counted once, measured once and kept."""

import json
from pathlib import Path

import pytest

from seqwright.arch.portfolio import portfolio
from seqwright.arch.simplicity import simplicity
from seqwright.evaluate.costs import costs, counted, counter, measured
from seqwright.faces.subject import usual
from seqwright.nn.cost import cost

MEMBERS = {name: candidate.architecture for name, candidate in portfolio("text")}
CNN, BAG = MEMBERS["text CNN"], MEMBERS["n-gram bag, linear"]


def test_counted_are_those_that_were_asked_for() -> None:
    interface = usual(CNN)
    found = counted(CNN, interface, ["flops", "simplicity", "latency_ms"])
    assert found == {"flops": cost(CNN, interface)["flops"], "simplicity": simplicity(CNN)}
    (candidate,) = [c for name, c in portfolio("text") if name == "text CNN"]
    count = counter(interface)
    assert count(candidate, ("parameters",)) == {"parameters": cost(CNN, interface)["parameters"]}
    assert count(candidate, ("parameters", "flops")) == cost(CNN, interface)
    assert count(candidate, ("peak_mib", "file_mib"))["peak_mib"] > count(candidate, ("file_mib",))["file_mib"]


def test_a_measurement_is_made_once_a_run(tmp_path: Path) -> None:
    interface = usual(BAG)
    first = costs(BAG, interface, ["latency_ms", "parameters"], tmp_path)
    assert 0 < first["latency_ms"] < 1000 and first["parameters"] > 0
    again = costs(BAG, interface, ["latency_ms", "parameters"], tmp_path)
    assert again == first  # two measurements would differ
    (kept,) = tmp_path.iterdir()
    assert json.loads(kept.read_text()) == {"latency_ms": first["latency_ms"]}
    more = costs(BAG, interface, ["latency_ms", "batch_latency_ms"], tmp_path)
    assert more["latency_ms"] == first["latency_ms"] and more["batch_latency_ms"] > 0
    assert costs(BAG, interface, [], tmp_path / "none") == {} and not (tmp_path / "none").exists()


def test_a_larger_network_takes_longer() -> None:
    small, large = (measured(a, usual(a), ["latency_ms"])["latency_ms"] for a in (BAG, CNN))
    assert large > 2 * small


@pytest.mark.parametrize("simple", ["n-gram bag, linear", "text CNN"])
def test_simplicity_counts_layers_and_their_kinds(simple: str) -> None:
    assert simplicity(MEMBERS[simple]) < simplicity(MEMBERS["small Transformer"])

"""The failure tests of gradient search: their spaces, their task, and that what is done is not done again."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import zela
from seqwright.arch.mixing import mixture, mixtures
from seqwright.data.examples import Encoded
from seqwright.nn import build
from seqwright.space.census import size


def test_the_spaces_hold_what_they_say() -> None:
    each = (2 * 2) * (3 * 3)  # the states that two nodes may read
    assert {name: size(zela.space(name)) for name in ("S1", "S2", "S3", "S4")} == {
        "S1": (each * 2**4) ** 2,
        "S2": (each * 2**4) ** 2,
        "S3": (each * 3**4) ** 2,
        "S4": (each * 2**4) ** 2,
    }
    first = next(mixtures(mixture(zela.space("S1"))))
    assert [next(iter(first.operations(i).values())) for i in range(zela.NODES)] == list(zela.PAIRS)


def pointed_at(rows: Encoded) -> list[int]:
    """Of each row the value as many steps behind its marker as the marker's kind tells."""
    found = []
    for i in range(len(rows)):
        words = rows.streams["words"][i]
        (place,) = np.flatnonzero(words >= 3 + zela.VALUES)
        found.append(int(words[place + zela.STEPS[words[place] - 3 - zela.VALUES]]) - 3)
    return found


def test_the_class_is_what_the_marker_points_at_and_a_fifth_of_what_is_searched_by_is_wrong() -> None:
    learned, *right = (zela.drawn(0, part) for part in range(4))
    assert all(pointed_at(part) == part.targets.tolist() for part in right)
    assert 0.8 < np.mean(np.array(pointed_at(learned)) == learned.targets) < 0.9  # a quarter of that fifth are right


def test_skips_alone_see_no_value_and_its_marker_together() -> None:
    """What reads a step reaches its neighbour: a reduction maps two at a time."""
    torch.manual_seed(0)
    words = torch.full((1, zela.LENGTH), 3)
    reached = {}
    for operation in ("identity", "sep3"):
        network = build(zela.only(operation), zela.INTERFACE).eval()
        seen: list[torch.Tensor] = []
        network.readout.register_forward_pre_hook(lambda _, given, seen=seen: seen.append(given[0]))
        for place in range(zela.LENGTH):
            changed = words.clone()
            changed[0, place] = 4
            network({"words": changed, "words.mask": torch.ones_like(words, dtype=torch.bool)})
        network({"words": words, "words.mask": torch.ones_like(words, dtype=torch.bool)})
        moved = torch.stack([(x - seen[-1]).abs().sum(-1)[0] > 1e-6 for x in seen[:-1]])  # place, step
        spans = [step.nonzero().max() - step.nonzero().min() for step in moved.T if step.any()]
        reached[operation] = int(max(spans))
    assert reached["identity"] < min(zela.STEPS) <= max(zela.STEPS) <= reached["sep3"]


def test_what_is_done_is_not_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--spaces", "S2", "--methods", "darts", "--seeds", "1", "--random", "1", "--examples", "192", "--out"]
    for _ in range(2):
        assert zela.main([*given, str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.count("S2, darts, seed 0") == 1 and out.count("What is derived, trained alone") == 2
    rows = [json.loads(line) for line in (tmp_path / zela.RESULTS).read_text().splitlines()]
    assert [row["method"] for row in rows] == ["only sep3", "only identity", "random cells 0", "darts"]
    assert [row["empty"] for row in rows[:2]] == [0, 1]
    assert all(0 <= row["test"] <= 1 and 0 <= row["empty"] <= 1 for row in rows)

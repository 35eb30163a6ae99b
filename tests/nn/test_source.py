import ast
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from networks import INTERFACES, drawn
from torch import nn

from seqwright.arch.blocks import Attention, Conv, FeedForward, GatedFeedForward, Lstm, MinGru, Parallel, Skip
from seqwright.arch.candidate import Candidate
from seqwright.arch.network import Body, Cls, Last, Layer, Mean, Mlp, Network, PerStep, Words
from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import named
from seqwright.errors import SpaceError
from seqwright.nn import build
from seqwright.nn.source import as_torch
from seqwright.space.moves import sample


def check(architecture: Any, name: str, seed: int = 0) -> str:
    """The written network computes what the built one does, with the same weights, in both modes."""
    text = as_torch(architecture, INTERFACES[name])
    module = sys.modules["stand_alone"] = type(sys)("stand_alone")  # dataclasses look their module up
    exec(compile(text, "stand_alone.py", "exec"), module.__dict__)
    torch.manual_seed(seed)
    ours, theirs = build(architecture, INTERFACES[name]), module.Model()
    assert list(theirs.state_dict()) == list(ours.state_dict())
    theirs.load_state_dict(ours.state_dict())
    batch = drawn(INTERFACES[name], seed)
    torch.testing.assert_close(theirs.train()(batch), ours.train()(batch), rtol=0, atol=0)
    torch.testing.assert_close(theirs.eval()(batch), ours.eval()(batch), rtol=0, atol=0)
    return text


@pytest.mark.parametrize("name", list(INTERFACES))
def test_random_members_of_every_space(name: str) -> None:
    rng = Random(0)
    for seed in range(10):
        check(sample(named(name), rng).architecture, name, seed)


@pytest.mark.parametrize("name", ["text", "pairs", "tagging", "series"])
def test_every_member_of_every_portfolio(name: str) -> None:
    for _, candidate in portfolio(name):
        check(candidate.architecture, name)


EVERY_PART = [
    Network(Words(), Body((Layer(mixer, channel),), 32, norm, statistics), readout, Mlp(layers))
    for mixer, channel, norm, statistics, readout, layers in [
        (Parallel((Lstm(8), Parallel((Conv(), Skip())))), GatedFeedForward(), "post", "batch", Last(), 2),
        (Attention(1, 8, "learned"), FeedForward(), "none", "layer", Cls(), 1),
        (MinGru(8, True), Skip(), "pre", "batch", Cls(), 0),
        (Skip(), Skip(), "pre", "layer", Mean(), 0),
    ]
]


@pytest.mark.parametrize("architecture", EVERY_PART, ids=lambda a: type(a.body.layers[0].mixer).__name__)
def test_nested_and_unusual_parts(architecture: Network) -> None:
    check(architecture, "text")


def test_only_what_is_used_and_only_torch() -> None:
    architecture = EVERY_PART[2]
    text = check(architecture, "text")
    tree = ast.parse(text)
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    assert imported <= {"torch", "torch.nn.functional", "math", "dataclasses", "typing"}
    assert "seqwright" not in text.lower()
    classes = {n.name for n in tree.body if isinstance(n, ast.ClassDef)}
    assert {"MinGruModule", "MaskedBatchNorm", "ClsReadout", "Model"} <= classes
    assert not {"AttentionModule", "ConvModule", "RecurrentModule", "LayerNorm", "FeedForwardModule"} & classes
    assert all(text.count(f"class {name}") == 1 for name in classes)


def test_a_candidate_is_written_as_its_architecture() -> None:
    architecture = EVERY_PART[1]
    assert as_torch(Candidate(architecture), INTERFACES["text"]) == as_torch(architecture, INTERFACES["text"])


def test_dropout_drops_in_training_only() -> None:
    scope: dict[str, Any] = {"__name__": "stand_alone"}
    sys.modules["stand_alone"] = type(sys)("stand_alone")
    exec(as_torch(EVERY_PART[2], INTERFACES["text"]), scope)
    model: nn.Module = scope["Model"](dropout=0.5)
    batch = drawn(INTERFACES["text"])
    assert not torch.equal(model.train()(batch), model(batch))
    assert torch.equal(model.eval()(batch), model(batch))


@pytest.mark.parametrize("name", ["pairs", "series"])
def test_the_file_runs_by_itself(name: str, tmp_path: Path) -> None:
    file = tmp_path / "network.py"
    file.write_text(as_torch(portfolio(name)[0][1], INTERFACES[name]), encoding="utf-8")
    done = subprocess.run([sys.executable, "-I", str(file)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("tensor(")


def test_lines_are_short_and_clean() -> None:
    for name in ("text", "pairs", "tagging", "series"):
        for _, candidate in portfolio(name):
            lines = as_torch(candidate, INTERFACES[name]).split("\n")
            assert max(map(len, lines)) <= 120
            assert not any(line != line.rstrip() for line in lines)


def test_an_unsuitable_architecture_is_refused() -> None:
    with pytest.raises(SpaceError, match="readout"):
        as_torch(Network(Words(), Body(()), PerStep()), INTERFACES["text"])

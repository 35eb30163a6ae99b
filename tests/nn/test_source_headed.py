"""Heads written as stand-alone files compute what the built ones do, from the same weights."""

import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from networks import TEXT, T, drawn

from seqwright.arch.encoders import ClsToken, Frozen, HeadedEncoder, Lora, Pretrained, Tuned
from seqwright.arch.interface import Interface, Stream
from seqwright.arch.network import Network
from seqwright.arch.published import ALL_TASKS, LINEAR
from seqwright.arch.spaces import named
from seqwright.errors import SpaceError
from seqwright.faces.subject import subject, viewed
from seqwright.nn import build
from seqwright.nn.encoders import quiet
from seqwright.nn.source import as_torch
from seqwright.nn.trained import trained
from seqwright.space.moves import sample
from seqwright.testing.encoder import DEPTH, WIDTH, tiny_encoder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: Any) -> dict[str, Path]:
    return {f: tiny_encoder(tmp_path_factory.mktemp(f), f) for f in ("bert", "gpt2", "albert")}


def interface(folder: Path, sides: int = 2) -> Interface:
    pieces = Stream("pieces", 60, T, source=str(folder), digest="0123456789ab", depth=DEPTH, width=WIDTH)
    return Interface((*TEXT, ("pretrained", pieces)), classes=4, sides=sides)


def check(architecture: Any, given: Interface) -> str:
    text = as_torch(architecture, given)
    lines = [line for line in text.split("\n") if not line.startswith("ENCODER")]
    assert max(map(len, lines)) <= 120
    assert "seqwright" not in text.replace(given.stream("pretrained").source, "").lower()
    module = sys.modules["stand_alone"] = type(sys)("stand_alone")
    exec(compile(text, "stand_alone.py", "exec"), module.__dict__)
    ours = build(architecture, given).eval()
    ours.stem.thaw()
    with torch.no_grad():
        for parameter in ours.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.02)
    with quiet():
        theirs = module.Model().eval()
    unknown = theirs.load_state_dict(trained(ours), strict=False).unexpected_keys
    assert not unknown, unknown
    batch = drawn(given)
    with torch.no_grad():
        torch.testing.assert_close(theirs(batch), ours(batch), rtol=1e-4, atol=1e-4)
    return text


@pytest.mark.parametrize("name", ["bert-head", "bert-head-plus", "pairs-encoder"])
def test_random_members(name: str, folders: dict[str, Path]) -> None:
    given = interface(folders["bert"])
    drawn = (sample(named(name), Random(seed)).architecture for seed in range(100))
    for architecture in [a for a in drawn if not isinstance(a, Network)][:4]:
        check(architecture, given)


@pytest.mark.parametrize("tuning", [Frozen(), Tuned(share=0.5), Lora(4)], ids=repr)
def test_a_causal_encoder_with_a_last_norm(tuning: Any, folders: dict[str, Path]) -> None:
    check(HeadedEncoder(Pretrained(layers=2, tuning=tuning), readout=ClsToken()), interface(folders["gpt2"], 1))


def test_layers_that_share_their_weights_are_written_frozen_only(folders: dict[str, Path]) -> None:
    given = interface(folders["albert"], 1)
    check(HeadedEncoder(), given)
    with pytest.raises(SpaceError, match="ALBERT share their weights"):
        as_torch(replace(HeadedEncoder(), stem=Pretrained(tuning=Tuned())), given)


def test_only_what_is_used_and_without_any_data() -> None:
    text = viewed(subject("bert-head/linear on [CLS]"), "torch")
    assert "class FirstReadout" in text and "ConvStage" not in text and "Context" not in text
    assert 'ENCODER = "path/to/the/encoder"' in text
    assert "class AttentionStageModule" in as_torch(ALL_TASKS, interface_without_data())
    assert as_torch(LINEAR, interface_without_data()) == as_torch(LINEAR.architecture, interface_without_data())


def interface_without_data() -> Interface:
    return Interface((("pretrained", Stream("pieces", 30_522, 128, depth=6, width=384)),), 2)

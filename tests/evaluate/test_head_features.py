"""Features of pooled heads are what the network itself would pool, kept or not."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.evaluate.test_features import encoded, interface

from seqwright.arch.encoders import AttentionStage, ClsToken, HeadedEncoder, Pretrained, Tuned
from seqwright.arch.network import AttentionPool, Last, Max, Mean
from seqwright.data.activations import Activations
from seqwright.data.batch import collate
from seqwright.evaluate.features import attach
from seqwright.evaluate.head_features import head_features
from seqwright.nn.build import build
from seqwright.testing.encoder import tiny_encoder


@pytest.mark.parametrize("readout", [Mean(), Max(), Last(), ClsToken()])
@pytest.mark.parametrize("pairing", ["joined", "compared"])
@pytest.mark.parametrize("family", ["bert", "xlnet", "gpt2"])
def test_they_are_what_the_network_pools(tmp_path: Path, family: str, pairing, readout):
    sides, data = interface(tiny_encoder(tmp_path / "encoder", family)), encoded(30)
    spec = HeadedEncoder(stem=Pretrained(layers=2), readout=readout, pairing=pairing)
    network = build(spec, sides).eval()
    batch = {name: torch.from_numpy(a) for name, a in collate(data, np.arange(30), spec.streams).items()}
    with torch.no_grad():
        expected = network.pool(batch).numpy()
    whole = attach(data, sides, spec.streams, [3, 4], Activations(tmp_path / "cache"), precision="float32")
    part = attach(data, sides, spec.streams, [4], Activations(tmp_path / "cache"), precision="float32")
    for given in (whole, part, data):
        found = head_features(spec, given, sides, precision="float32")
        assert found.shape == expected.shape and found.dtype == np.float32
        assert np.abs(found - expected).max() <= 2**-6 * np.abs(expected).max()
    with torch.no_grad():  # the network reads the same kept states: no rounding in between
        batch = {name: torch.from_numpy(a) for name, a in collate(whole, np.arange(30), spec.streams).items()}
        assert np.abs(head_features(spec, whole, sides) - network.pool(batch).numpy()).max() < 1e-4


def test_heads_that_learn_before_the_dense_stack_have_none(tmp_path: Path):
    sides, data = interface(tiny_encoder(tmp_path)), encoded(4)
    tuned = Pretrained(tuning=Tuned())
    for spec in (
        HeadedEncoder(stem=tuned),
        HeadedEncoder(readout=AttentionPool()),
        HeadedEncoder(attention=AttentionStage()),
    ):
        with pytest.raises(ValueError, match="no fixed features"):
            head_features(spec, data, sides)

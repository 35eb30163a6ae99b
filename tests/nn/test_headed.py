"""Whole networks of an encoder and a head, on tiny encoders: padding, caches, pooling, pairs, random members."""

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from networks import TEXT, drawn
from torch import Tensor

from seqwright.arch.binding import with_tuning
from seqwright.arch.encoders import (
    AttentionStage,
    ClsToken,
    ConvStage,
    Dense,
    Frozen,
    HeadedEncoder,
    Lora,
    Pretrained,
    RecurrentStage,
    Tuned,
)
from seqwright.arch.interface import Interface, Stream
from seqwright.arch.network import AttentionPool, Cls, Last, Max, Mean, Network
from seqwright.arch.portfolio import portfolio
from seqwright.arch.published import PUBLISHED
from seqwright.arch.spaces import named
from seqwright.errors import SpaceError
from seqwright.nn import build
from seqwright.nn.cost import cost
from seqwright.nn.encoders import shared
from seqwright.space.moves import sample
from seqwright.testing.encoder import DEPTH, WIDTH, tiny_encoder

SPACES = ["bert-head", "bert-head-plus", "text-encoder", "pairs-encoder"]
T = 9  # as in `networks`


@pytest.fixture(scope="module")
def folders(tmp_path_factory: Any) -> dict[str, Path]:
    return {f: tiny_encoder(tmp_path_factory.mktemp(f), f) for f in ("bert", "gpt2", "xlnet")}


def interface(folder: Path, sides: int = 1, classes: int = 4) -> Interface:
    pieces = Stream("pieces", 60, T, source=str(folder), digest="0123456789ab", depth=DEPTH, width=WIDTH)
    return Interface((*TEXT, ("pretrained", pieces)), classes=classes, sides=sides)


def for_space(name: str, folder: Path) -> Interface:
    return interface(folder, sides=1 if name in ("bert-head", "text-encoder") else 2)


def padded(batch: dict[str, Tensor], extra: int) -> dict[str, Tensor]:
    return {name: F.pad(value, (0, 0) * (value.ndim - 2) + (0, extra)) for name, value in batch.items()}


def states(folder: Path, batch: dict[str, Tensor], cut: int = DEPTH, name: str = "pretrained") -> Tensor:
    with torch.no_grad():
        ids, mask = batch[name], batch[f"{name}.mask"]
        return shared(str(folder), "cpu").states(ids, mask, batch.get(f"{name}.segments"), cuts=[cut])[cut]


@pytest.mark.parametrize("name", SPACES)
def test_random_heads_build_learn_and_ignore_padding(name: str, folders: dict[str, Path]) -> None:
    given = for_space(name, folders["bert"])
    batch = drawn(given)
    tried = 0
    for seed in range(40):
        candidate = sample(named(name), Random(seed))
        if isinstance(candidate.architecture, Network):
            continue
        tried += 1
        torch.manual_seed(seed)
        network = build(candidate.architecture, given, candidate.recipe.dropout)
        if tried % 2:
            network.stem.thaw()
        logits = network(batch)
        assert logits.shape == (3, 4)
        logits.logsumexp(-1).sum().backward()
        idle = [
            n
            for n, p in network.named_parameters()
            if p.requires_grad and (p.grad is None or not p.grad.isfinite().all())
        ]
        assert not idle, candidate.architecture
        network.eval()
        with torch.no_grad():
            short, long = network(batch), network(padded(batch, 6))
        assert (short - long).abs().max() < 1e-4 * short.abs().max().clamp(min=1), candidate.architecture
        with torch.autocast("cpu", torch.bfloat16):
            assert network(batch).isfinite().all()
        if tried == 5:
            break
    assert tried == 5


@pytest.mark.parametrize("title", [title for title, _ in PUBLISHED])
def test_the_published_heads_learn_a_batch_of_cached_states_by_heart(title: str, folders: dict[str, Path]) -> None:
    candidate = with_tuning(dict(PUBLISHED)[title], Frozen())
    given = interface(folders["bert"], classes=2)
    batch, answers = drawn(given, size=8), torch.arange(8) % 2
    torch.manual_seed(0)
    network = build(candidate.architecture, given)
    computed = network.eval()(batch)
    cached = {
        f"pretrained@{DEPTH}": states(folders["bert"], batch),
        "pretrained": torch.zeros_like(batch["pretrained"]),
    }
    batch |= cached
    torch.testing.assert_close(network(batch), computed)
    network.train()
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], 1e-2)
    for _ in range(30):
        optimiser.zero_grad()
        loss = F.cross_entropy(network(batch), answers)
        loss.backward()
        optimiser.step()
    assert loss < 0.35  # of 0.69 for a coin


@pytest.mark.parametrize("readout", [Mean(), Max(), Last(), ClsToken()], ids=repr)
@pytest.mark.parametrize("family", ["bert", "gpt2", "xlnet"])
def test_a_pooled_head_reads_a_fixed_function_of_the_encoders_states(
    family: str, readout: Any, folders: dict[str, Path]
) -> None:
    given = interface(folders[family])
    batch = drawn(given)
    spec = HeadedEncoder(Pretrained(layers=2), readout=readout, dense=Dense(2, 8), norm=True)
    assert spec.pooled
    network = build(spec, given, dropout=0.5).train()
    x = torch.cat([states(folders[family], batch, cut) for cut in (DEPTH - 1, DEPTH)], -1)
    expected = []
    for row, mask in zip(x, batch["pretrained.mask"], strict=True):
        text = row[mask]
        at = {Last: -1, ClsToken: 0 if family == "bert" else -1}.get(type(readout))
        expected.append(text[at] if at is not None else text.mean(0) if readout == Mean() else text.amax(0))
    torch.testing.assert_close(network.pool(batch), torch.stack(expected), rtol=1e-4, atol=1e-5)
    assert torch.equal(network.pool(batch), network.pool(batch))  # dropout acts in the head alone
    assert not torch.equal(network(batch), network(batch))
    network.eval()
    assert torch.equal(network(batch), network.head(network.pool(batch)))
    assert not [name for name, p in network.named_parameters() if not name.startswith("head.")]


def test_two_texts_are_compared_by_the_same_weights(folders: dict[str, Path]) -> None:
    given = interface(folders["bert"], sides=2)
    batch = drawn(given)
    spec = HeadedEncoder(convolution=ConvStage(6, 2, 3, True), readout=Mean(), dense=Dense(2, 8), pairing="compared")
    network = build(spec, given).eval()
    u, v = network.encode(batch, ".a"), network.encode(batch, ".b")
    assert u.shape == (3, 6)
    assert torch.equal(network.pool(batch), torch.cat([u, v, (u - v).abs(), u * v], -1))
    assert torch.equal(network(batch), network.head(network.pool(batch)))
    swapped = {k.replace(".a", ".?").replace(".b", ".a").replace(".?", ".b"): x for k, x in batch.items()}
    torch.testing.assert_close(network.encode(swapped, ".b"), u)


def test_stages_follow_each_other_with_the_widths_they_have(folders: dict[str, Path]) -> None:
    given = interface(folders["bert"])
    spec = HeadedEncoder(
        Pretrained(layers=4),
        attention=AttentionStage(16, 2),
        convolution=ConvStage(12, 3, 5, True),
        recurrence=RecurrentStage("gru", 10, 2, True),
        readout=AttentionPool(4),
        dense=Dense(3, 7),
        activation="tanh",
        norm=True,
    )
    network = build(spec, given)
    shapes = {name: tuple(p.shape) for name, p in network.named_parameters()}
    assert shapes["attention.project.weight"] == (WIDTH, 4 * WIDTH)
    assert shapes["convolution.layers.0.weight"] == (12, WIDTH, 5)
    assert shapes["recurrence.ahead.0.weight_ih_l0"] == (30, 12)
    assert shapes["recurrence.back.1.weight_ih_l0"] == (30, 20)
    assert shapes["head.norm.weight"] == (20,) and shapes["head.dense.hidden.0.weight"] == (7, 20)
    assert shapes["head.dense.output.weight"] == (4, 7)
    assert network(drawn(given)).shape == (3, 4)


def test_one_rate_for_all_or_rates_of_their_own(folders: dict[str, Path]) -> None:
    given = interface(folders["bert"])
    for rate, rates in ((None, []), (1e-4, [1e-4, 8e-5])):
        stem = Pretrained(tuning=Tuned(share=0.5, learning_rate=rate, decay=0.8))
        network = build(HeadedEncoder(stem), given)
        network.stem.thaw()
        own = list(network.stem.learning_rates())
        assert [round(rate, 9) for _, rate in own] == rates
        named_alone = {id(p) for parameters, _ in own for p in parameters}
        thawed = {id(p) for p in network.stem.parameters() if p.requires_grad}
        assert thawed and named_alone == (thawed if rate else set())


@pytest.mark.parametrize("name", SPACES)
def test_every_portfolio_builds_and_is_counted(name: str, folders: dict[str, Path]) -> None:
    given = for_space(name, folders["bert"])
    for title, candidate in portfolio(name):
        assert build(candidate.architecture, given)(drawn(given)).shape == (3, 4), title
        assert cost(candidate.architecture, given)["flops"] > 0


def test_without_a_checkpoint_a_head_can_be_counted() -> None:
    pieces = Stream("pieces", 30_522, 128, depth=6, width=384)
    counted = cost(HeadedEncoder(Pretrained(tuning=Lora())), Interface((("pretrained", pieces),), 2))
    assert counted["flops"] > 2 * 6 * 128 * 12 * 384**2


@pytest.mark.parametrize(
    ("spec", "given", "words"),
    [
        (HeadedEncoder(pairing="compared"), {}, r'pairing="compared" needs two texts; the data has one\. Use "joined"'),
        (HeadedEncoder(), {"per_step": True}, "one output for a whole text"),
        (HeadedEncoder(readout=Cls()), {}, "Cls cannot follow a pretrained encoder. Use ClsToken"),
        (HeadedEncoder(dense=Dense(0)), {}, "at least one layer"),
        (HeadedEncoder(activation="swish"), {}, 'activation="swish" is not known'),
        (HeadedEncoder(Pretrained("ba9876543210")), {}, "reads the encoder ba9876543210"),
        (HeadedEncoder(convolution=ConvStage(7), readout=AttentionPool(4)), {}, "cannot divide a width of 7"),
    ],
)
def test_what_does_not_suit_the_data_is_refused(
    spec: HeadedEncoder, given: dict[str, Any], words: str, folders: dict[str, Path]
) -> None:
    with pytest.raises(SpaceError, match=words):
        build(spec, replace(interface(folders["bert"]), **given))

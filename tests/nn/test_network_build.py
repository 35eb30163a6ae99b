"""Stems, readouts, norms, heads and the whole: their values, and what is refused with which words."""

import pytest
import torch
import torch.nn.functional as F

from seqwright.arch.blocks import FeedForward, Skip
from seqwright.arch.interface import Interface, Stream
from seqwright.arch.network import (
    AttentionPool,
    Body,
    Channels,
    Cls,
    KernelFeatures,
    Last,
    Layer,
    Max,
    Mean,
    Mlp,
    Network,
    NgramBag,
    PerStep,
    Words,
    WordsAndCharacters,
)
from seqwright.errors import SpaceError
from seqwright.nn import Context, build
from seqwright.nn.network import Residual
from seqwright.nn.norms import MaskedBatchNorm, norm
from seqwright.nn.readouts import readout
from seqwright.nn.role import Role
from seqwright.nn.stems import stem

WORDS = ("words", Stream("tokens", 30, 9))
MASK = torch.tensor([[True, True, True, False], [True, False, False, False]])


def test_word_stem_looks_rows_up_and_padding_is_zero() -> None:
    module = stem(Words(), Interface((WORDS,), 2), 8)
    x, mask = module({"words": torch.tensor([[5, 7, 0]]), "words.mask": torch.tensor([[True, True, False]])})
    assert torch.equal(x[0], torch.stack([module.embedding.weight[5], module.embedding.weight[7], torch.zeros(8)]))
    assert mask.tolist() == [[True, True, False]]


def test_words_and_characters_add_the_mean_of_their_ngrams() -> None:
    interface = Interface((WORDS, ("word_characters", Stream("characters", 40, 9))), 2)
    module = stem(WordsAndCharacters(), interface, 8)
    batch = {
        "words": torch.tensor([[5, 7]]),
        "words.mask": torch.ones(1, 2, dtype=torch.bool),
        "word_characters": torch.tensor([[[3, 9, 0], [0, 0, 0]]]),
    }
    x, _ = module(batch)
    expected = module.words.weight[5] + (module.ngrams[3] + module.ngrams[9]) / 2
    assert torch.allclose(x[0, 0], expected, atol=1e-6)
    assert torch.equal(x[0, 1], module.words.weight[7])


def test_ngram_bag_is_a_weighted_sum() -> None:
    module = stem(NgramBag(), Interface((("ngrams", Stream("bag", 40)),), 2), 8)
    batch = {
        "ngrams": torch.tensor([[3, 9, 0], [4, 0, 0]]),
        "ngrams.weight": torch.tensor([[0.5, 2.0, 0], [1.0, 0, 0]]),
    }
    x, mask = module(batch)
    assert x.shape == (2, 1, 8) and mask.tolist() == [[True], [True]]
    assert torch.allclose(x[0, 0], 0.5 * module.embedding[3] + 2 * module.embedding[9], atol=1e-6)
    assert torch.allclose(x[1, 0], module.embedding[4])


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (7, 2), (3, 4)])
def test_channels_project_windows_and_return_the_new_mask(kernel: int, stride: int) -> None:
    module = stem(Channels(kernel, stride), Interface((("channels", Stream("channels", 3, 10)),), 2), 8)
    lengths = torch.tensor([10, 5])
    series = torch.randn(2, 10, 3)
    x, mask = module({"channels": series, "channels.mask": torch.arange(10) < lengths[:, None]})
    assert mask.sum(1).tolist() == [-(-n // stride) for n in (10, 5)]
    assert x.shape == (2, -(-10 // stride), 8)
    weight, bias = module.projection.weight, module.projection.bias
    for row, length in enumerate((10, 5)):
        for j in range(-(-length // stride)):
            expected = bias
            for k in range(kernel):
                source = j * stride + k - kernel // 2
                if 0 <= source < length:
                    expected = expected + weight[:, :, k] @ series[row, source]
            assert torch.allclose(x[row, j], expected, atol=1e-5)


def test_kernel_features_are_projected() -> None:
    module = stem(KernelFeatures(), Interface((("kernels", Stream("features", 5)),), 2), 8)
    features = torch.randn(3, 5)
    x, mask = module({"kernels": features})
    assert torch.equal(x, module.projection(features)[:, None]) and mask.all()


def test_readouts() -> None:
    x = torch.randn(2, 4, 8)
    real = [x[0, :3], x[1, :1]]
    for spec, expected in [
        (Mean(), [r.mean(0) for r in real]),
        (Max(), [r.amax(0) for r in real]),
        (Last(), [r[-1] for r in real]),
        (Cls(), [r[0] for r in real]),
        (AttentionPool(4), [r.mean(0) for r in real]),  # before training, its queries are zero
    ]:
        assert torch.allclose(readout(spec, 8)(x, MASK), torch.stack(expected), atol=1e-6), spec
    assert torch.equal(readout(PerStep(), 8)(x, MASK), x)


def test_attention_pool_weighs_steps_by_its_queries() -> None:
    module, x = readout(AttentionPool(2), 8), torch.randn(2, 4, 8)
    torch.nn.init.normal_(module.query)
    y = module(x, MASK)
    for row, length in enumerate((3, 1)):
        for h in range(2):
            steps = x[row, :length]
            weights = (torch.tanh(module.key(steps)) @ module.query[:, h]).softmax(0)
            part = slice(4 * h, 4 * h + 4)
            assert torch.allclose(y[row, part], (weights[:, None] * steps[:, part]).sum(0), atol=1e-6)


def test_attention_pool_needs_a_width_that_its_heads_divide() -> None:
    with pytest.raises(SpaceError, match=r"AttentionPool\(heads=4\) cannot divide a width of 10\."):
        readout(AttentionPool(4), 10)


def test_cls_puts_its_step_in_front() -> None:
    module, x = readout(Cls(), 8), torch.randn(2, 4, 8)
    y, mask = module.enter(x, MASK)
    assert torch.equal(y[:, 0], module.step.expand(2, 8)) and torch.equal(y[:, 1:], x)
    assert mask.tolist() == [[True, True, True, True, False], [True, True, False, False, False]]


def test_batch_norm_equals_torch_on_the_real_steps_alone() -> None:
    ours, theirs, x = MaskedBatchNorm(8), torch.nn.BatchNorm1d(8), torch.randn(2, 4, 8) * 3 + 1
    for _ in range(3):
        y, expected = ours(x, MASK), theirs(x[MASK])
        assert torch.allclose(y[MASK], expected, atol=1e-5)
    assert torch.allclose(ours.running_mean, theirs.running_mean)
    assert torch.allclose(ours.running_variance, theirs.running_var)
    assert torch.allclose(ours.eval()(x, MASK)[MASK], theirs.eval()(x[MASK]), atol=1e-5)
    with pytest.raises(SpaceError, match=r'statistics="group" is not known\. Use "layer" or "batch"\.'):
        norm("group", 8)


@pytest.mark.parametrize("placement", ["pre", "post", "none"])
def test_norm_placement(placement: str) -> None:
    residual = Residual(FeedForward(1), Body((), 8, placement), Role())
    x, context = torch.randn(2, 4, 8), Context(MASK)
    normal = {"pre": lambda: x + residual.block(F.layer_norm(x, (8,)), context),
              "post": lambda: F.layer_norm(x + residual.block(x, context), (8,)),
              "none": lambda: x + residual.block(x, context)}  # fmt: skip
    assert torch.allclose(residual(x, context), normal[placement](), atol=1e-5)


def test_skips_are_as_if_they_were_not_there() -> None:
    interface = Interface((WORDS,), 2)
    idle = Body((Layer(Skip(), Skip()),), 8, "pre")
    with_skip, without = (build(Network(Words(), b, Mean()), interface) for b in (idle, Body((), 8, "pre")))
    assert with_skip.state_dict().keys() == without.state_dict().keys()


def test_head_and_dropout() -> None:
    interface = Interface((WORDS,), 5)
    network = build(Network(Words(), Body((Layer(FeedForward(), Skip()),), 8), Mean(), Mlp(2, 16)), interface, 0.5)
    assert [tuple(layer.weight.shape) for layer in network.head.hidden] == [(16, 8), (16, 16)]
    assert network.head.output.weight.shape == (5, 16)
    batch = {"words": torch.randint(3, 30, (4, 6)), "words.mask": torch.ones(4, 6, dtype=torch.bool)}
    assert not torch.equal(network(batch), network(batch))
    network.eval()
    assert torch.equal(network(batch), network(batch))
    assert {m.p for m in network.modules() if isinstance(m, torch.nn.Dropout)} == {0.5}


def test_names_in_the_state_dict_read_well() -> None:
    network = build(
        Network(Words(), Body((Layer(FeedForward(), Skip()),), 8), AttentionPool(1), Mlp(1)), Interface((WORDS,), 5)
    )
    assert list(network.state_dict()) == [
        "stem.embedding.weight",
        "body.layers.0.mixer.block.inner.weight",
        "body.layers.0.mixer.block.inner.bias",
        "body.layers.0.mixer.block.outer.weight",
        "body.layers.0.mixer.block.outer.bias",
        "body.layers.0.mixer.norm.weight",
        "body.layers.0.mixer.norm.bias",
        "body.norm.weight",
        "body.norm.bias",
        "readout.query",
        "readout.key.weight",
        "readout.key.bias",
        "head.hidden.0.weight",
        "head.hidden.0.bias",
        "head.output.weight",
        "head.output.bias",
    ]


@pytest.mark.parametrize(
    ("network", "interface", "words"),
    [
        (
            Network(NgramBag(), Body((), 8), Mean()),
            Interface((WORDS,), 2),
            r'The stem NgramBag reads the stream "ngrams", which the data does not give\. It gives: words\.',
        ),
        (
            Network(WordsAndCharacters(), Body((), 8), Mean()),
            Interface((WORDS,), 2),
            r'reads the stream "word_characters"',
        ),
        (
            Network(Words(), Body((), 8), Mean()),
            Interface((WORDS,), 2, per_step=True),
            r"The readout is Mean, but the data asks for one output for every step: use the readout PerStep",
        ),
        (
            Network(Words(), Body((), 8), PerStep()),
            Interface((WORDS,), 2),
            r"The readout is PerStep, but the data asks for one output for the whole sequence: use Mean, Max",
        ),
        (
            Network(Words(), Body((), 8), Mean(), pairing="compared"),
            Interface((WORDS,), 2),
            r'pairing="compared" needs two inputs',
        ),
        (
            Network(Words(), Body((), 8), Mean(), pairing="mixed"),
            Interface((WORDS,), 2),
            r'pairing="mixed" is not known\. Use "joined" or "compared"',
        ),
        (
            Network(Channels(3, 2), Body((), 8), PerStep()),
            Interface((("channels", Stream("channels", 3, 10)),), 2, per_step=True),
            r"Channels\(stride=2\) drops steps, but every step needs an output\. Use stride=1\.",
        ),
        (
            Network(Words(), Body((), 8, norm="before"), Mean()),
            Interface((WORDS,), 2),
            r'norm="before" is not known\. Use "pre", "post" or "none"',
        ),
        (Network(Mean(), Body((), 8), Mean()), Interface((WORDS,), 2), r"No stem is registered for Mean\."),
        (Network(Words(), Body((), 8), Words()), Interface((WORDS,), 2), r"No readout is registered for Words\."),
        (Words(), Interface((WORDS,), 2), r"No build is registered for Words\."),
    ],
)
def test_what_does_not_fit_is_refused_with_advice(network: object, interface: Interface, words: str) -> None:
    with pytest.raises(SpaceError, match=words):
        build(network, interface)

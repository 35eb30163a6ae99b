"""Scores of untrained networks: what they count, that they repeat, that every kind of network has them."""

import math

import pytest
import torch
from torch import Tensor

from seqwright.arch.blocks import Attention, Conv, FeedForward, Lstm, Skip
from seqwright.arch.interface import Interface, Stream
from seqwright.arch.network import Body, Channels, Layer, Mean, Mlp, Network, PerStep, Words
from seqwright.arch.recurrent_graph import gru_cell
from seqwright.evaluate.training_free import SCORES, training_free
from seqwright.search import sieve

TEXT = Interface((("words", Stream("tokens", 100, 12)),), classes=3)
SERIES = Interface((("channels", Stream("channels", 2, 16)),), classes=2)


def network(mixer: object, channel: object = Skip(), stem: object = Words(), readout: object = Mean()) -> Network:
    return Network(stem, Body((Layer(mixer, channel),), 16), readout, Mlp(0))


def texts(same: bool = False, examples: int = 16) -> dict[str, Tensor]:
    tokens = torch.randint(3, 100, (examples, 12), generator=torch.Generator().manual_seed(0))
    if same:
        tokens = tokens[:1].expand(examples, 12).clone()
    return {"words": tokens, "words.mask": torch.ones(examples, 12, dtype=torch.bool)}


def series() -> dict[str, Tensor]:
    values = torch.randn(16, 16, 2, generator=torch.Generator().manual_seed(0))
    return {"channels": values, "channels.mask": torch.ones(16, 16, dtype=torch.bool)}


def test_names_are_those_that_the_user_may_give() -> None:
    assert tuple(SCORES) == sieve.SCORES


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("mixer", [Conv(3), Lstm(8), Attention(2), gru_cell(hidden=8)], ids=lambda m: type(m).__name__)
def test_every_kind_of_network_has_every_score(name: str, mixer: object) -> None:
    built = network(mixer, FeedForward(2))
    state = torch.random.get_rng_state()
    found = training_free(name, built, TEXT, texts())
    assert math.isfinite(found)
    assert training_free(name, built, TEXT, texts()) == found
    assert torch.equal(torch.random.get_rng_state(), state)  # the global numbers are left alone
    if name != "parameters":
        assert training_free(name, built, TEXT, texts(), seed=1) != found
    assert math.isfinite(training_free(name, network(mixer, stem=Channels(1, 1)), SERIES, series()))


@pytest.mark.parametrize("name", SCORES)
def test_an_answer_for_every_step(name: str) -> None:
    interface = Interface(TEXT.streams, classes=3, per_step=True)
    assert math.isfinite(training_free(name, network(Conv(3), readout=PerStep()), interface, texts()))


def test_parameters_behind_the_stem() -> None:
    """A convolution of 16 x 16 x 3 and its bias, two norms of two vectors, and the last linear map."""
    assert training_free("parameters", network(Conv(3)), TEXT, texts()) == 16 * 16 * 3 + 16 + 2 * 32 + 16 * 3 + 3


@pytest.mark.parametrize("name", ["naswot", "hidden"])
def test_examples_that_look_alike_score_worst(name: str) -> None:
    built = network(Conv(3), FeedForward(2))
    assert training_free(name, built, TEXT, texts()) > training_free(name, built, TEXT, texts(same=True)) + 10


def test_gradients_that_are_the_same_for_all_score_worst() -> None:
    """Where no layer stands, the answer is linear in what the stem gives, so all examples have the same gradient."""
    linear = Network(Words(), Body((), 16, norm="none"), Mean(), Mlp(0))
    assert training_free("jacobian", linear, TEXT, texts()) < training_free("jacobian", network(Lstm(8)), TEXT, texts())


def test_saliency_of_a_linear_network() -> None:
    """Its answers are linear in the last weights W, so that W times gradient sums to the answers without the bias."""
    linear = Network(Words(), Body((), 16, norm="none"), Mean(), Mlp(0))
    from seqwright.nn.build import build

    torch.manual_seed(0)
    built = build(linear, TEXT).eval()
    with torch.no_grad():
        for p in built.parameters():
            p.abs_()
        expected = math.log(float(built(texts()).double().sum()))
    assert training_free("saliency", linear, TEXT, texts()) == pytest.approx(expected, rel=1e-5)


def test_what_is_no_number_scores_worst() -> None:
    built = network(Lstm(8), stem=Channels(1, 1))
    given = series() | {"channels": torch.full((16, 16, 2), math.inf)}
    assert training_free("jacobian", built, SERIES, given) == -math.inf

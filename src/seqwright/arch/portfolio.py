"""Portfolios: strong networks made by hand, each known to be hard to beat somewhere. A search begins from them.

Those that are usually best for their cost come first, so that even the smallest budget trains a good one.
"""

from collections.abc import Callable
from functools import cache
from typing import Literal

from seqwright.arch import published_portfolios
from seqwright.arch.blocks import Attention, Conv, FeedForward, Gru, Lstm, Parallel, Skip
from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.encoders import Dense, Frozen, HeadedEncoder, Pretrained, Tuned
from seqwright.arch.network import (
    AttentionPool,
    Body,
    Channels,
    KernelFeatures,
    Layer,
    Max,
    Mean,
    Mlp,
    Network,
    NgramBag,
    PerStep,
    Subwords,
    WordsAndCharacters,
)
from seqwright.arch.published import PUBLISHED
from seqwright.errors import SpaceError, did_you_mean

Pairing = Literal["joined", "compared"]
Portfolio = tuple[tuple[str, Candidate], ...]
FINE_TUNED_TOO = "fine-tuning another way"
FINE_TUNED = "plain fine-tuning"  # of the whole encoder with its usual settings: a baseline too


@cache
def portfolio(name: str) -> Portfolio:
    """(name, candidate) pairs for the named space, in the order in which to try them.

    Raises:
        SpaceError: the space has no portfolio.
    """
    makers: dict[str, Callable[[], Portfolio]] = {
        "text": _text,
        "pairs": _pairs,
        "tagging": _tagging,
        "series": _series,
        "text-encoder": _text_encoder,
        "pairs-encoder": _pairs_encoder,
        "bert-head": _bert_head,
        "bert-head-plus": _bert_head_plus,
        **published_portfolios.MAKERS,
    }
    if name not in makers:
        raise SpaceError(f'No portfolio is named "{name}".{did_you_mean(name, makers)} There are: {", ".join(makers)}.')
    return makers[name]()


# A linear model wants no noise; recurrent and convolutional networks noise and moderate steps; attention small steps.
_LINEAR = Recipe(learning_rate=3e-3, weight_decay=1e-2, dropout=0.0, warmup_steps=10)
_FEATURES = Recipe(learning_rate=1e-3, weight_decay=1e-4, dropout=0.0, warmup_steps=10)
_BAG = Recipe(learning_rate=3e-3, weight_decay=1e-2, dropout=0.5, input_dropout=0.1)
_USUAL = Recipe(learning_rate=3e-3, weight_decay=1e-2, dropout=0.3, input_dropout=0.1)
_GENTLE = Recipe(learning_rate=1e-3, weight_decay=1e-2, dropout=0.1, input_dropout=0.1)
_SERIES = Recipe(learning_rate=3e-3, weight_decay=1e-2, batch_size=16, dropout=0.1, warmup_steps=10)


def _filters(*kernels: int) -> Parallel:
    return Parallel(tuple(Conv(kernel=kernel) for kernel in kernels))


def _bilstm(hidden: int) -> Layer:
    return Layer(Lstm(hidden=hidden, bidirectional=True), Skip())


_TRANSFORMER = (Layer(Attention(heads=4), FeedForward(expand=2)),) * 2


def _texts(bag: Pairing, sequence: Pairing) -> Portfolio:
    """The text networks, with the pairing for those without and those with a sense of order."""
    return (
        (
            "n-gram bag, linear",
            Candidate(Network(NgramBag(), Body((), width=64), Mean(), Mlp(layers=0), pairing=bag), _LINEAR),
        ),
        (
            "text CNN",
            Candidate(
                Network(
                    WordsAndCharacters(),
                    Body((Layer(_filters(3, 5, 7), Skip()),), width=128, norm="none"),
                    Max(),
                    Mlp(layers=0),
                    pairing=bag,
                ),
                _USUAL,
            ),
        ),
        (
            "bidirectional LSTM, attention pooling",
            Candidate(
                Network(
                    WordsAndCharacters(),
                    Body((_bilstm(128),), width=128),
                    AttentionPool(heads=4),
                    Mlp(layers=0),
                    pairing=sequence,
                ),
                _USUAL,
            ),
        ),
        (
            "bag of embeddings, MLP",
            Candidate(
                Network(WordsAndCharacters(), Body((), width=128), Mean(), Mlp(layers=1, width=128), pairing=bag), _BAG
            ),
        ),
        (
            "small Transformer",
            Candidate(
                Network(Subwords(), Body(_TRANSFORMER, width=128), Mean(), Mlp(layers=0), pairing=sequence), _GENTLE
            ),
        ),
    )


def _text() -> Portfolio:
    return _texts(bag="joined", sequence="joined")


def _pairs() -> Portfolio:
    return _texts(bag="compared", sequence="joined")


# A head on an encoder: large steps for the head, small ones for the encoder, whose own the tuning says.
_FINE_TUNING = Recipe(learning_rate=2e-3, weight_decay=1e-2, batch_size=32, dropout=0.1, warmup_steps=50)
# Measured on trec6 with MiniLM: this rate is at the level of logistic regression after three passes.
_PROBE = Recipe(learning_rate=1e-2, weight_decay=1e-4, batch_size=32, dropout=0.0, warmup_steps=10)
_ALL_LAYERS = Pretrained(tuning=Tuned(share=1.0, learning_rate=1e-4))
_LOWER_SLOWER = Pretrained(tuning=Tuned(share=1.0, learning_rate=1e-4, decay=0.9))
_AS_IT_CAME = Pretrained(tuning=Frozen())


def _on_an_encoder(probe: Pairing, activation: str, heads: int = 4, others: Portfolio = ()) -> Portfolio:
    """Plain fine-tuning, which is usually best, and a linear model of frozen features, which is nearly free.

    Another fine-tuning comes after the cheapest of `others`: it may take all the time that there is.
    """
    linear = Dense(layers=1)
    tuned = HeadedEncoder(_ALL_LAYERS, readout=Mean(), dense=linear, activation=activation)
    # The same again would err alike: this one weighs the steps, or reads the texts of a pair apart.
    readout = AttentionPool(heads=heads) if probe == "joined" else Mean()
    other = HeadedEncoder(_LOWER_SLOWER, readout=readout, dense=linear, activation=activation, pairing=probe)
    frozen = HeadedEncoder(_AS_IT_CAME, readout=Mean(), dense=linear, activation=activation, pairing=probe)
    return (
        (FINE_TUNED, Candidate(tuned, _FINE_TUNING)),
        ("frozen encoder, mean, linear", Candidate(frozen, _PROBE)),
        *others[:1],
        (FINE_TUNED_TOO, Candidate(other, _FINE_TUNING)),
        *others[1:],
    )


def _text_encoder() -> Portfolio:
    return _on_an_encoder("joined", "gelu", others=_text())


def _pairs_encoder() -> Portfolio:
    return _on_an_encoder("compared", "gelu", others=_pairs())


def _bert_head() -> Portfolio:
    return PUBLISHED


def _bert_head_plus() -> Portfolio:
    return _on_an_encoder("joined", "relu", heads=1)  # which divides every width of that space


def _tagging() -> Portfolio:
    def tagger(body: Body, recipe: Recipe) -> Candidate:
        return Candidate(Network(WordsAndCharacters(), body, PerStep(), Mlp(layers=0)), recipe)

    gru = Layer(Gru(hidden=128, bidirectional=True), Skip())
    wide = tuple(Layer(Conv(kernel=3, dilation=dilation), FeedForward(expand=2)) for dilation in (1, 2, 4))
    return (
        ("bidirectional LSTM, words and characters", tagger(Body((_bilstm(128),), width=128), _USUAL)),
        ("dilated CNN", tagger(Body(wide, width=128), _USUAL)),
        ("bidirectional GRU", tagger(Body((gru,) * 2, width=128), _USUAL)),
        ("small Transformer", tagger(Body(_TRANSFORMER, width=128), _GENTLE)),
    )


def _series() -> Portfolio:
    fcn = tuple(Layer(Conv(kernel=kernel), Skip()) for kernel in (7, 5, 3))
    inception = (Layer(_filters(31, 15, 7), Skip()),) * 3
    gru = Layer(Gru(hidden=64, bidirectional=True), Skip())
    channels = Channels(kernel=1, stride=1)
    return (
        (
            "random kernels, linear",
            Candidate(Network(KernelFeatures(), Body((), width=64), Mean(), Mlp(layers=0)), _FEATURES),
        ),
        (
            "fully convolutional network",
            Candidate(Network(channels, Body(fcn, width=128, statistics="batch"), Mean(), Mlp(layers=0)), _SERIES),
        ),
        (
            "small InceptionTime",
            Candidate(Network(channels, Body(inception, width=64, statistics="batch"), Mean(), Mlp(layers=0)), _SERIES),
        ),
        (
            "bidirectional GRU",
            Candidate(Network(channels, Body((gru,) * 2, width=64), AttentionPool(heads=4), Mlp(layers=0)), _SERIES),
        ),
    )

"""The named search spaces: what is searched when the user names no space of their own.

Each is a space over `Candidate`, so its paths begin with /architecture and /recipe.
"""

from collections.abc import Callable
from functools import cache
from os import PathLike
from pathlib import Path
from typing import Any

from seqwright.arch import published_spaces, transformer_space
from seqwright.arch.blocks import (
    Attention,
    Conv,
    FeedForward,
    GatedFeedForward,
    Gru,
    Lstm,
    MinGru,
    Parallel,
    Rnn,
    Skip,
    Ssm,
)
from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.cells import CellNetwork
from seqwright.arch.codec import space_loads
from seqwright.arch.encoder_spaces import (
    BERT_HEAD_SIZE,
    bert_head,
    bert_head_plus,
    headed,
    rates_from_scratch_and_pretrained,
)
from seqwright.arch.encoders import HeadedEncoder
from seqwright.arch.network import (
    AttentionPool,
    Body,
    Channels,
    Characters,
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
    Subwords,
    Words,
    WordsAndCharacters,
)
from seqwright.errors import SpaceError, did_you_mean
from seqwright.space.census import questions
from seqwright.space.narrow import fix
from seqwright.space.nodes import Choice, Record, Space, Stack, one_of, vary

_DESCRIPTIONS = {
    "text": "classify a text: recurrent, convolutional, attention and hybrid networks, or a bag of n-grams",
    "pairs": "classify two texts: as text, read as one sequence or each alone and compared",
    "tagging": "label every token: as text, with an output at every step",
    "series": "classify a numeric series: sequence networks over its channels, or random-kernel features",
    "text-encoder": "classify a text: as text, or with a head on a pretrained encoder",
    "pairs-encoder": "classify two texts: as pairs, or with a head on a pretrained encoder",
    "bert-head": "heads on a pretrained encoder as published (arXiv:2403.18547), one learning rate for all",
    "bert-head-plus": "heads with recurrence, attention pooling, several layers, pairs compared, rates of their own",
    "darts-recurrent": "the recurrent cells of DARTS (arXiv:1806.09055), around fixed words and readout",
    "enas-recurrent": "the recurrent cells of ENAS (arXiv:1802.03268), around fixed words and readout",
    "nas-bench-nlp": "recurrent cells as graphs after arXiv:2006.07116, in which RNN, LSTM and GRU are points",
    "nasnet": "normal and reduction cells of NASNet's 13 operations (arXiv:1707.07012), in one dimension",
    "amoebanet": "normal and reduction cells of AmoebaNet's 8 operations (arXiv:1802.01548), in one dimension",
    "nasnet-2d": "the same cells for images, with the published numbers of repeats and filters",
    "amoebanet-2d": "the same cells for images, with the published numbers of repeats and filters",
    "textnas": "24 blocks wired as a graph, as in TextNAS (arXiv:1912.10729)",
    "transformers": "after the Evolved Transformer, Primer and HAT: layers, widths, heads and two blocks a layer open",
    "tiny": "a few hundred small text networks, to try things on",
}


def describe() -> dict[str, str]:
    """The named spaces, each in one line."""
    return dict(_DESCRIPTIONS)


def remarks() -> dict[str, str]:
    """What else is to be said of some named spaces: how a published size comes about."""
    return {
        "bert-head": BERT_HEAD_SIZE,
        "darts-recurrent": published_spaces.DARTS_RECURRENT_SIZE,
        "enas-recurrent": published_spaces.ENAS_RECURRENT_SIZE,
        "nas-bench-nlp": published_spaces.NAS_BENCH_NLP_SIZE,
        "nasnet": published_spaces.NASNET_SIZE,
        "amoebanet": published_spaces.AMOEBANET_SIZE,
        "nasnet-2d": published_spaces.NASNET_SIZE,
        "amoebanet-2d": published_spaces.AMOEBANET_SIZE,
        "textnas": published_spaces.TEXTNAS_SIZE,
        "transformers": transformer_space.TRANSFORMER_SIZE,
    }


@cache
def named(name: str) -> Record:
    """The space of that name, over `Candidate`.

    Raises:
        SpaceError: there is none of that name.
    """
    if name not in _MAKERS:
        raise SpaceError(f'No space is named "{name}".{did_you_mean(name, _MAKERS)} There are: {", ".join(_MAKERS)}.')
    return _MAKERS[name]()


def load(given: str | PathLike[str]) -> Record:
    """The space that `given` names, or that a JSON file holds, over `Candidate`.

    A file may leave out the recipes: a space of architectures is searched with all of them.

    Raises:
        SpaceError: neither a named space nor a readable file, or the file holds no space of networks.
    """
    if str(given) in _DESCRIPTIONS:
        return named(str(given))
    path = Path(given)
    if not path.is_file():
        meant = did_you_mean(str(given), _DESCRIPTIONS)
        known = ", ".join(_DESCRIPTIONS)
        raise SpaceError(f'"{given}" is neither a file nor a named space.{meant} The named ones are: {known}.')
    try:
        space = space_loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise SpaceError(f"{path}: cannot be read as text: {error}. Give a JSON file in UTF-8.") from None
    except SpaceError as error:
        raise SpaceError(f"{path}:\n{error}") from None
    if isinstance(space, Record) and space.cls is Candidate:
        return space
    if _of_networks(space):
        return candidates(space)
    raise SpaceError(f'{path}: this is no space of networks. Begin with {{"vary": "network", ...}} or "headedencoder".')


def _of_networks(space: Space) -> bool:
    if isinstance(space, Choice):
        return all(map(_of_networks, space.options))
    return isinstance(space, Network | HeadedEncoder | CellNetwork) or (
        isinstance(space, Record) and space.cls in (Network, HeadedEncoder, CellNetwork)
    )


def suited(space: Space, sides: int) -> Space:
    """The part of a space that a task of so many texts can use: one text is compared with nothing.

    Raises:
        SpaceError: nothing is left, since the space only compares.
    """
    asks = any(path.endswith("/pairing") for path in questions(space))
    return fix(space, "/**/pairing", "joined") if sides == 1 and asks else space


def candidates(architecture: Space) -> Record:
    """The space of candidates over a space of architectures, with every recipe."""
    return vary(Candidate, architecture=architecture, recipe=vary(Recipe))


def layers(least: int, most: int) -> Stack:
    """A stack of layers: any block as token mixer, any feed-forward or none as channel mixer."""
    filters = vary(Parallel, branches=(vary(Conv, dilation=1, depthwise=False),) * 3)
    mixer = one_of(Rnn, Lstm, Gru, MinGru, Ssm, Conv, Attention, filters, Skip)
    return Stack(vary(Layer, mixer=mixer, channel=one_of(FeedForward, GatedFeedForward, Skip)), least, most)


def _sequence(stem: Space, readout: Space, body: Space, **more: Any) -> Record:
    return vary(Network, stem=stem, body=body, readout=readout, head=vary(Mlp), **more)


def _one_step(stem: Any, **more: Any) -> Record:
    """A stem that gives one vector needs no layers: a linear or multi-layer readout of it."""
    body = vary(Body, layers=(), norm=Body.norm, statistics=Body.statistics)
    return vary(Network, stem=stem, body=body, readout=Mean(), head=vary(Mlp), **more)


_POOLED = one_of(Mean, Max, Last, Cls, AttentionPool)


def _texts(pairing: Space, pretrained: bool = False) -> Record:
    stems = one_of(Words, Subwords, Characters, WordsAndCharacters)
    sequence = _sequence(stems, _POOLED, vary(Body, layers=layers(0, 4)), pairing=pairing)
    bag = _one_step(NgramBag(), pairing=pairing)
    if not pretrained:
        return candidates(one_of(sequence, bag, names=("sequence", "bag")))
    architecture = one_of(sequence, bag, headed(pairing), names=("sequence", "bag", "pretrained"))
    return vary(Candidate, architecture=architecture, recipe=rates_from_scratch_and_pretrained())


def _text() -> Record:
    return _texts("joined")


def _pairs() -> Record:
    return _texts(one_of("joined", "compared"))


def _text_encoder() -> Record:
    return _texts("joined", pretrained=True)


def _pairs_encoder() -> Record:
    return _texts(one_of("joined", "compared"), pretrained=True)


def _tagging() -> Record:
    return candidates(_sequence(one_of(Words, WordsAndCharacters), PerStep(), vary(Body, layers=layers(1, 4))))


def _series() -> Record:
    sequence = _sequence(vary(Channels), _POOLED, vary(Body, layers=layers(1, 4)))
    return candidates(one_of(sequence, _one_step(KernelFeatures()), names=("sequence", "kernels")))


def _transformers() -> Record:
    return candidates(transformer_space.transformers())


def _tiny() -> Record:
    small = Choice((8, 16), ordered=True)
    mixer = one_of(
        vary(Gru, hidden=small, bidirectional=False), vary(Conv, kernel=3, dilation=1, depthwise=False), Skip
    )
    stack = Stack(vary(Layer, mixer=mixer, channel=one_of(vary(FeedForward, expand=1), Skip)), 1, 2)
    body = vary(Body, layers=stack, width=small, norm="pre", statistics="layer")
    network = vary(Network, stem=Words(), body=body, readout=one_of(Mean, Max), head=Mlp(layers=0))
    default = Recipe()
    rates = Choice((1e-3, 1e-2), ordered=True)
    fixed = {name: getattr(default, name) for name in Recipe.__dataclass_fields__ if name != "learning_rate"}
    return vary(Candidate, architecture=network, recipe=vary(Recipe, learning_rate=rates, **fixed))


_MAKERS: dict[str, Callable[[], Record]] = {
    "text": _text,
    "pairs": _pairs,
    "tagging": _tagging,
    "series": _series,
    "text-encoder": _text_encoder,
    "pairs-encoder": _pairs_encoder,
    "bert-head": bert_head,
    "bert-head-plus": bert_head_plus,
    "darts-recurrent": published_spaces.darts_recurrent,
    "enas-recurrent": published_spaces.enas_recurrent,
    "nas-bench-nlp": published_spaces.nas_bench_nlp,
    "nasnet": published_spaces.nasnet,
    "amoebanet": published_spaces.amoebanet,
    "nasnet-2d": published_spaces.nasnet_2d,
    "amoebanet-2d": published_spaces.amoebanet_2d,
    "textnas": published_spaces.textnas,
    "transformers": _transformers,
    "tiny": _tiny,
}

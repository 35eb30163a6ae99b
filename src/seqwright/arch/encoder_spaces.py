"""Spaces of heads on pretrained encoders: the published one exactly, a richer one, and the one text searches join.

`bert_head` is the space of Kenneweg et al. 2024 (arXiv:2403.18547). All encoders in it are the one that the data are
prepared for; `seqwright.arch.binding` fills in which.
"""

from typing import Any

from seqwright.arch.blocks import Skip
from seqwright.arch.candidate import Candidate, Recipe
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
from seqwright.arch.network import AttentionPool, Max, Mean
from seqwright.space.nodes import Choice, Record, Space, one_of, vary

# Ten log-spaced rates from 1e-5 to 1e-4, of which two are rounded as the paper rounds the rates of its winners.
RATES = (1e-5, 1.3e-5, 1.69e-5, 2.2e-5, 2.8e-5, 3.6e-5, 4.6e-5, 6e-5, 7.7e-5, 1e-4)

# Adam without weight decay, and the dropout of the paper's attention layers.
PUBLISHED_RECIPE = Recipe(learning_rate=2.8e-5, weight_decay=0.0, batch_size=32, warmup_steps=50, dropout=0.2)

BERT_HEAD_SIZE = """\
26 attentions x 9,801 convolutions x 3 readouts x 980 dense stacks = 749,188,440:
  attention    1 + 5 head counts x 5 depths                            =    26
  convolution  1 + 196 widths x 5 depths x 5 kernels x skip or none    = 9,801
  readout      [CLS], mean, maximum                                    =     3
  dense stack  5 depths x 196 widths                                   =   980
The abstract of arXiv:2403.18547 says 7.5e7. That is 26 x (1 + 196 x 5) x 3 x 980 = 74,987,640: a convolution counted
by its width and one more choice of five, without the kernels (or the depths) and the skip of the authors' code."""


def bert_head() -> Record:
    """The published space: 749,188,440 architectures, each with ten learning rates shared by head and encoder."""
    architecture = vary(
        HeadedEncoder,
        stem=Pretrained(tuning=Tuned(share=1.0, learning_rate=None, decay=1.0)),
        attention=one_of(Skip, AttentionStage),
        convolution=one_of(Skip, ConvStage),
        readout=one_of(ClsToken, Mean, Max),
        dense=vary(Dense),
        activation="relu",
        norm=False,
    )
    given = {name: getattr(PUBLISHED_RECIPE, name) for name in Recipe.__dataclass_fields__}
    recipe = vary(Recipe, **{**given, "learning_rate": Choice(RATES, ordered=True)})
    return vary(Candidate, architecture=architecture, recipe=recipe)


def bert_head_plus() -> Record:
    """The published stages and recurrent ones, attention pooling, several layers of the encoder, norms, pairs compared.

    Head and encoder have rates of their own.
    """
    architecture = vary(
        HeadedEncoder,
        stem=vary(Pretrained, tuning=one_of(Frozen, Tuned, Lora)),
        attention=one_of(Skip, AttentionStage),
        convolution=one_of(Skip, ConvStage),
        recurrence=one_of(Skip, RecurrentStage),
        readout=one_of(ClsToken, Mean, Max, vary(AttentionPool, heads=1)),  # one head divides every width
        dense=vary(Dense),
        pairing=one_of("joined", "compared"),
    )
    rates = Choice((1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 2e-3, 3e-3, 1e-2), ordered=True)
    return vary(Candidate, architecture=architecture, recipe=vary(Recipe, learning_rate=rates))


def headed(pairing: Space) -> Choice:
    """The heads that a search over all kinds of networks tries: pooled, convolutional or recurrent ones."""

    def head(readouts: Space, **more: Any) -> Record:
        stem = vary(Pretrained, tuning=one_of(Frozen, Tuned, Lora))
        dense = vary(Dense, layers=Choice((1, 2), ordered=True), width=Choice((64, 128, 256), ordered=True))
        return vary(HeadedEncoder, stem=stem, readout=readouts, dense=dense, activation="gelu", pairing=pairing, **more)

    filters = vary(
        ConvStage,
        width=Choice((64, 128, 200), ordered=True),
        layers=Choice((1, 2), ordered=True),
        kernel=Choice((3, 5), ordered=True),
        skip=False,
    )
    states = vary(RecurrentStage, hidden=Choice((64, 128), ordered=True), layers=1, bidirectional=True)
    weighed = vary(AttentionPool)
    return one_of(
        head(one_of(Mean, Max, ClsToken, weighed)),
        head(one_of(Mean, Max, weighed), convolution=filters),
        head(one_of(Mean, Max, weighed), recurrence=states),
        names=("pooled", "convolution", "recurrence"),
    )


def rates_from_scratch_and_pretrained() -> Record:
    """Recipes for from-scratch networks and heads alike: the usual ones, and 2e-3 besides."""
    return vary(Recipe, learning_rate=Choice((3e-4, 1e-3, 2e-3, 3e-3, 1e-2, 3e-2), ordered=True))

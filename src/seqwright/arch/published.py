"""Heads that others found and published, by name, as candidates of the space "bert-head".

Kenneweg, Schröder & Hammer 2024 (arXiv:2403.18547) searched BERT heads with a Gaussian process and asynchronous
halving. Ours differ from what their code trained: padding is masked, attention runs along the text, logits are plain.
"""

from dataclasses import replace

from seqwright.arch.candidate import Candidate
from seqwright.arch.encoder_spaces import PUBLISHED_RECIPE
from seqwright.arch.encoders import AttentionStage, ClsToken, ConvStage, Dense, HeadedEncoder, Pretrained, Tuned
from seqwright.arch.network import Mean

_STEM = Pretrained(tuning=Tuned(share=1.0, learning_rate=None, decay=1.0))

LINEAR = Candidate(HeadedEncoder(_STEM, readout=ClsToken(), dense=Dense(layers=1)), PUBLISHED_RECIPE)
"""What is compared with: one linear map of [CLS] (Devlin et al. 2019, arXiv:1810.04805)."""

ALL_TASKS = Candidate(
    HeadedEncoder(
        _STEM,
        attention=AttentionStage(heads=1, layers=4),
        convolution=ConvStage(width=40, layers=1, kernel=11, skip=True),
        readout=Mean(),
        dense=Dense(layers=1),
    ),
    replace(PUBLISHED_RECIPE, learning_rate=1.69e-5),
)
"""The winner of the search over the sum of all tasks' accuracies."""

SMALL_SETS = Candidate(
    HeadedEncoder(_STEM, attention=AttentionStage(heads=4, layers=1), readout=Mean(), dense=Dense(layers=2, width=39)),
    replace(PUBLISHED_RECIPE, learning_rate=3.6e-5),
)
"""The winner on sets of 500 examples."""

PUBLISHED = (
    ("linear on [CLS]", LINEAR),
    ("published winner, all tasks", ALL_TASKS),
    ("published winner, small sets", SMALL_SETS),
)

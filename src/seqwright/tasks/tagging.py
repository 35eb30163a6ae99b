"""Tagging: tokens in, one class for every token out."""

from typing import Any, ClassVar

import numpy as np

from seqwright.data.bio import best_legal, is_bio, transitions
from seqwright.data.metrics import SpanF1, TokenAccuracy
from seqwright.data.task import Baseline, Metric, Task


class Tagging(Task):
    """A tag for every token: part of speech, named entities, slots.

    Inputs: {"tokens": [[str]]}; targets: a list of (T,). Where the labels are BIO tags the first metric is span F1 and
    decoding takes the most probable sequence in which no `I-x` follows anything but `B-x` or `I-x`
    (options={"legal": False}, or labels without `B-x`, as in IOB1 files, turn that off). Else it is token accuracy.
    """

    kind: ClassVar[str] = "tagging"
    inputs: ClassVar[tuple[str, ...]] = ("tokens",)
    streams: ClassVar[tuple[str, ...]] = ("words", "word_characters")
    space: ClassVar[str] = "tagging"
    portfolio: ClassVar[str] = "tagging"
    per_step: ClassVar[bool] = True

    def metrics(self) -> tuple[Metric, ...]:
        return (SpanF1(self.labels), TokenAccuracy()) if is_bio(self.labels) else (TokenAccuracy(),)

    def baselines(self) -> tuple[Baseline, ...]:
        from seqwright.tasks.baselines.linear_tagger import linear_tagger
        from seqwright.tasks.baselines.majority import word_majority

        return word_majority(len(self.labels)), linear_tagger(len(self.labels))

    def decode(self, probabilities: Any) -> list[np.ndarray]:
        if not (is_bio(self.labels) and self.options.get("legal", True)):
            return super().decode(probabilities)
        legal = transitions(self.labels)
        return [best_legal(np.asarray(p), legal) for p in probabilities]

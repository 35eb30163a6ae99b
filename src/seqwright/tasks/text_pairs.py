"""Text pairs: two texts in, one class out."""

from typing import ClassVar

from seqwright.tasks.text_classification import TextClassification


class TextPairs(TextClassification):
    """A class for what holds between two texts: entailment, paraphrase, answer to a question.

    Inputs: {"a": [str], "b": [str]}. Every stream comes three times: joined, `.a` and `.b`.
    All else is as for one text.
    """

    kind: ClassVar[str] = "text-pairs"
    inputs: ClassVar[tuple[str, ...]] = ("a", "b")
    space: ClassVar[str] = "pairs"
    portfolio: ClassVar[str] = "pairs"
    sides: ClassVar[int] = 2

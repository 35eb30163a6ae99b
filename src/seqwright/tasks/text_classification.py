"""Text classification: one text in, one class out."""

from typing import ClassVar

from seqwright.data.metrics import Accuracy, MacroF1, Mcc
from seqwright.data.task import Baseline, Metric, Task


class TextClassification(Task):
    """A class for a text: topic, sentiment, intent, language.

    Inputs: {"text": [str]}. Metrics: accuracy, macro-F1, and for two classes MCC.
    """

    kind: ClassVar[str] = "text-classification"
    inputs: ClassVar[tuple[str, ...]] = ("text",)
    streams: ClassVar[tuple[str, ...]] = ("words", "subwords", "characters", "word_characters", "ngrams")
    space: ClassVar[str] = "text"
    portfolio: ClassVar[str] = "text"

    def metrics(self) -> tuple[Metric, ...]:
        classes = len(self.labels)
        both = (Accuracy(), MacroF1(classes))
        return (*both, Mcc(classes)) if classes == 2 else both

    def baselines(self) -> tuple[Baseline, ...]:
        from seqwright.tasks.baselines.linear_text import linear_text
        from seqwright.tasks.baselines.majority import majority

        return majority(len(self.labels)), linear_text(len(self.labels), self.inputs)

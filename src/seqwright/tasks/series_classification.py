"""Series classification: numbers over time in one or more channels in, one class out."""

from typing import ClassVar

from seqwright.data.metrics import Accuracy, MacroF1, Mcc
from seqwright.data.task import Baseline, Metric, Task


class SeriesClassification(Task):
    """A class for a time series: gesture, heartbeat, machine state.

    Inputs: {"series": [(T, C) float32]}, T may differ. Metrics: accuracy, macro-F1, and for two classes MCC.
    """

    kind: ClassVar[str] = "series-classification"
    inputs: ClassVar[tuple[str, ...]] = ("series",)
    streams: ClassVar[tuple[str, ...]] = ("channels", "kernels")
    space: ClassVar[str] = "series"
    portfolio: ClassVar[str] = "series"

    def metrics(self) -> tuple[Metric, ...]:
        classes = len(self.labels)
        both = (Accuracy(), MacroF1(classes))
        return (*both, Mcc(classes)) if classes == 2 else both

    def baselines(self) -> tuple[Baseline, ...]:
        from seqwright.tasks.baselines.kernel_ridge import kernel_ridge
        from seqwright.tasks.baselines.majority import majority
        from seqwright.tasks.baselines.nearest import nearest
        from seqwright.tasks.baselines.trees import trees

        classes = len(self.labels)
        return majority(classes), nearest(classes), trees(classes), kernel_ridge(classes)

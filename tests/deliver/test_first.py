"""Where a search begins, and what is trained when there was no time to search: inside the space that was asked for."""

from pathlib import Path

import numpy as np
import pytest

from seqwright.arch.show import line
from seqwright.data.examples import Examples
from seqwright.deliver.options import Options
from seqwright.deliver.protocol import protocol
from seqwright.deliver.searching import first_of
from seqwright.evaluate import workbench
from seqwright.evaluate.workbench import Workbench
from seqwright.tasks.text_classification import TextClassification


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    count = 60
    examples = Examples({"text": [f"text {i}" for i in range(count)]}, np.arange(count) % 2, rows=np.arange(count))
    cut = protocol(examples, None, None, (0.9, 0.1, 0.0))
    folder: Path = tmp_path_factory.mktemp("bench")
    task = TextClassification(("a", "b"))
    return workbench.build(folder, task, cut.development, None, cut.folds, cut.searched, cut.fit_on, seed=0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "ngrambag"),
        ({"require": ("attention",)}, "attention"),
        ({"fix": ("/architecture=sequence", "/architecture/*/body/width=32")}, "width 32"),
    ],
)
def test_the_first_is_as_the_options_want_it(bench: Workbench, options: dict, said: str) -> None:
    assert said in line(first_of(Options.of(**options), bench))


def test_what_is_banned_is_not_the_first(bench: Workbench) -> None:
    assert "ngrambag" not in line(first_of(Options.of(ban=("bag",)), bench))

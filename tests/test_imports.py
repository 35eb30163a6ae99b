"""What must not be loaded until it is used."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "sklearn", "polars", "pandas", "tokenizers", "scipy")


@pytest.mark.parametrize(
    "statement",
    [
        "import seqwright",
        "import seqwright.tasks.registry as r; [r.task_of(kind) for kind in r.kinds()]",
        "import seqwright.search.evolution, seqwright.search.halving",
        "import seqwright.arch.spaces as s; [s.named(name) for name in s.describe()]",
    ],
)
def test_imports_nothing_heavy(statement: str) -> None:
    code = f"{statement}; import sys; print(*(m for m in {HEAVY} if m in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not loaded

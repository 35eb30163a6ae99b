"""The public names are exact, and cost nothing until they are used."""

import json
import subprocess
import sys

import pytest
from commands import environment

import seqwright

NAMES = [
    "Candidate", "InputError", "Model", "Network", "Options", "Proposal", "Recipe", "Result", "SeqwrightError",
    "Study", "TextClassifier", "Trial", "among", "compare", "fit", "leaderboard", "load", "load_space", "measure",
    "one_of", "portfolio", "predict", "refine", "resume", "vary",
]  # fmt: skip
HEAVY = ("torch", "polars", "sklearn", "numpy", "pandas", "sqlalchemy", "tokenizers")


def test_the_public_names() -> None:
    assert seqwright.__all__ == NAMES == sorted(NAMES)
    assert set(seqwright._HOMES) == set(NAMES)
    assert set(NAMES) <= set(dir(seqwright))


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there_and_documented(name: str) -> None:
    assert getattr(seqwright, name).__doc__


def test_what_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'seqwright' has no attribute 'fitt'"):
        _ = seqwright.fitt


@pytest.mark.parametrize("code", ["import seqwright", "from seqwright.cli import app"])
def test_importing_loads_nothing_heavy(code: str) -> None:
    script = f"{code}; import sys, json; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment())
    assert json.loads(done.stdout) == [], done.stderr


@pytest.mark.parametrize(
    ("arguments", "limit_s"), [(["-c", "import seqwright"], 0.3), (["-m", "seqwright", "-h"], 0.5)]
)
def test_starting_is_quick(arguments: list[str], limit_s: float) -> None:
    """Processor time of the program itself, so that a busy machine does not decide; the best of three."""
    script = (
        "import resource, subprocess, sys; "
        f"subprocess.run([sys.executable, *{arguments!r}], stdout=subprocess.DEVNULL, check=True); "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); print(used.ru_utime + used.ru_stime)"
    )
    command = [sys.executable, "-c", script]
    runs = [subprocess.run(command, capture_output=True, text=True, env=environment(), check=True) for _ in range(3)]
    assert min(float(done.stdout) for done in runs) < limit_s

"""Seqwright finds the best sequence model for a data set and a budget, and carries it to production.

::

    import seqwright

    result = seqwright.fit("reviews.tsv", target="label", budget="10m")
    labels, probabilities = seqwright.predict(result.model, ["a fine film"])

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqwright.api import Result, fit, leaderboard, predict, refine, resume
    from seqwright.api import evaluate as measure
    from seqwright.arch.candidate import Candidate, Recipe
    from seqwright.arch.network import Network
    from seqwright.arch.portfolio import portfolio
    from seqwright.arch.spaces import load as load_space
    from seqwright.deliver.bundle import Model, load
    from seqwright.deliver.contest import compare
    from seqwright.deliver.options import Options
    from seqwright.errors import InputError, SeqwrightError
    from seqwright.estimator import TextClassifier
    from seqwright.space.nodes import among, one_of, vary
    from seqwright.study.record import Proposal, Trial
    from seqwright.study.store import Study

__version__ = "0.1.0"

__all__ = [
    "Candidate",
    "InputError",
    "Model",
    "Network",
    "Options",
    "Proposal",
    "Recipe",
    "Result",
    "SeqwrightError",
    "Study",
    "TextClassifier",
    "Trial",
    "among",
    "compare",
    "fit",
    "leaderboard",
    "load",
    "load_space",
    "measure",
    "one_of",
    "portfolio",
    "predict",
    "refine",
    "resume",
    "vary",
]

# Public name -> where it lives. `measure` is `api.evaluate`: the package `seqwright.evaluate` has that name already.
_HOMES = {
    "Candidate": "arch.candidate:Candidate",
    "InputError": "errors:InputError",
    "Model": "deliver.bundle:Model",
    "Network": "arch.network:Network",
    "Options": "deliver.options:Options",
    "Proposal": "study.record:Proposal",
    "Recipe": "arch.candidate:Recipe",
    "Result": "api:Result",
    "SeqwrightError": "errors:SeqwrightError",
    "Study": "study.store:Study",
    "TextClassifier": "estimator:TextClassifier",
    "Trial": "study.record:Trial",
    "among": "space.nodes:among",
    "compare": "deliver.contest:compare",
    "fit": "api:fit",
    "leaderboard": "api:leaderboard",
    "load": "deliver.bundle:load",
    "load_space": "arch.spaces:load",
    "measure": "api:evaluate",
    "one_of": "space.nodes:one_of",
    "portfolio": "arch.portfolio:portfolio",
    "predict": "api:predict",
    "refine": "api:refine",
    "resume": "api:resume",
    "vary": "space.nodes:vary",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    value = getattr(import_module(f"{__name__}.{module}"), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

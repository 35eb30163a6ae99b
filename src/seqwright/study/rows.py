"""Proposals and trials as plain JSON data, and back.

JSON has no infinity and no NaN: a score of minus infinity is stored as null, and so is any other number
that is not finite; the latter come back as NaN.
"""

import math
from typing import Any

from seqwright.arch.codec import from_data, to_data
from seqwright.study.record import Fidelity, Proposal, Trial


def proposal_to_data(proposal: Proposal) -> dict[str, Any]:
    fidelity = proposal.fidelity
    return {
        "number": proposal.number,
        "candidate": to_data(proposal.candidate),
        "fidelity": {"examples": fidelity.examples, "folds": fidelity.folds, "stage": fidelity.stage},
        "why": proposal.why,
        "start": proposal.start,
        "move": proposal.move,
        "parent": proposal.parent,
        "seed": proposal.seed,
    }


def proposal_from_data(data: dict[str, Any]) -> Proposal:
    known = dict(data)
    candidate, fidelity = from_data(known.pop("candidate")), Fidelity(**known.pop("fidelity"))
    return Proposal(candidate, fidelity, **known)


def trial_to_data(trial: Trial) -> dict[str, Any]:
    """All of a trial but its proposal, which has a row of its own."""
    return {
        "score": _number(trial.score),
        "metrics": {name: _number(value) for name, value in trial.metrics.items()},
        "costs": {name: _number(value) for name, value in trial.costs.items()},
        "seconds": _number(trial.seconds),
        "curve": [[_number(value) for value in look] for look in trial.curve],
        "notes": list(trial.notes),
        "error": trial.error,
    } | ({"found": trial.found} if trial.found else {})


def trial_from_data(data: dict[str, Any], proposal: Proposal) -> Trial:
    return Trial(
        proposal,
        score=-math.inf if data["score"] is None else data["score"],
        metrics={name: _nan(value) for name, value in data["metrics"].items()},
        costs={name: _nan(value) for name, value in data["costs"].items()},
        seconds=_nan(data["seconds"]),
        curve=tuple(tuple(_nan(value) for value in look) for look in data["curve"]),
        notes=tuple(data["notes"]),
        error=data["error"],
        found=data.get("found", {}),
    )


def _number(value: float) -> float | int | None:
    """A number JSON can hold; numpy's scalars become Python's."""
    if isinstance(value, int):
        return int(value)
    return float(value) if math.isfinite(value) else None


def _nan(value: float | None) -> float:
    return math.nan if value is None else value

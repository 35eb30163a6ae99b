"""What a search says and hears: proposals go out, trials come back. Plain frozen data."""

from dataclasses import dataclass, field, replace
from typing import Any

from seqwright.arch.candidate import Candidate

CUT_SHORT = "cut short by the clock"  # a note: the trial did not reach its fidelity
UNJUDGED = "trained on every row, not judged"  # a refit that left nothing out to be scored on


@dataclass(frozen=True, order=True)
class Fidelity:
    """How much training a trial gets: examples seen since the start (never seconds), on how many folds.

    The stage is "full" in the search and "refit" after it. At "supernet" the proposal carries a space instead of an
    architecture (`arch.supernet`), and one network that shares its weights among all is trained; at "shared" a
    candidate is scored with the weights of the supernet that its `parent` names, without any training.
    """

    examples: int
    folds: int = 1
    stage: str = "full"

    @property
    def alone(self) -> bool:
        """Whether networks train by themselves. What a supernet's weights score is for the record, never a verdict."""
        return self.stage in ("full", "refit")


@dataclass(frozen=True)
class Proposal:
    """A candidate to train.

    Args:
        fidelity: how far.
        why: in words, for the report ("mutated 3f2a..: lstm -> gru at /architecture/body/layers/0/mixer").
        start: "scratch", "checkpoint" (continue this candidate's own lower fidelity), "parent" (begin with the
            weights of `parent`, whose training has ended: see `nn.morphism`) or "supernet" (with those of the supernet
            that `parent` names).
        move: what changed and where, as `space.moves.Move.as_data()`; None for a candidate drawn afresh.
        parent: id of the candidate it was made from.
        seed: of initial weights and batch order; a refit with seed s leaves out fold s.
        number: its place in the study, given by the search loop; -1 before.
    """

    candidate: Candidate
    fidelity: Fidelity = Fidelity(0)
    why: str = ""
    start: str = "scratch"
    move: dict[str, Any] | None = None
    parent: str | None = None
    seed: int = 0
    number: int = -1

    def at(self, fidelity: Fidelity, **changes: Any) -> "Proposal":
        return replace(self, fidelity=fidelity, **changes)


@dataclass(frozen=True)
class Trial:
    """What came of a proposal. A failed trial is data: `error` says why and `score` is minus infinity.

    Args:
        score: higher is better, always; the task's metric on validation, with its direction applied.
        metrics: every metric of the task, as the user knows them.
        costs: parameters, flops, seconds per thousand examples, peak_mib.
        seconds: spent on this trial alone (a continued one counts only the continuation).
        curve: (examples seen, train loss, validation score) at each look.
        notes: what the trainer noticed: "collapsed to the majority class", "stopped early".
        found: what a supernet gives back, as JSON: "prior", weights by path and label for further search, and
            "derived", architectures as `codec.to_data` writes them, best first.
    """

    proposal: Proposal
    score: float
    metrics: dict[str, float] = field(default_factory=dict[str, float])
    costs: dict[str, float] = field(default_factory=dict[str, float])
    seconds: float = 0.0
    curve: tuple[tuple[float, ...], ...] = ()
    notes: tuple[str, ...] = ()
    error: str = ""
    found: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def failed(self) -> bool:
        return bool(self.error)

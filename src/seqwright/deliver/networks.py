"""Trained networks on disk: where those of a trial lie, and the weights they are delivered with."""

from pathlib import Path
from typing import TYPE_CHECKING

from seqwright.arch import codec
from seqwright.arch.candidate import Candidate
from seqwright.deliver.bundle import Member
from seqwright.evaluate.trial import state_path
from seqwright.evaluate.workbench import Workbench
from seqwright.study.record import Trial

if TYPE_CHECKING:
    from torch import Tensor


def states(bench: Workbench, folder: Path, trial: Trial) -> list[Path]:
    """Where the networks of one trial lie: one for each fold that it was trained for."""
    proposal = trial.proposal
    stage, seed = proposal.fidelity.stage, proposal.seed
    which = [seed % len(bench.folds)] if stage == "refit" else range(proposal.fidelity.folds)
    paths = [state_path(folder, codec.identity(proposal.candidate), stage, seed, fold) for fold in which]
    return [path for path in paths if path.exists()]


def member_of(candidate: Candidate, state: Path, weight: float = 1.0) -> Member:
    """A candidate's network as a member of a model, with the best weights in a training state."""
    return Member(candidate, weight, weights(state), str(state))


def weights(state: Path) -> "dict[str, Tensor]":
    """The best weights in a training state."""
    from seqwright.train import checkpoint

    kept = checkpoint.read(state)
    assert kept is not None, state
    return {name.removeprefix("best/"): tensor for name, tensor in kept[0].items() if name.startswith("best/")}

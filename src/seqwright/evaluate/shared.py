"""What a worker does for one-shot search: train a supernet on each fold, or score a candidate on shared weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqwright.arch import codec
from seqwright.arch.candidate import Candidate
from seqwright.arch.supernet import Supernet
from seqwright.errors import StudyError
from seqwright.evaluate.workbench import Workbench

if TYPE_CHECKING:
    from seqwright.evaluate.trial import Order

STAGE = "supernet"


def train_supernet(order: "Order", bench: Workbench, candidate: Candidate) -> "dict[str, Any]":
    """Train the supernet that stands in the candidate; its trial's score is a derived network's, for the record only.

    The folds of a small data set have a supernet each; what is `found` is the first one's.
    """
    from seqwright.evaluate.trial import plan_of, pooled, rows_of, scored, state_path
    from seqwright.oneshot.job import Work, train
    from seqwright.train.device import device_of

    supernet = candidate.architecture
    if not isinstance(supernet, Supernet):
        raise StudyError(f'The stage "{STAGE}" trains a Supernet, not a {type(supernet).__name__}.')
    folder, runs = Path(order.run_folder), []
    development = bench.development.only(supernet.streams)
    for fold in range(order.folds):
        index, held = bench.folds[fold]
        learned, valid = development.take(index), development.take(held)
        work = Work(
            interface=bench.interface,
            train=learned,
            valid=valid,
            score=bench.score,
            examples=order.examples,
            plan=plan_of(order, candidate.recipe, len(learned), order.precision),
            device=device_of(order.device),
            state=state_path(folder, codec.identity(candidate), STAGE, order.seed, fold),
            begin=None if order.parent is None else state_path(folder, order.parent, STAGE, order.seed, fold),
        )
        runs.append(train(supernet.training, supernet, candidate.recipe, work))
    told = scored(bench, pooled([run.probabilities for run in runs]), rows_of(bench, range(order.folds)))
    return told | {
        "costs": {"examples_per_s": sum(r.examples for r in runs) / max(1e-9, sum(r.seconds for r in runs))},
        "curve": [list(point) for point in runs[0].curve],
        "notes": sorted({note for run in runs for note in run.notes}),
        "found": runs[0].found,
    }


def score_shared(order: "Order", bench: Workbench, candidate: Candidate) -> "dict[str, Any]":
    """Score a candidate with the weights that it has in the supernet `order.parent`, without any training."""
    from seqwright.evaluate.trial import costs_of, pooled, rows_of, scored, state_path
    from seqwright.nn.cost import cost
    from seqwright.oneshot.inherit import inherited, recalibrate
    from seqwright.train.device import device_of
    from seqwright.train.predict import probabilities

    if order.parent is None:
        raise StudyError('A proposal of the stage "shared" names the supernet whose weights it inherits as its parent.')
    architecture = candidate.architecture
    development = bench.development.only(architecture.streams)
    answers = []
    for fold in range(order.folds):
        train, valid = bench.folds[fold]
        state = state_path(Path(order.run_folder), order.parent, STAGE, order.seed, fold)
        network = inherited(architecture, bench.interface, state).to(device_of(order.device)).eval()
        recalibrate(network, development.take(train), architecture.streams, order.seed)
        answers.append(probabilities(network, development.take(valid), architecture.streams, order.precision))
    told = scored(bench, pooled(answers), rows_of(bench, range(order.folds)))
    costs = cost(architecture, bench.interface) | costs_of(order, bench, candidate)
    return told | {"costs": costs, "curve": [], "notes": []}

"""What a worker does with a proposal: build the network, train it on each fold, score it on what was left out."""

import math
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqwright.arch import codec
from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.encoders import Frozen, HeadedEncoder
from seqwright.data.examples import Encoded, listed
from seqwright.data.metrics import score
from seqwright.evaluate import predictions
from seqwright.evaluate.costs import costs
from seqwright.evaluate.workbench import Workbench, load
from seqwright.search.objectives import beyond
from seqwright.search.sieve import UNTRAINED
from seqwright.study.record import UNJUDGED

if TYPE_CHECKING:
    from seqwright.train.fit import Plan


@dataclass(frozen=True)
class Order:
    """What a worker is asked to train; all of it JSON.

    Args:
        prepared, run_folder: where the data lie, and where training states and predictions go.
        candidate: as `codec.to_data` wrote it.
        thaw_at: examples after which a pretrained encoder's own layers train.
        parent: id of the candidate with whose weights a network begins that has no state of its own; at the stages
            "supernet" and "shared", of the supernet.
        continues: whether it goes on from its own lower fidelity. A worker looks for a state in any case; who keeps
            account of seconds minds the difference.
        keep_states: whether a frozen encoder's hidden states of all examples are kept; else each step computes its own.
        stop_at: time.time() after which to stop at once and score what there is.
        save_every_s: how much training a kill may cost.
        costs: names of what is to be counted or measured of the network; see `search.objectives`.
        limits: the most that some of them may be. A network beyond them is not trained.
    """

    prepared: str
    run_folder: str
    candidate: dict[str, Any]
    number: int
    examples: int
    folds: int
    stage: str
    seed: int
    thaw_at: int = 0
    parent: str | None = None
    continues: bool = False
    keep_states: bool = True
    threads: int = 1
    device: str = "auto"
    precision: str = "auto"
    stop_at: float | None = None
    save_every_s: float = 20.0
    costs: "tuple[str, ...]" = ()
    limits: "dict[str, float]" = field(default_factory=dict)


def run(**arguments: Any) -> dict[str, Any]:
    """Train one candidate to a fidelity; the JSON half of a Trial.

    A refit is judged on the fold of its seed. Where data are so few that the search was judged on all folds, it
    trains on every row instead, and the folds' judgement of its candidate stands.

    Args:
        arguments: the fields of an `Order`.
    """
    import torch

    from seqwright.train.fit import Diverged

    order = Order(**arguments)
    torch.set_num_threads(order.threads)
    began = time.monotonic()
    bench = load(order.prepared)
    candidate: Candidate = codec.from_data(order.candidate)
    if order.stage != "supernet" and (told := refused(order, bench, candidate)):
        return told | {"seconds": time.monotonic() - began}
    if order.stage in ("supernet", "shared"):
        from seqwright.evaluate import shared

        one = shared.train_supernet if order.stage == "supernet" else shared.score_shared
        return one(order, bench, candidate) | {"seconds": time.monotonic() - began}
    if order.stage.startswith(UNTRAINED):
        from seqwright.evaluate.training_free import of_bench

        score = of_bench(order.stage.removeprefix(UNTRAINED), candidate.architecture, bench)
        if not math.isfinite(score):
            return {"error": f"{order.stage}: the score is no number", "seconds": time.monotonic() - began}
        told = {"score": score, "metrics": {}, "costs": costs_of(order, bench, candidate), "curve": [], "notes": []}
        return told | {"seconds": time.monotonic() - began}
    refit = order.stage == "refit"
    whole = refit and bench.searched > 1
    which = [order.seed % len(bench.folds)] if refit else list(range(order.folds))
    if not refit and order.keep_states and head_only(candidate, 0, order.thaw_at):
        from seqwright.evaluate.cohort_trial import run as run_heads  # many times as fast as what follows, even for one

        examples = order.examples
        if not head_only(candidate, examples, order.thaw_at):
            examples = order.thaw_at
        (told,) = run_heads([asdict(order) | {"examples": examples}])
        if "error" in told:
            raise Diverged(told["error"].removeprefix("Diverged: "))
        if examples == order.examples:
            return told
    development = bench.development.only(candidate.architecture.streams)
    if order.keep_states:
        development = bench.reading(candidate.architecture, development, order.precision, order.device)
    runs = []
    for fold in which:
        train, valid = bench.folds[fold]
        data = development if whole else development.take(train)
        runs.append(_train(order, bench, candidate, data, None if whole else development.take(valid), fold))
    return judged(order, bench, candidate, runs, which) | {"seconds": time.monotonic() - began}


def refused(order: Order, bench: Workbench, candidate: Candidate) -> "dict[str, Any] | None":
    """What to tell of a candidate that breaks a limit; None of one that is to be trained, as refits always are."""
    found = costs_of(order, bench, candidate)
    error = beyond(found, order.limits) if order.stage != "refit" else ""
    return {"error": error, "costs": found} if error else None


def costs_of(order: Order, bench: Workbench, candidate: Candidate) -> dict[str, float]:
    """The costs that an order asks for."""
    return costs(candidate.architecture, bench.interface, order.costs, Path(order.run_folder) / "costs")


def judged(
    order: Order, bench: Workbench, candidate: Candidate, runs: "list[Any]", which: "list[int]"
) -> dict[str, Any]:
    """What to tell of a candidate's runs, one a fold of `which`; what they answered is kept."""
    from seqwright.nn.cost import cost

    told = {
        "costs": {
            "examples_per_s": sum(r.trained for r in runs) / max(1e-9, sum(r.seconds for r in runs)),
            "best_examples": float(np.mean([r.inherited + r.best_step * candidate.recipe.batch_size for r in runs])),
        }
        | cost(candidate.architecture, bench.interface)
        | costs_of(order, bench, candidate),
        "curve": [list(point) for point in runs[0].curve],
        "notes": sorted({note for r in runs for note in r.notes}),
    }
    if runs[0].probabilities is None:  # judged already, by the folds of its trial in the search
        return told | {"score": 0.0, "metrics": {}, "notes": [*told["notes"], UNJUDGED]}
    index, answers = rows_of(bench, which), pooled([r.probabilities for r in runs])
    predictions.save(Path(order.run_folder), order.number, index, answers)
    return told | scored(bench, answers, index)


def rows_of(bench: Workbench, folds: Iterable[int]) -> np.ndarray:
    """The validation examples of these folds."""
    return np.concatenate([bench.folds[fold][1] for fold in folds])


def scored(bench: Workbench, answers: Any, index: np.ndarray) -> dict[str, Any]:
    """The score and all metrics of answers to the development examples `index`."""
    decoded, known = bench.task.decode(answers), bench.known(index)
    targets = listed(known.targets)
    metrics = {m.name: score(m, decoded, targets, known.weights) for m in bench.task.metrics()}
    return {"score": bench.score(answers, targets, known.weights), "metrics": metrics}


def head_only(candidate: Candidate, examples: int, thaw_at: int) -> bool:
    """Whether all that a fidelity trains is a head on pooled states: too little for bfloat16, and fit for cohorts."""
    architecture = candidate.architecture
    if not isinstance(architecture, HeadedEncoder) or not architecture.pooled:
        return False
    return isinstance(architecture.stem.tuning, Frozen) or examples <= thaw_at


def plan_of(order: Order, recipe: Recipe, rows: int, precision: str) -> "Plan":
    """How an order is trained on `rows` examples."""
    from seqwright.train.fit import Plan, looks_of, steps_of

    refit = order.stage == "refit"
    looks = looks_of(rows, recipe.batch_size)
    steps = steps_of(order.examples, recipe.batch_size, looks)
    return Plan(
        steps=steps,
        schedule="cosine" if refit else "constant",
        looks=steps if refit else looks,
        seed=order.seed,
        precision=precision,
        # A rung that ends where encoders thaw is a whole number of looks, and so ends before.
        thaw_at=steps_of(order.thaw_at, recipe.batch_size, looks) if order.thaw_at else 0,
        stop_at=None if order.stop_at is None else time.monotonic() + order.stop_at - time.time(),
        save_every_s=order.save_every_s,
    )


def begun(order: Order, bench: Workbench, candidate: Candidate, rows: int, fold: int) -> "tuple[Any, Plan, Path, Any]":
    """The network to train on `rows` examples, freshly built or with its parent's weights; how; its state; what of it.

    The last is to be kept in its state.
    """
    import torch

    from seqwright.evaluate.inheritance import begin
    from seqwright.nn.build import build
    from seqwright.train.device import device_of, precision_of

    torch.manual_seed(order.seed)
    device = device_of(order.device)
    network = build(candidate.architecture, bench.interface, candidate.recipe.dropout).to(device)
    precision = "float32" if head_only(candidate, order.examples, order.thaw_at) else order.precision
    plan = plan_of(order, candidate.recipe, rows, precision_of(network, precision, device))
    state = state_path(Path(order.run_folder), codec.identity(candidate), order.stage, order.seed, fold)
    about = {}
    if not state.exists():
        elder = order.parent
        kept = state_path(Path(order.run_folder), elder, order.stage, order.seed, fold) if elder else None
        about = begin(network, candidate, kept)
    return network, plan, state, about


def _train(
    order: Order, bench: Workbench, candidate: Candidate, train: Encoded, valid: Encoded | None, fold: int
) -> Any:
    """One network, from its checkpoint if it has one."""
    from seqwright.train.fit import fit

    network, plan, state, about = begun(order, bench, candidate, len(train), fold)
    streams, classes = candidate.architecture.streams, len(bench.task.labels)
    judge = partial(bench.score, weights=None if valid is None else valid.weights)
    return fit(network, candidate.recipe, train, valid, judge, plan, streams, classes, state, about)


def state_path(run_folder: Path, identity: str, stage: str, seed: int, fold: int) -> Path:
    """Where one network's training state lies."""
    return run_folder / "checkpoints" / f"{identity}.{stage}.{seed}.{fold}.safetensors"


def pooled(parts: "list[Any]") -> Any:
    """Answers of several folds as one: an array, or a list where there is an output for every step."""
    if isinstance(parts[0], list):
        return [p for part in parts for p in part]
    return np.concatenate(parts)

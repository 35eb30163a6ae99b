"""What a worker does with a proposal: build the network, train it on each fold, score it on what was left out."""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from seqwright.arch import codec
from seqwright.arch.candidate import Candidate
from seqwright.data.examples import Encoded, listed
from seqwright.data.metrics import score
from seqwright.evaluate import predictions
from seqwright.evaluate.workbench import Workbench, load
from seqwright.study.record import UNJUDGED


@dataclass(frozen=True)
class Order:
    """What a worker is asked to train; all of it JSON.

    Args:
        prepared, run_folder: where the data lie, and where training states and predictions go.
        candidate: as `codec.to_data` wrote it.
        thaw_at: examples after which a pretrained encoder's own layers train.
        stop_at: time.time() after which to stop at once and score what there is.
        save_every_s: how much training a kill may cost.
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
    threads: int = 1
    device: str = "auto"
    precision: str = "auto"
    stop_at: float | None = None
    save_every_s: float = 20.0


def run(**arguments: Any) -> dict[str, Any]:
    """Train one candidate to a fidelity; the JSON half of a Trial.

    A refit is judged on the fold of its seed. Where data are so few that the search was judged on all folds, it
    trains on every row instead, and the folds' judgement of its candidate stands.

    Args:
        arguments: the fields of an `Order`.
    """
    import torch

    from seqwright.nn.cost import cost

    order = Order(**arguments)
    torch.set_num_threads(order.threads)
    began = time.monotonic()
    bench = load(order.prepared)
    candidate: Candidate = codec.from_data(order.candidate)
    refit = order.stage == "refit"
    whole = refit and bench.searched > 1
    which = [order.seed % len(bench.folds)] if refit else list(range(order.folds))
    development = bench.reading(candidate.architecture, bench.development, order.precision, order.device)
    runs = []
    for fold in which:
        train, valid = bench.folds[fold]
        data = development if whole else development.take(train)
        runs.append(_train(order, bench, candidate, data, None if whole else development.take(valid), fold))
    told = {
        "costs": {
            "examples_per_s": sum(r.trained for r in runs) / max(1e-9, sum(r.seconds for r in runs)),
            "best_examples": float(np.mean([r.best_step * candidate.recipe.batch_size for r in runs])),
        }
        | cost(candidate.architecture, bench.interface),
        "curve": [list(point) for point in runs[0].curve],
        "notes": sorted({note for r in runs for note in r.notes}),
        "seconds": time.monotonic() - began,
    }
    if whole:  # judged already, by the folds of its trial in the search
        return told | {"score": 0.0, "metrics": {}, "notes": [*told["notes"], UNJUDGED]}
    index = np.concatenate([bench.folds[f][1] for f in which])
    pooled = _pool([r.probabilities for r in runs])
    predictions.save(Path(order.run_folder), order.number, index, pooled)
    decoded, known = bench.task.decode(pooled), bench.known(index)
    targets = listed(known.targets)
    metrics = {m.name: score(m, decoded, targets, known.weights) for m in bench.task.metrics()}
    return told | {"score": bench.score(pooled, targets, known.weights), "metrics": metrics}


def _train(
    order: Order, bench: Workbench, candidate: Candidate, train: Encoded, valid: Encoded | None, fold: int
) -> Any:
    """One network, from its checkpoint if it has one."""
    import torch

    from seqwright.nn.build import build
    from seqwright.train.device import device_of, precision_of
    from seqwright.train.fit import Plan, fit, looks_of, steps_of

    recipe, refit = candidate.recipe, order.stage == "refit"
    torch.manual_seed(order.seed)
    device = device_of(order.device)
    network = build(candidate.architecture, bench.interface, recipe.dropout).to(device)
    looks = looks_of(len(train), recipe.batch_size)
    steps = steps_of(order.examples, recipe.batch_size, looks)
    plan = Plan(
        steps=steps,
        schedule="cosine" if refit else "constant",
        looks=steps if refit else looks,
        seed=order.seed,
        precision=precision_of(network, order.precision, device),
        thaw_at=order.thaw_at // recipe.batch_size,
        stop_at=None if order.stop_at is None else time.monotonic() + order.stop_at - time.time(),
        save_every_s=order.save_every_s,
    )
    state = state_path(Path(order.run_folder), codec.identity(candidate), order.stage, order.seed, fold)
    streams, classes = candidate.architecture.streams, len(bench.task.labels)
    judge = partial(bench.score, weights=None if valid is None else valid.weights)
    return fit(network, recipe, train, valid, judge, plan, streams, classes, state)


def state_path(run_folder: Path, identity: str, stage: str, seed: int, fold: int) -> Path:
    """Where one network's training state lies."""
    return run_folder / "checkpoints" / f"{identity}.{stage}.{seed}.{fold}.safetensors"


def _pool(parts: "list[Any]") -> Any:
    if isinstance(parts[0], list):
        return [p for part in parts for p in part]
    return np.concatenate(parts)

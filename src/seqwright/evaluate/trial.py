"""What a worker does with a proposal: build the network, train it on each fold, score it on what was left out."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from seqwright.arch import codec
from seqwright.arch.candidate import Candidate
from seqwright.data.examples import Ragged
from seqwright.evaluate import predictions
from seqwright.evaluate.workbench import Workbench, load


def run(
    prepared: str,
    run_folder: str,
    candidate: "dict[str, Any]",
    number: int,
    examples: int,
    folds: int,
    stage: str,
    seed: int,
    threads: int = 1,
    device: str = "auto",
    precision: str = "float32",
    stop_at: "float | None" = None,
    save_every_s: float = 20.0,
) -> "dict[str, Any]":
    """Train one candidate to a fidelity; the JSON half of a Trial.

    A refit is judged on the fold of its seed. Where data are so few that the search was judged on all folds, it
    trains on every row instead, and the folds' judgement of its candidate stands.

    Args:
        stop_at: time.time() after which to stop at once and score what there is.
        save_every_s: how much training a kill may cost.
    """
    import torch

    torch.set_num_threads(threads)
    from seqwright.nn.cost import cost

    began = time.monotonic()
    bench = load(prepared)
    value: Candidate = codec.from_data(candidate)
    final = stage == "refit" and bench.searched > 1
    which = [seed % len(bench.folds)] if stage == "refit" else range(folds)
    runs = []
    for fold in which:
        train, valid = bench.folds[fold]
        if final:
            train, valid = np.arange(len(bench.development)), None
        state = state_path(Path(run_folder), codec.identity(value), stage, seed, fold)
        runs.append(_train(bench, value, train, valid, examples, stage, seed, device, precision, stop_at, state))
    told = {
        "costs": {
            "examples_per_s": sum(r.trained for r in runs) / max(1e-9, sum(r.seconds for r in runs)),
            "best_examples": float(np.mean([r.best_step * value.recipe.batch_size for r in runs])),
        }
        | cost(value.architecture, bench.interface),
        "curve": [list(point) for point in runs[0].curve],
        "notes": sorted({note for r in runs for note in r.notes}),
        "seconds": time.monotonic() - began,
    }
    if final:  # judged already, by the folds of its trial in the search
        return told | {"score": 0.0, "metrics": {}, "notes": [*told["notes"], "trained on every row, not judged"]}
    index = np.concatenate([bench.folds[f][1] for f in which])
    pooled = _pool([r.probabilities for r in runs])
    predictions.save(Path(run_folder), number, index, pooled)
    decoded = bench.task.decode(pooled)
    targets = listed(bench.development.take(index).targets)
    metrics = {m.name: float(m.reduce(m.statistics(decoded, targets).sum(0))) for m in bench.task.metrics()}
    return told | {"score": bench.score(pooled, targets), "metrics": metrics}


def _train(
    bench: Workbench,
    candidate: Candidate,
    train: np.ndarray,
    valid: "np.ndarray | None",
    examples: int,
    stage: str,
    seed: int,
    device: str,
    precision: str,
    stop_at: "float | None",
    state: Path,
) -> Any:
    import torch

    from seqwright.nn.build import build
    from seqwright.train.device import device_of
    from seqwright.train.fit import Plan, fit, looks_of, steps_of

    recipe, refit = candidate.recipe, stage == "refit"
    torch.manual_seed(seed)
    network = build(candidate.architecture, bench.interface, recipe.dropout).to(device_of(device))
    looks = looks_of(len(train), recipe.batch_size)
    steps = steps_of(examples, recipe.batch_size, looks)
    plan = Plan(
        steps=steps,
        schedule="cosine" if refit else "constant",
        looks=steps if refit else looks,
        seed=seed,
        precision=precision,
        stop_at=None if stop_at is None else time.monotonic() + stop_at - time.time(),
    )
    return fit(
        network,
        recipe,
        bench.development.take(train),
        None if valid is None else bench.development.take(valid),
        bench.score,
        plan,
        candidate.architecture.streams,
        len(bench.task.labels),
        state,
    )


def state_path(run_folder: Path, identity: str, stage: str, seed: int, fold: int) -> Path:
    """Where one network's training state lies."""
    return run_folder / "checkpoints" / f"{identity}.{stage}.{seed}.{fold}.safetensors"


def listed(targets: Any) -> Any:
    """Targets as metrics want them: a list of arrays where there is one per step."""
    return [targets[i] for i in range(len(targets))] if isinstance(targets, Ragged) else targets


def _pool(parts: "list[Any]") -> Any:
    if isinstance(parts[0], list):
        return [p for part in parts for p in part]
    return np.concatenate(parts)

"""A run's prepared data on disk, as every worker sees it: task, preprocessing, arrays, folds.

Everything here is written once, before the search, and only read afterwards. `development` is all that search
and refits may see, cut into folds; `test` is sealed: only `deliver/evidence.py` opens it.
"""

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from seqwright.arch.encoders import Pretrained, cuts
from seqwright.arch.interface import Interface, Stream
from seqwright.data import store
from seqwright.data.activations import Activations, default_folder
from seqwright.data.checkpoint import Checkpoint
from seqwright.data.examples import Encoded, Examples, listed
from seqwright.data.metrics import score
from seqwright.data.prepare import Preparation
from seqwright.data.task import Task
from seqwright.errors import StudyError
from seqwright.tasks.registry import from_data

Fold = tuple[np.ndarray, np.ndarray]  # (train, valid), indices into development
COMPLETE = "complete.json"  # written last: a folder without it was never finished


@dataclass(frozen=True)
class Workbench:
    folder: Path
    task: Task
    preparation: Preparation
    development: Encoded
    folds: tuple[Fold, ...]
    searched: int  # how many of the folds a trial of the search is judged on
    features_bytes: int = 0  # what the hidden states of frozen encoders may take on disk

    @property
    def interface(self) -> Interface:
        return self.preparation.interface(len(self.task.labels), per_step=self.task.per_step)

    @property
    def encoder(self) -> "Stream | None":
        """The stream of a pretrained encoder, where there is one."""
        return dict(self.interface.streams).get(Pretrained.reads[0])

    def reading(self, architecture: Any, encoded: Encoded, precision: str = "auto", device: str = "auto") -> Encoded:
        """What a network reads of `encoded`, with the hidden states of a frozen encoder that are kept or can be."""
        streams = architecture.streams
        encoded = encoded.only(streams)
        if self.encoder is None or not isinstance(architecture.stem, Pretrained) or not self.features_bytes:
            return encoded
        from seqwright.evaluate.features import attach

        wanted = [cut for cut in cuts(architecture.stem, self.encoder.depth) if cut]  # embeddings are quickly looked up
        cache = Activations(default_folder(), self.features_bytes)
        return attach(encoded, self.interface, streams, wanted, cache, precision=precision, device=device)

    def score(self, probabilities: Any, targets: Any, weights: "np.ndarray | None" = None) -> float:
        """The task's metric of decoded probabilities, turned so that higher is better."""
        metric = self.task.chosen()
        value = score(metric, self.task.decode(probabilities), listed(targets), weights)
        return value if metric.higher_is_better else -value

    def known(self, index: np.ndarray) -> Encoded:
        """What is known of the development examples `index`: targets and weights, without what networks read."""
        return self.development.only(()).take(index)

    def score_at(self, index: np.ndarray, probabilities: Any) -> float:
        """`score` of answers to the development examples `index`."""
        known = self.known(index)
        return self.score(probabilities, known.targets, known.weights)

    def likelihood_at(self, index: np.ndarray, probabilities: Any) -> float:
        """The mean log-probability (nats) of the true answers to the development examples `index`."""
        known = self.known(index)
        targets, weights = listed(known.targets), np.ones(len(index)) if known.weights is None else known.weights
        if isinstance(probabilities, list):
            weights = np.repeat(weights, [len(steps) for steps in targets])
            probabilities, targets = np.concatenate(probabilities), np.concatenate(targets)
        there = np.flatnonzero(targets >= 0)
        total = weights[there].sum()
        logs = np.log(probabilities[there, targets[there]].clip(1e-6))
        return float(logs @ weights[there] / total) if total else 0.0

    def examples(self, name: str) -> Examples:
        """The raw examples, "development" or "test", for baselines."""
        return load_examples(self.folder, name)


def build(
    folder: Path,
    task: Task,
    development: Examples,
    test: "Examples | None",
    folds: Sequence[Fold],
    searched: int,
    fit_on: np.ndarray,
    seed: int,
    max_length: "int | None" = None,
    facts: "dict[str, Any] | None" = None,
    encoder: "Checkpoint | None" = None,
    features_bytes: int = 0,
) -> Workbench:
    """Prepare everything once.

    Args:
        searched: how many of the folds a trial of the search is judged on.
        fit_on: rows of development that the preprocessing may learn from.
        facts: kept in `COMPLETE`, for those who come after.
        encoder: a pretrained one, whose pieces are then a stream beside the task's own.
        features_bytes: what its hidden states may take on disk.
    """
    folder.mkdir(parents=True, exist_ok=True)
    streams = task.streams if encoder is None else (*task.streams, *Pretrained.reads)
    learned_from = development.take(fit_on)
    preparation = Preparation.fit(
        learned_from, streams, sides=task.sides, seed=seed, max_length=max_length, checkpoint=encoder
    )
    (folder / "task.json").write_text(json.dumps(task.as_data(), indent=1))
    (folder / "prepare.json").write_text(json.dumps(preparation.as_data()))
    if (tokenizer := preparation.tokenizer_json()) is not None:
        (folder / "tokenizer.json").write_text(tokenizer)
    store.save(folder, "development", preparation.encode(development))
    save_examples(folder, "development", development)
    if test is not None:
        store.save(folder, "test", preparation.encode(test))
        save_examples(folder, "test", test)
    indices = [[train.tolist(), valid.tolist()] for train, valid in folds]
    cut = {"searched": searched, "folds": indices, "features_bytes": features_bytes}
    (folder / "folds.json").write_text(json.dumps(cut))
    aside = folder / f"{COMPLETE}.part"
    aside.write_text(json.dumps(facts or {}))
    aside.replace(folder / COMPLETE)
    bench = load(folder)
    return replace(bench, preparation=replace(bench.preparation, findings=preparation.findings))  # said once


def load(folder: "Path | str") -> Workbench:
    """Open prepared data; the same object again for the same folder in one process.

    Raises:
        StudyError: the folder holds no complete preparation.
    """
    folder = Path(folder).resolve()
    try:
        prepared_at = (folder / COMPLETE).stat().st_mtime_ns
    except OSError:
        raise StudyError(f"{folder} holds no prepared data. Run `seqwright fit` on it again.") from None
    return _load(folder, prepared_at)


@functools.lru_cache(maxsize=2)
def _load(folder: Path, prepared_at: int) -> Workbench:
    """`prepared_at` tells a folder from an earlier one of the same name, which was removed."""
    tokenizer = folder / "tokenizer.json"
    cut = json.loads((folder / "folds.json").read_text())
    return Workbench(
        folder=folder,
        task=from_data(json.loads((folder / "task.json").read_text())),
        preparation=Preparation.from_data(
            json.loads((folder / "prepare.json").read_text()), tokenizer.read_text() if tokenizer.exists() else None
        ),
        development=store.load(folder, "development"),
        folds=tuple((np.asarray(train, np.int64), np.asarray(valid, np.int64)) for train, valid in cut["folds"]),
        searched=cut["searched"],
        features_bytes=cut.get("features_bytes", 0),
    )


def save_examples(folder: Path, name: str, examples: Examples) -> None:
    """Raw examples as JSON; arrays (series, targets) as nested lists, which float32 survives exactly."""

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value.tolist()
        return [plain(v) for v in value] if isinstance(value, list) else value

    data = {
        "inputs": {key: plain(values) for key, values in examples.inputs.items()},
        "targets": plain(examples.targets),
        "weights": plain(examples.weights),
        "groups": plain(examples.groups),
        "rows": examples.rows.tolist(),
    }
    (folder / f"{name}.examples.json").write_text(json.dumps(data, default=str))


def load_examples(folder: Path, name: str) -> Examples:
    data = json.loads((folder / f"{name}.examples.json").read_text())
    inputs, targets = data["inputs"], data["targets"]
    if "series" in inputs:
        channels = next((len(steps[0]) for steps in inputs["series"] if steps), 1)  # [] does not say how many
        inputs["series"] = [np.asarray(steps, np.float32).reshape(-1, channels) for steps in inputs["series"]]
    if targets:
        per_step = isinstance(targets[0], list)
        targets = [np.asarray(t, np.int64) for t in targets] if per_step else np.asarray(targets, np.int64)
    return Examples(
        inputs,
        targets,
        None if data["weights"] is None else np.asarray(data["weights"], np.float32),
        data["groups"],
        np.asarray(data["rows"], np.int64),
    )

"""The bundle: a delivered model as a folder of plain files, written whole or not at all.

======================= ==========================================================================
architecture.json       schema version; members, each an architecture with its recipe and weight
task.json               task, labels, metric, and the columns that the data came in
prepare.json            all state of the preprocessing
tokenizer.json          in the format of the `tokenizers` library, where there is one
weights.safetensors     tensors of member i under "i/"; of a pretrained encoder only what was trained
encoder/                the pretrained encoder as it came, where a member has one
card.md                 what it is, what it was measured to do, and on what
manifest.json           sha256 of every other file
======================= ==========================================================================
"""

import hashlib
import io
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqwright.arch import codec
from seqwright.arch.candidate import Candidate
from seqwright.arch.encoders import Pretrained
from seqwright.data.examples import Encoded, Examples
from seqwright.data.prepare import Preparation
from seqwright.data.task import Task
from seqwright.errors import BundleError, SeqwrightError
from seqwright.tasks import registry

if TYPE_CHECKING:
    from torch import Tensor, nn

SCHEMA = 1
MANIFEST, TOKENIZER = "manifest.json", "tokenizer.json"
NEEDED = ("architecture.json", "task.json", "prepare.json", "weights.safetensors")
FILES = (*NEEDED, TOKENIZER, "card.md", MANIFEST)
ENCODER = "encoder"  # its config and safetensors


@dataclass(frozen=True)
class Member:
    """One network of the delivered ensemble and its share in the average.

    Args:
        source: whence its weights came, where that is known: what has the same is the same network.
    """

    candidate: Candidate
    weight: float
    tensors: "dict[str, Tensor]"
    source: str = ""


@dataclass
class Model:
    """A delivered model: raw examples in, probabilities and labels out."""

    task: Task
    preparation: Preparation
    members: Sequence[Member]
    columns: "dict[str, Any]"
    folder: "Path | None" = None

    def probabilities(self, examples: Examples) -> Any:
        """(N, C) float32, rows summing to 1; for an output per step a list of N arrays (T, C)."""
        encoded = self.preparation.encode(examples)
        found = self.answer(encoded)
        if not self.task.per_step:
            return found
        # A network reads one unknown step of an empty sentence, which has no step to answer for.
        return [steps[: len(tokens)] for steps, tokens in zip(found, examples.inputs[self.task.inputs[0]], strict=True)]

    def answer(self, encoded: Encoded, kept: "dict[str, Any] | None" = None) -> Any:
        """`probabilities` of examples that this preparation encoded already.

        Args:
            kept: answers to these examples by a member's source; what is known is not asked again.
        """
        import torch

        from seqwright.train.device import precision_of, threads
        from seqwright.train.predict import probabilities

        shares = np.array([m.weight for m in self.members])
        answers, kept = [], {} if kept is None else kept
        for place, member in enumerate(self.members):
            if (source := member.source or str(place)) not in kept:
                network, streams = self._network(member, place), member.candidate.architecture.streams
                precision = precision_of(network, "auto", torch.device("cpu"))
                # An encoder is large enough for every core; the others lose by a second thread.
                with threads((os.cpu_count() or 1) if _reads_encoder(member) else 1):
                    kept[source] = probabilities(network, encoded, streams, precision)
            answers.append(kept[source])
        return blend(answers, shares / shares.sum())

    def predict(self, examples: Examples) -> "list[Any]":
        """A label for each example (a list of labels where there is one per step)."""
        return self.named(self.probabilities(examples))

    def named(self, probabilities: Any) -> "list[Any]":
        """The labels that probabilities stand for."""
        decoded = self.task.decode(probabilities)
        if self.task.per_step:
            return [[self.task.labels[i] for i in steps] for steps in decoded]
        return [self.task.labels[i] for i in decoded]

    def _network(self, member: Member, place: int) -> "nn.Module":
        from seqwright.nn.build import build
        from seqwright.nn.trained import restore

        interface = self.preparation.interface(len(self.task.labels), per_step=self.task.per_step)
        network = build(member.candidate.architecture, interface)
        try:
            restore(network, member.tensors)
        except SeqwrightError as error:
            raise BundleError(
                f"weights.safetensors does not fit member {place} of architecture.json ({error}). "
                "Take the bundle from a copy or fit again."
            ) from error
        return network.eval()

    def to_bytes(self) -> bytes:
        """The bundle as a zip archive; `from_bytes` is its inverse."""
        if self.folder is None:
            raise BundleError("This model was never written to a folder, so it has no bundle to pack.")
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(self.folder.rglob("*")):
                if _belongs(name := path.relative_to(self.folder).as_posix()):
                    archive.write(path, name)
        return buffer.getvalue()


def blend(answers: "Sequence[Any]", shares: np.ndarray) -> Any:
    """The weighted mean of several models' probabilities."""
    if isinstance(answers[0], list):
        return [sum(w * a for w, a in zip(shares, steps, strict=True)) for steps in zip(*answers, strict=True)]
    return sum(w * a for w, a in zip(shares, answers, strict=True))


def write(
    folder: Path, task: Task, preparation: Preparation, members: Sequence[Member], columns: "dict[str, Any]", card: str
) -> None:
    """Write a bundle beside `folder`, then put it in its place."""
    from safetensors.torch import save_file

    aside = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    for unfinished in folder.parent.glob(f"{folder.name}.*.part"):  # by writers that were killed
        shutil.rmtree(unfinished, ignore_errors=True)
    aside.mkdir(parents=True)
    head = {
        "schema": SCHEMA,
        "members": [{"candidate": codec.to_data(m.candidate), "weight": m.weight} for m in members],
    }
    _json(aside / "architecture.json", head)
    _json(aside / "task.json", task.as_data() | {"columns": columns})
    _json(aside / "prepare.json", preparation.as_data())
    if (tokenizer := preparation.tokenizer_json()) is not None:
        (aside / TOKENIZER).write_text(tokenizer, encoding="utf-8")
    tensors = {f"{i}/{n}": t.detach().cpu().contiguous() for i, m in enumerate(members) for n, t in m.tensors.items()}
    save_file(tensors, aside / "weights.safetensors")
    shutil.copymode(aside / "task.json", aside / "weights.safetensors")  # safetensors lets none but the owner read
    if (encoder := preparation.encoder) is not None and any(map(_reads_encoder, members)):
        encoder.copy(aside / ENCODER)
    (aside / "card.md").write_text(card, encoding="utf-8")
    written = {p.relative_to(aside).as_posix(): p for p in sorted(aside.rglob("*")) if p.is_file()}
    _json(aside / MANIFEST, {"schema": SCHEMA, "sha256": {name: _digest(p) for name, p in written.items()}})
    old = folder.with_name(f"{folder.name}.{os.getpid()}.old")
    if folder.exists():
        folder.replace(old)
    aside.replace(folder)
    for replaced in folder.parent.glob(f"{folder.name}.*.old"):
        shutil.rmtree(replaced, ignore_errors=True)


def load(folder: "Path | str") -> Model:
    """Open a bundle, checking every file against the manifest.

    Raises:
        BundleError: not a bundle, incomplete, changed since it was written, or of another schema version.
    """
    from safetensors import SafetensorError

    folder = Path(folder)
    if not (folder / MANIFEST).exists() and (folder / "best" / MANIFEST).exists():
        folder = folder / "best"  # a run's folder is as good
    if not folder.exists():
        raise BundleError(f"There is no folder {folder}. Give the folder that `seqwright fit` wrote.")
    if not (folder / MANIFEST).exists():
        raise BundleError(
            f"{folder} is no bundle: it has no {MANIFEST}. Give the folder `best/` that `seqwright fit` wrote."
        )
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        schema, digests = manifest["schema"], dict(manifest["sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(
            f"{folder / MANIFEST} is damaged ({error}). Take the bundle from a copy or fit again."
        ) from None
    if schema != SCHEMA:
        raise BundleError(
            f"{folder} has schema version {schema}; this Seqwright reads version {SCHEMA}. "
            "Load it with the version that wrote it (card.md names it), or fit again."
        )
    for name, digest in digests.items():
        path = folder / name
        if not _belongs(name) or not path.is_file():
            raise BundleError(f"{folder} lacks {name}. Copy the whole folder.")
        if _digest(path) != digest:
            raise BundleError(f"{path} was changed after it was written (its sha256 differs). Copy the folder again.")
    if missing := set(NEEDED) - digests.keys():
        raise BundleError(f"{folder} lacks {', '.join(sorted(missing))}. Copy the whole folder.")
    try:
        return _opened(folder, (folder / TOKENIZER).read_text(encoding="utf-8") if TOKENIZER in digests else None)
    except (
        SeqwrightError,
        SafetensorError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
    ) as error:
        raise BundleError(f"{folder} cannot be read as a bundle: {error}") from error


def _opened(folder: Path, tokenizer: "str | None") -> Model:
    """The model in a folder whose files are those that were written; what is wrong with their content is raised."""
    from safetensors.torch import load_file

    head, described, prepared = (
        json.loads((folder / name).read_text(encoding="utf-8"))
        for name in ("architecture.json", "task.json", "prepare.json")
    )
    columns = described.pop("columns", {})
    task, preparation = registry.from_data(described), Preparation.from_data(prepared, tokenizer, folder / ENCODER)
    if preparation.inputs != task.inputs:
        raise BundleError(f"prepare.json reads {preparation.inputs}, but {task.kind} has {task.inputs}.")
    tensors = load_file(folder / "weights.safetensors")
    members = [
        Member(
            codec.from_data(member["candidate"]),
            float(member["weight"]),
            {n.removeprefix(f"{i}/"): t for n, t in tensors.items() if n.startswith(f"{i}/")},
        )
        for i, member in enumerate(head["members"])
    ]
    if not members or not all(isinstance(m.candidate, Candidate) and 0 < m.weight < float("inf") for m in members):
        raise BundleError("architecture.json needs one candidate or more, each with a weight above 0.")
    return Model(task, preparation, members, columns, folder)


def from_bytes(data: bytes, folder: Path) -> Model:
    """Unpack what `Model.to_bytes` packed into `folder` and load it.

    Raises:
        BundleError: these are not the bytes of a bundle.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in filter(_belongs, archive.namelist()):  # nothing else has a place in a bundle
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_bytes(archive.read(name))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise BundleError(f"These are not the bytes of a bundle: {error}. Give what `Model.to_bytes` gave.") from None
    return load(folder)


def _belongs(name: str) -> bool:
    """Whether a bundle has a file of that name: its own, or one of its encoder's."""
    folder, _, file = name.rpartition("/")
    return name in FILES or (folder == ENCODER and file.endswith((".json", ".safetensors")))


def _reads_encoder(member: Member) -> bool:
    return isinstance(getattr(member.candidate.architecture, "stem", None), Pretrained)


def _json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

"""The bundle: what goes in comes out, and nothing that was changed, cut or foreign is let through."""

import hashlib
import io
import json
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.network import Body, Mean, Mlp, Network, NgramBag, PerStep, Subwords, Words
from seqwright.data.examples import Examples
from seqwright.data.prepare import Preparation
from seqwright.deliver import bundle
from seqwright.deliver.bundle import Member, Model
from seqwright.errors import BundleError
from seqwright.nn.build import build
from seqwright.nn.source import as_torch
from seqwright.tasks.tagging import Tagging
from seqwright.tasks.text_classification import TextClassification

TEXTS = Examples({"text": ["red round", "blue square", "red square", "", "Größe ☃ new"]})
FILES = ("architecture.json", "card.md", "manifest.json", "prepare.json", "task.json", "tokenizer.json")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A bundle of two networks, freshly initialised."""
    task = TextClassification(("cold", "warm ☃"))
    preparation = Preparation.fit(TEXTS, task.streams)
    members = []
    for seed, stem in enumerate((NgramBag(), Subwords())):
        torch.manual_seed(seed)
        candidate = Candidate(Network(stem, Body((), width=32), Mean(), Mlp(layers=0)), Recipe())
        network = build(candidate.architecture, preparation.interface(2))
        members.append(Member(candidate, 1.0 + seed, dict(network.state_dict())))
    folder = tmp_path_factory.mktemp("bundle") / "best"
    bundle.write(folder, task, preparation, members, {"text": "text", "target": "label"}, "# A card ☃")
    return bundle.load(folder)


def rewrite_manifest(folder: Path) -> None:
    """What a forger would do."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"] = {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir() if p.name != "manifest.json"
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture
def copied(model: Model, tmp_path: Path) -> Path:
    assert model.folder is not None
    return Path(shutil.copytree(model.folder, tmp_path / "best"))


def test_round_trip(model: Model, tmp_path: Path) -> None:
    answers = model.probabilities(TEXTS)
    assert answers.shape == (5, 2) and answers.sum(1) == pytest.approx(1.0)
    assert set(model.predict(TEXTS)) <= {"cold", "warm ☃"}
    assert model.columns == {"text": "text", "target": "label"}
    again = tmp_path / "again"
    bundle.write(again, model.task, model.preparation, model.members, model.columns, "")
    loaded = bundle.load(again)
    assert np.array_equal(loaded.probabilities(TEXTS), answers)
    assert [m.candidate for m in loaded.members] == [m.candidate for m in model.members]
    assert [p.name for p in tmp_path.iterdir()] == ["again"]


def test_members_are_averaged_by_weight(model: Model) -> None:
    alone = [Model(model.task, model.preparation, [m], {}).probabilities(TEXTS) for m in model.members]
    assert not np.allclose(*alone)
    assert model.probabilities(TEXTS) == pytest.approx((alone[0] + 2 * alone[1]) / 3, abs=1e-6)


def test_one_row_or_none_at_all(model: Model) -> None:
    whole = model.probabilities(TEXTS)
    alone = [model.probabilities(TEXTS.take([i])) for i in range(5)]
    assert np.concatenate(alone) == pytest.approx(whole, abs=1e-5)
    assert model.predict(TEXTS.take([])) == []


def test_a_sentence_without_tokens_has_no_tags() -> None:
    sentences = Examples({"tokens": [["red", "round"], [], ["blue"]]})
    task = Tagging(("X", "Y"))
    preparation = Preparation.fit(sentences, task.streams)
    network = Network(Words(), Body((), width=16), PerStep(), Mlp(layers=0))
    tensors = dict(build(network, preparation.interface(2, per_step=True)).state_dict())
    model = Model(task, preparation, [Member(Candidate(network, Recipe()), 1.0, tensors)], {})
    assert [steps.shape for steps in model.probabilities(sentences)] == [(2, 2), (0, 2), (1, 2)]
    assert [len(tags) for tags in model.predict(sentences)] == [2, 0, 1]


def test_no_file_is_a_pickle(model: Model) -> None:
    assert model.folder is not None
    assert sorted(p.name for p in model.folder.iterdir()) == sorted([*FILES, "weights.safetensors"])
    for path in model.folder.iterdir():
        with pytest.raises(Exception):  # noqa: B017 - whatever it says
            pickle.loads(path.read_bytes())


def test_bytes_and_back(model: Model, tmp_path: Path) -> None:
    loaded = bundle.from_bytes(model.to_bytes(), tmp_path / "unpacked")
    assert np.array_equal(loaded.probabilities(TEXTS), model.probabilities(TEXTS))
    with pytest.raises(BundleError, match="never written to a folder"):
        Model(model.task, model.preparation, model.members, {}).to_bytes()
    with pytest.raises(BundleError, match="not the bytes of a bundle"):
        bundle.from_bytes(b"nonsense", tmp_path / "nonsense")


def test_a_run_folder_will_do(copied: Path) -> None:
    assert bundle.load(copied.parent).folder == copied


@pytest.mark.parametrize("name", [*FILES, "weights.safetensors"])
def test_a_changed_file_is_noticed(copied: Path, name: str) -> None:
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(content)
    with pytest.raises(BundleError, match=r"changed after it was written|damaged|lacks|schema"):
        bundle.load(copied)


@pytest.mark.parametrize("name", [*FILES, "weights.safetensors"])
def test_a_missing_file_is_noticed(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(BundleError, match=f"lacks {name}" if name != "manifest.json" else "is no bundle"):
        bundle.load(copied)


@pytest.mark.parametrize("name", [*FILES, "weights.safetensors"])
def test_a_cut_file_is_noticed_even_if_the_manifest_was_forged(copied: Path, name: str) -> None:
    content = (copied / name).read_bytes()
    (copied / name).write_bytes(content[: len(content) // 2])
    if name != "manifest.json":
        rewrite_manifest(copied)
    if name == "card.md":  # for people alone
        assert bundle.load(copied).members
        return
    with pytest.raises(BundleError):
        bundle.load(copied).probabilities(TEXTS)


def test_weights_of_another_architecture(copied: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(copied / "weights.safetensors")
    save_file({name: value for name, value in tensors.items() if "head" not in name}, copied / "weights.safetensors")
    rewrite_manifest(copied)
    with pytest.raises(BundleError, match=r"weights\.safetensors does not fit"):
        bundle.load(copied).probabilities(TEXTS)


def test_foreign_folders(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"is no bundle: it has no manifest\.json\. Give the folder `best/`"):
        bundle.load(tmp_path)
    with pytest.raises(BundleError, match=r"There is no folder .*absent\. Give the folder"):
        bundle.load(tmp_path / "absent")
    (tmp_path / "manifest.json").write_text('{"name": "an app", "start_url": "/"}')
    with pytest.raises(BundleError, match="damaged"):
        bundle.load(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(BundleError, match="damaged"):
        bundle.load(tmp_path)
    (tmp_path / "manifest.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BundleError, match="damaged"):
        bundle.load(tmp_path)


def test_a_newer_schema_says_what_to_do(copied: Path) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    (copied / "manifest.json").write_text(json.dumps(manifest | {"schema": 99}))
    with pytest.raises(BundleError, match=r"schema version 99; this Seqwright reads version 1.*version that wrote it"):
        bundle.load(copied)


def test_names_in_the_manifest_stay_in_the_folder(copied: Path) -> None:
    (copied.parent / "secret.json").write_text("{}")
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["sha256"]["../secret.json"] = hashlib.sha256(b"{}").hexdigest()
    (copied / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="lacks"):
        bundle.load(copied)


def test_writing_again_replaces_the_whole(model: Model, copied: Path) -> None:
    (copied / "old").write_text("")
    (copied.parent / "best.123.part").mkdir()  # what a killed writer leaves
    (copied.parent / "best.123.old").mkdir()
    bundle.write(copied, model.task, model.preparation, model.members[:1], {}, "new")
    assert len(bundle.load(copied).members) == 1
    assert [p.name for p in copied.parent.iterdir()] == ["best"]


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("architecture.json", ("members",), []),
        ("architecture.json", ("members", 0, "candidate"), None),
        ("architecture.json", ("members", 0, "weight"), 0),
        ("architecture.json", ("members", 0, "weight"), float("inf")),
        ("task.json", (), "text"),
        ("task.json", ("kind",), "text-pairs"),
        ("prepare.json", ("longest", "words"), float("inf")),
        ("prepare.json", ("inputs",), ["tokens"]),
    ],
)
def test_forged_content_is_no_bundle(copied: Path, name: str, path: tuple[str, ...], value: object) -> None:
    data = json.loads((copied / name).read_text())
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    if path:
        inner[path[-1]] = value
    (copied / name).write_text(json.dumps(data if path else value))
    rewrite_manifest(copied)
    with pytest.raises(BundleError, match="cannot be read as a bundle"):
        bundle.load(copied)


def test_a_tokenizer_outside_the_manifest_is_not_read(copied: Path) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    del manifest["sha256"]["tokenizer.json"]
    (copied / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"tokenizer\.json is missing"):
        bundle.load(copied)


def test_an_archive_puts_nothing_else_on_disk(model: Model, tmp_path: Path) -> None:
    held = io.BytesIO(model.to_bytes())
    with zipfile.ZipFile(held, "a") as archive:
        for name in ("../outside", "..", "sub/", "sitecustomize.py"):
            archive.writestr(name, "x")
    unpacked = tmp_path / "here" / "unpacked"
    assert bundle.from_bytes(held.getvalue(), unpacked).members
    assert {p.name for p in tmp_path.rglob("*")} == {"here", "unpacked", *FILES, "weights.safetensors"}


def test_every_file_may_be_read_by_whom_the_others_may(model: Model) -> None:
    assert model.folder is not None
    assert len({path.stat().st_mode for path in model.folder.iterdir()}) == 1


def test_the_written_network_takes_the_bundles_weights(model: Model) -> None:
    """As the written file itself says, line by line."""
    assert model.folder is not None
    text = as_torch(model.members[0].candidate, model.preparation.interface(2))
    said = text.partition("from safetensors.torch import load_file")[2].partition("batch = {")[0]
    lines = [line.strip().removeprefix("#").strip() for line in said.splitlines()]
    scope: dict[str, Any] = {"__name__": "network"}
    exec(text, scope)
    network = scope["model"] = scope["Model"]()
    scope["load_file"] = lambda name: load_file(model.folder / Path(name).name)
    exec("\n".join(lines), scope)
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, model.members[0].tensors[name])

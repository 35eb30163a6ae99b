"""Whatever is wrong with a pretrained encoder: one screen that says what to do, exit code 2, nothing left behind."""

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from commands import Run
from safetensors.torch import load_file, save_file

from seqwright.testing.encoder import tiny_encoder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_encoder(tmp_path_factory.mktemp("encoder"))


def _config(folder: Path, **differs: object) -> None:
    path = folder / "config.json"
    given = json.loads(path.read_text()) | differs
    path.write_text(json.dumps({name: value for name, value in given.items() if value is not None}))


def _cut_short(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def _pickled(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def _without_a_layer(folder: Path) -> None:
    path = folder / "model.safetensors"
    save_file({n: t for n, t in load_file(path).items() if ".layer.3." not in n}, path)


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut short": (_cut_short, r"model\.safetensors are damaged \(it has [\d,]+ bytes and should have [\d,]+\)"),
    "no safetensors": (lambda f: (f / "model.safetensors").write_bytes(b"hello" * 99), "its header is cut short"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "has no weights"),
    "pickled": (_pickled, r"as a pickle only \(pytorch_model\.bin\).* --trust-pickle"),
    "no config": (lambda f: (f / "config.json").unlink(), "is no checkpoint: it has no config.json"),
    "broken config": (lambda f: (f / "config.json").write_text("{oops"), r"config\.json is damaged"),
    "no depth": (lambda f: _config(f, num_hidden_layers=None), "does not say how many layers"),
    "another width": (lambda f: _config(f, hidden_size=48), r"do not fit its config\.json: .*, not [\d,]+ x 48"),
    "another vocabulary": (lambda f: _config(f, vocab_size=999), r"do not fit its config\.json: .*, not 999 x 32"),
    "a layer less": (_without_a_layer, "they lack layer 4 of 4"),
    "unknown family": (lambda f: _config(f, model_type="berd"), 'family "berd".* Did you mean "bert"'),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), r"has no tokenizer .* Copy its tokenizer\.json"),
    "broken tokenizer": (lambda f: (f / "tokenizer.json").write_text("{}"), r"tokenizer\.json is damaged"),
}


def refused(told: tuple[int, str, str], said: str) -> None:
    code, _, error = told
    text = " ".join(error.split())
    assert code == 2, error
    assert "Traceback" not in error and len(error.splitlines()) <= 24
    assert re.search(said, text), error


@pytest.mark.parametrize("how", BROKEN)
def test_checkpoints_that_cannot_be_used(run: Run, texts: Path, made: Path, tmp_path: Path, how: str) -> None:
    shutil.copytree(made, tmp_path / "encoder")
    damage, said = BROKEN[how]
    damage(tmp_path / "encoder")
    refused(run("fit", texts, "--encoder", "encoder", "--budget", "1trial", "-o", "run"), said)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", r'--encoder is empty. .* "none"'),
        ("./nowhere", "There is no folder ./nowhere"),
        ("some/model", r'no encoder "some/model".*not in the local cache.*HF_HUB_OFFLINE.*seqwright\[minilm\]'),
        ("README.md", "README.md is a file. Give the checkpoint's folder"),
        (".", "has no config.json. Give the folder that holds config.json"),
    ],
)
def test_names_that_lead_nowhere(
    run: Run, texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "README.md").write_text("nothing")
    refused(run("fit", texts, "--encoder", name, "--budget", "1trial", "-o", "run"), said)


def test_the_environment_is_named_where_it_was_wrong(
    run: Run, texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQWRIGHT_ENCODER", "./nowhere")
    refused(run("fit", texts, "--budget", "1trial", "-o", "run"), r"SEQWRIGHT_ENCODER .*\./nowhere.* no folder")


def test_an_encoder_for_what_is_no_text(run: Run, made: Path, tmp_path: Path) -> None:
    (tmp_path / "tags.conll").write_text("the\tDET\ncat\tNOUN\nsleeps\tVERB\n\na\tDET\ndog\tNOUN\nruns\tVERB\n\n" * 10)
    refused(run("fit", "tags.conll", "--encoder", made, "--budget", "1trial"), "tagging has no running text to read")


@pytest.mark.parametrize("size", ["-1", "nan", "inf", "much"])
def test_cache_sizes_that_are_none(run: Run, texts: Path, made: Path, size: str) -> None:
    told = run("fit", texts, "--encoder", made, "--feature-cache", size, "--budget", "1trial")
    refused(told, "--feature-cache.*(GiB, or 0 to keep nothing|valid number)")


def test_a_space_of_heads_without_an_encoder(run: Run, texts: Path) -> None:
    told = run("fit", texts, "--encoder", "none", "--space", "bert-head", "--budget", "1trial", "-o", "run")
    refused(told, r"bert-head.*pretrained encoder.*--encoder")


def test_without_transformers(run: Run, texts: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *_: None)
    refused(run("fit", texts, "--encoder", made, "--budget", "1trial"), r'pip install "seqwright\[pretrained\]"')


def test_an_encoder_is_not_read_without_transformers(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a bundle would be on a machine that has none."""
    from seqwright.errors import InputError
    from seqwright.nn.encoders import Encoder

    for name in [name for name in sys.modules if name == "transformers.utils" or name == "transformers"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r'pip install "seqwright\[pretrained\]"'):
        Encoder.read(made)

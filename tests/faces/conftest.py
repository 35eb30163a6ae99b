"""Bundles made without a search, small generated data, and a way to run the command line within the process."""

from pathlib import Path

import pytest
import torch
from commands import Run, write_csv

from seqwright import cli
from seqwright.arch.blocks import Conv, Skip
from seqwright.arch.candidate import Candidate
from seqwright.arch.network import Body, Layer, Mean, Mlp, Network, PerStep, Words
from seqwright.data.infer import Loaded, load
from seqwright.data.prepare import Preparation
from seqwright.deliver import bundle
from seqwright.nn.build import build
from seqwright.tasks.registry import task_of


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("data") / "texts.csv", 60)


@pytest.fixture(scope="session")
def text_bundle(texts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = Network(Words(), Body((Layer(Conv(kernel=3), Skip()),), width=16), Mean(), Mlp(layers=0))
    return _bundle(tmp_path_factory.mktemp("text") / "best", load(texts), network)


@pytest.fixture(scope="session")
def tag_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tags") / "train.conll"
    path.write_text("the\tDET\ncat\tNOUN\nsleeps\tVERB\n\na\tDET\ndog\tNOUN\nruns\tVERB\nfast\tADV\n\n" * 10)
    network = Network(Words(), Body((Layer(Conv(kernel=3), Skip()),), width=16), PerStep(), Mlp(layers=0))
    return _bundle(tmp_path_factory.mktemp("tagger") / "best", load(path), network, max_length=4)


def _bundle(folder: Path, loaded: Loaded, network: Network, max_length: "int | None" = None) -> Path:
    """A bundle whose network was never trained."""
    torch.manual_seed(0)
    task = task_of(loaded.kind)(loaded.labels)
    preparation = Preparation.fit(loaded.examples, task.streams, sides=task.sides, max_length=max_length)
    module = build(network, preparation.interface(len(loaded.labels), per_step=task.per_step))
    members = [bundle.Member(Candidate(network), 1.0, module.state_dict())]
    bundle.write(folder, task, preparation, members, loaded.columns, "# A model")
    return folder


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command in a folder of its own: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def command(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            cli.main([str(argument) for argument in arguments])
        said = capfd.readouterr()
        assert isinstance(left.value.code, int)
        return left.value.code, said.out, said.err

    return command

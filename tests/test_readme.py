"""What README and docs say works: snippets are run, folders and links exist, commands are real."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from seqwright.testing.encoder import tiny_encoder

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").glob("*.md"))


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """A folder with the files that the README's snippets name."""
    rows = [
        (f"{what} {was} {how}", label)
        for label, hows in (("good", ("fine", "moving", "bright")), ("bad", ("dull", "clumsy", "hollow")))
        for how in hows
        for was in ("was", "is", "felt", "seemed")
        for what in ("the film", "this book", "her song", "that play", "our trip")
    ]
    table = "".join(f"{text}\t{label}\n" for text, label in rows)
    (tmp_path / "reviews.tsv").write_text("text\tlabel\n" + table, encoding="utf-8")
    (tmp_path / "new.csv").write_text("text\na fine film\na dull one\n", encoding="utf-8")
    return tmp_path


def run(command: list[str], folder: Path) -> None:
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "PATH": paths}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_python_snippet_runs(reviews: Path) -> None:
    (snippet,) = blocks("python")
    assert '"10m"' in snippet
    run([sys.executable, "-c", snippet.replace('"10m"', '"1trials"')], reviews)


def test_the_commands_run(reviews: Path) -> None:
    commands, _ = (block for block in blocks("sh") if "seqwright" in block)
    assert "--budget 10m" in commands
    commands = commands.replace("--budget 10m", "--budget 1trials").replace(
        "seqwright ", f"'{sys.executable}' -m seqwright "
    )
    run(["sh", "-ec", commands], reviews)
    assert (reviews / "labels.csv").read_text(encoding="utf-8").count("\n") == 3


def test_the_commands_with_an_encoder_run(reviews: Path) -> None:
    _, commands = (block for block in blocks("sh") if "seqwright" in block)
    assert "--encoder models/my-bert" in commands and "--budget 10m" in commands
    tiny_encoder(reviews / "models" / "my-bert")
    commands = commands.replace("--budget 10m", "--budget 1trials").replace(
        "seqwright ", f"'{sys.executable}' -m seqwright "
    )
    run(["sh", "-ec", commands], reviews)
    assert (reviews / "runs" / "encoder" / "best" / "encoder" / "config.json").exists()
    assert (reviews / "labels.csv").read_text(encoding="utf-8").count("\n") == 3


def test_every_make_target_named_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {name for path in DOCUMENTS for name in re.findall(r"`?make ([a-z]+)`", path.read_text(encoding="utf-8"))}
    assert named and named <= targets


def test_every_package_has_a_line_in_the_readme() -> None:
    packages = {path.parent.name for path in (ROOT / "src" / "seqwright").glob("*/__init__.py")}
    assert packages == set(re.findall(r"\| `src/seqwright/(\w+)` \|", README))


def test_links_and_paths_lead_somewhere() -> None:
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
            assert (path.parent / link).exists(), f"{path.name}: {link}"
        for named in re.findall(r"`((?:[a-z_]+/)+[a-z_0-9]+\.py)`", text):
            places = (ROOT / named, ROOT / "src" / named, ROOT / "src" / "seqwright" / named)
            assert any(place.exists() for place in places), f"{path.name}: {named}"


def test_named_benchmarks_exist() -> None:
    named = set(re.findall(r"benchmarks\.(\w+)", README))
    assert named and all(importlib.util.find_spec(f"benchmarks.{name}") for name in named)

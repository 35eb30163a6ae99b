"""From a path to its bytes, or to an error that says what is there instead."""

import gzip
import zlib
from pathlib import Path

from seqwright.data.wording import listing
from seqwright.errors import DataError, did_you_mean

# First bytes of files that people hand over by mistake, and what to do about it.
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook: unpack it, or save the sheet as csv"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file: save the sheet as csv"),
    (b"%PDF", "a PDF: extract the texts to csv first"),
    (b"\x89PNG", "an image (png)"),
    (b"\xff\xd8\xff", "an image (jpeg)"),
    (b"RIFF", "a sound or video file"),
    (b"SQLite format 3", "an SQLite database: export the table as csv"),
    (b"\x7fELF", "a program"),
    (b"BZh", "a bzip2 archive: unpack it first"),
    (b"\xfd7zXZ", "an xz archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstandard archive: unpack it first"),
    (b"PAR1", "a parquet file: name it .parquet"),
    (b"\x93NUMPY", "a single numpy array: save X and y together as .npz"),
)


def existing(source: str | Path) -> Path:
    """The path of a file that is there and not empty.

    Raises:
        DataError: nothing there (did-you-mean among its siblings), a directory, empty, or not readable.
    """
    path = Path(source).expanduser()
    try:
        if path.is_dir():
            inside = sorted(p.name for p in path.iterdir() if p.is_file())
            raise DataError(
                f"{path} is a folder, not a file. Name one file in it"
                + (f": {listing(inside)}." if inside else ", but it holds no files.")
            )
        if not path.exists():
            folder = path.parent
            if not folder.is_dir():
                raise DataError(f"There is no file {path}: its folder {folder} does not exist either.")
            siblings = sorted(p.name for p in folder.iterdir() if p.is_file())
            hint = did_you_mean(path.name, siblings)
            there = f" In {folder} there are: {listing(siblings)}." if siblings and not hint else ""
            raise DataError(f"There is no file {path}.{hint}{there}")
        if path.is_file() and path.stat().st_size == 0:
            raise DataError(f"{path} is empty (0 bytes): give a file with a header line and at least two rows.")
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror or error}.") from error
    return path


def content(path: Path) -> bytes:
    """The bytes of a text file, unpacked if it is gzipped.

    Raises:
        DataError: it cannot be read, or is a known binary form; the message says which and what to do.
    """
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    for signature, what in _SIGNATURES:
        if data.startswith(signature):
            raise DataError(
                f"{path} is not a text file but {what}. Seqwright reads csv, tsv, jsonl, parquet, npz, conll."
            )
    return data

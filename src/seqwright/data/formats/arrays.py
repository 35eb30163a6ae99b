"""Series as arrays: X (N, C, T) padded with NaN, y (N,), and lengths (N,) where they are known."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from seqwright.data.table import Table
from seqwright.data.wording import listing
from seqwright.errors import DataError


def read_npz(path: Path) -> Table:
    """The table (series, label, ...) of an npz file; further arrays with one entry an example are columns too.

    Raises:
        DataError: damaged, without X, or with pickled objects, which are never loaded.
    """
    arrays: dict[str, np.ndarray] = {}
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path.name} is not an npz file: save np.savez(path, X=..., y=...).")
    try:
        with np.load(path, allow_pickle=False) as archive:
            for name in archive.files:
                arrays[name] = archive[name]
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise DataError(f"{path.name} is not a readable npz file: {error}.") from None
    except ValueError as error:
        raise DataError(f"{path.name}: {error} Save y as numbers or fixed-width strings: y.astype(str).") from None
    if "X" not in arrays:
        raise DataError(
            f"{path.name} has no array X, only {listing(arrays) or 'nothing'}. Save "
            "np.savez(path, X=(n, channels, T) padded with NaN, y=labels, lengths=optional)."
        )
    rest = {name: list(a.tolist()) for name, a in arrays.items() if name not in ("X", "lengths") and a.ndim == 1}
    return of_arrays(arrays["X"], arrays.get("lengths"), rest, path.name, "npz")


def of_arrays(x: np.ndarray, lengths: "np.ndarray | None", rest: dict[str, list[Any]], source: str, form: str) -> Table:
    """The table of X (N, C, T) or (N, T), with one (T, C) array a row."""
    if x.ndim == 2:
        x = x[:, None, :]
    if x.ndim != 3 or x.dtype.kind not in "iuf":
        raise DataError(f"{source}: X must hold numbers of shape (n, channels, T) or (n, T), not {x.dtype} {x.shape}.")
    if not len(x):
        raise DataError(f"{source}: X is empty, of shape {x.shape}.")
    if lengths is not None and (
        np.ndim(lengths) != 1 or lengths.dtype.kind not in "iuf" or not (lengths == np.floor(lengths)).all()
    ):
        raise DataError(f"{source}: lengths must be one whole number for each series.")
    for name, cells in (*rest.items(), ("lengths", lengths)):
        if cells is not None and len(cells) != len(x):
            raise DataError(f"{source}: X has {len(x):,} series, but {name} has {len(cells):,} entries.")
    if lengths is None:
        # Padding is what is NaN in every channel up to the end.
        known: np.ndarray = ~np.all(np.isnan(x), axis=1)
        lengths = np.where(np.any(known, axis=1), x.shape[2] - known[:, ::-1].argmax(1), 0)
    lengths = np.asarray(lengths, np.int64)
    if (lengths < 0).any() or (lengths > x.shape[2]).any():
        raise DataError(f"{source}: lengths must lie between 0 and {x.shape[2]}, X's last axis.")
    if x.dtype.kind == "f" and (np.abs(x[np.isfinite(x)]) > np.finfo(np.float32).max).any():
        raise DataError(f"{source}: X has numbers beyond 3e38, which is more than a network can read. Scale it down.")
    series = [np.ascontiguousarray(one[:, :length].T, np.float32) for one, length in zip(x, lengths, strict=True)]
    return Table({"series": series, **rest}, source, form)

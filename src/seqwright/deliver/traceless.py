"""A command that was wrong leaves nothing behind, so that the corrected one does not meet another run's folder."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from seqwright.errors import InputError
from seqwright.study.database import FILE
from seqwright.study.store import Study


@contextlib.contextmanager
def traceless(folder: Path) -> Iterator[None]:
    """Remove what an `InputError` inside leaves in `folder`, unless candidates were trained already."""
    existed = folder.exists()
    before = set(folder.iterdir()) if folder.is_dir() else set()
    try:
        yield
    except InputError:
        if folder.is_dir() and not _has_trained(folder):
            for path in set(folder.iterdir()) - before:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            if not existed:
                folder.rmdir()
        raise


def _has_trained(folder: Path) -> bool:
    if not (folder / FILE).exists():  # it went wrong before there was a study
        return False
    with Study.open(folder) as study:
        return bool(study.proposals())

"""What all tests share: no pretrained encoder unless a test names one, and a cache of their own."""

import os
import shutil
import tempfile

import pytest


def pytest_configure(config: pytest.Config) -> None:
    folder = tempfile.mkdtemp(prefix="seqwright-cache-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    os.environ |= {"SEQWRIGHT_ENCODER": "none", "SEQWRIGHT_CACHE": folder}

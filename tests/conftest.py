"""What all tests share: no pretrained encoder unless a test names one, and a cache of their own."""

import os
import tempfile

import pytest


def pytest_configure(config: pytest.Config) -> None:
    os.environ["SEQWRIGHT_ENCODER"] = "none"
    config.add_cleanup((folder := tempfile.TemporaryDirectory(prefix="seqwright-cache-")).cleanup)
    os.environ["SEQWRIGHT_CACHE"] = folder.name

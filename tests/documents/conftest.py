"""What the tests of documents share."""

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a new folder for notices."""
    path = tmp_path / "avis"
    path.mkdir()
    return path

"""What the trials share with the journeys, and a portal for servers in processes of their own."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SETTINGS
from tests.journeys.conftest import database_dump

__all__ = ["database_dump"]


@pytest.fixture(scope="module")
def live_settings(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> dict[str, Any]:
    """Return the settings of a portal that a server of its own can serve, with an empty database."""
    folder = tmp_path_factory.mktemp("live")
    database = shutil.copy(migrated_database, folder / "portal.sqlite3")
    own = {"SQLALCHEMY_DATABASE_URI": f"sqlite:///{database}", "PORTAL_DATA_DIR": str(folder)}
    return {**SETTINGS, "TESTING": False, "MAIL_PORT": 1, **own}

"""What only the journeys need."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tenant_portal.db import Base, db


@pytest.fixture
def database_dump(app: Flask) -> Callable[[], dict[str, list[Any]]]:
    """Return a function that returns every row of every table, to compare before and after."""

    def dump() -> dict[str, list[Any]]:
        with app.app_context():
            return {
                name: sorted(tuple(row) for row in db.session.execute(select(table)))
                for name, table in Base.metadata.tables.items()
            }

    return dump

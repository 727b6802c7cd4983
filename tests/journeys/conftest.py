"""What only the journeys need."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text

from tenant_portal.db import Base, db


@pytest.fixture
def database_dump(app: Flask) -> Callable[[], dict[str, list[tuple[object, ...]]]]:
    """Return a function that returns every row of every table, to compare before and after."""

    def dump() -> dict[str, list[tuple[object, ...]]]:
        with app.app_context():
            tables = sorted(Base.metadata.tables)
            return {t: [tuple(row) for row in db.session.execute(text(f"SELECT * FROM {t} ORDER BY 1"))] for t in tables}  # noqa: S608 (our own table names)

    return dump

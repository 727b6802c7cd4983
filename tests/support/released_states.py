"""Databases as they stood at each released migration; `tools/freeze_state.py` wrote them."""

from contextlib import closing
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, create_engine, select, text, update
from sqlalchemy.engine import Connection

from tenant_portal import create_app
from tenant_portal.db import Base, db
from tenant_portal.operations import backup, migrations

from ..conftest import SETTINGS, close
from ..tools.freeze_state import STATES

#: Oldest first.
REVISIONS = [script.revision for script in ScriptDirectory.from_config(migrations.config()).walk_revisions()][::-1]

#: Made anew from other tables.
DERIVED = {"portal_name_words"}
#: Tables by their former names.
RENAMED = {"portal_notices": "portal_documents"}

Rows = dict[str, dict[Any, dict[str, Any]]]


def make(url: str, revision: str) -> None:
    """Build the state of that migration in an empty database."""
    app = create_app({**SETTINGS, "SQLALCHEMY_DATABASE_URI": url})
    with app.app_context(), migrations.exclusive_connection() as connection:
        migrations.upgrade_on(connection, revision)
        _run((STATES / f"{revision}.sql").read_text(encoding="utf-8"), connection)
        backup.advance_sequences(connection, _ours(connection))
    close(app)


def rows(url: str) -> Rows:
    """Return every row by table and primary key, whatever the format."""
    app = create_app({**SETTINGS, "SQLALCHEMY_DATABASE_URI": url})
    with app.app_context(), closing(db.engine.connect()) as connection:
        found = {
            table.name: {
                tuple(row._mapping[key] for key in table.primary_key): dict(row._mapping)
                for row in connection.execute(select(table))
            }
            for table in _ours(connection).sorted_tables
        }
    close(app)
    return found


def contents(url: str) -> dict[str, list[str]]:
    """Return the rows of the newest format as text, sorted, for comparison."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {
            name: sorted(repr(tuple(row)) for row in connection.execute(text(f'SELECT * FROM "{name}"')))  # noqa: S608 (ours)
            for name in Base.metadata.tables
        }
    engine.dispose()
    return found


def lost(before: Rows, after: Rows) -> list[str]:
    """Return what differs of the earlier rows, in columns that still exist, whatever their table is called."""
    after = after | {former: after.get(former, after.get(now, {})) for former, now in RENAMED.items()}
    return [
        f"{name} {key}: {column} was {value!r}, is {after.get(name, {}).get(key, {}).get(column)!r}"
        for name, table in before.items()
        if name not in DERIVED
        for key, row in table.items()
        for column, value in row.items()
        if (there := after.get(name, {}).get(key)) is None or column in there and there[column] != value
    ]


def put_notice(folder: Path, content: bytes, digest: str) -> None:
    """Store a notice in a data folder."""
    path = folder / "notices" / digest[:2] / digest
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


def _ours(connection: Connection) -> MetaData:
    return backup._tables(connection)


def _run(script: str, connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        driver.execute("SET LOCAL TIME ZONE 'UTC'")
        driver.execute(script)
    else:
        for line in script.split(";\n"):  # `executescript` would commit first
            driver.execute(line)


def saved(url: str, folder: Path) -> bytes:
    """Return the backup of a portal whose data folder is `data` in that folder."""
    app = create_app({**SETTINGS, "SQLALCHEMY_DATABASE_URI": url, "PORTAL_DATA_DIR": str(folder / "data")})
    with app.app_context():
        backup.save(folder / "saved.zip")
    close(app)
    return (folder / "saved.zip").read_bytes()


def poison(url: str, table: str, column: str, value: str) -> None:
    """Set a column of every row to any value."""
    app = create_app({**SETTINGS, "SQLALCHEMY_DATABASE_URI": url})
    with app.app_context(), migrations.exclusive_connection() as connection:
        found = _ours(connection).tables[table]
        connection.execute(update(found).values({column: value}))
    close(app)

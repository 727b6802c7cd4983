"""Migrate the database with plain Alembic, and compare it with the code."""

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Connection

from ..contracts.sought import SearchWord
from ..db import db, reading_schema
from ..messages.models import Message
from ..resources import folder

VERSION_TABLE = "portal_alembic_version"
#: PostgreSQL's advisory lock of an upgrade: « portal » in ASCII.
UPGRADE_LOCK = 0x706F7274616C
#: Of all tables: whoever imports this module has them all.
TABLES = Message.metadata
assert SearchWord.metadata is TABLES


class State(enum.Enum):
    """The database's revision, compared with the program's."""

    EMPTY = "empty"
    BEHIND = "behind"
    NEWEST = "newest"
    AHEAD = "ahead"  # a newer program was here


def options(connection: Connection) -> dict[str, Any]:
    """Return Alembic's options, which limit it to our tables."""
    return {
        "target_metadata": TABLES,
        "version_table": VERSION_TABLE,
        "include_name": _is_ours,
        "compare_type": True,
        "render_as_batch": connection.dialect.name == "sqlite",
    }


def config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration; there is no ini file."""
    made = Config()
    made.set_main_option("script_location", str(folder("migrations")).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


def upgrade(revision: str = "head") -> None:
    """Migrate to a revision; a second upgrade waits."""
    with exclusive_connection() as connection:
        upgrade_on(connection, revision)


def upgrade_on(connection: Connection, revision: str = "head") -> None:
    """Migrate within the transaction of `exclusive_connection`."""
    with reading_schema():  # a table that is rebuilt is read
        command.upgrade(config(connection), revision)


def downgrade(revision: str) -> None:
    """Go back to an earlier revision; « -1 » is one step."""
    with exclusive_connection() as connection, reading_schema():
        command.downgrade(config(connection), revision)


def state() -> State:
    """Compare the database's revision with the program's."""
    with db.engine.connect() as connection:
        applied = revision(connection)
    if not applied:
        return State.EMPTY
    if applied == newest():
        return State.NEWEST
    return State.BEHIND if applied in known() else State.AHEAD


def revision(connection: Connection) -> str:
    """Return the revision of the database, or an empty string."""
    context = MigrationContext.configure(connection, opts=options(connection))
    return context.get_current_revision() or ""


def known() -> set[str]:
    """Return the program's revisions."""
    return {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}


@cache
def newest() -> str:
    """Return the program's newest revision, cached."""
    return str(ScriptDirectory.from_config(config()).get_current_head())


def drift() -> list[Any]:
    """Return the differences between the tables of database and code."""
    with db.engine.connect() as connection, reading_schema():
        context = MigrationContext.configure(connection, opts=options(connection))
        return list(compare_metadata(context, TABLES))


@contextmanager
def exclusive_connection() -> Iterator[Connection]:
    """Yield a connection in a write transaction that no other upgrade shares.

    SQLite rebuilds a table to change it. Foreign keys are off meanwhile and checked before the commit, as dropping the
    former table would delete the rows that refer to it.
    """
    with db.engine.connect() as connection:
        connection = connection.execution_options(portal_write="now")
        if connection.dialect.name != "sqlite":
            with connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": UPGRADE_LOCK})
                yield connection
            return
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                if not driver.in_transaction:  # a host's engine leaves BEGIN to sqlite3
                    driver.execute("BEGIN IMMEDIATE")
                yield connection
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
                if broken is not None:
                    raise RuntimeError(f"the migration leaves a reference without its row in {broken[0]}")
        finally:
            driver.execute("PRAGMA foreign_keys=ON")


def _is_ours(name: str | None, kind: str, parents: Any) -> bool:
    return kind != "table" or (name or "").startswith("portal_")

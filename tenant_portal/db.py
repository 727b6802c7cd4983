"""The database: our own metadata on the host's session, aware UTC times, and reads kept apart from writes."""

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

from flask import current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, Dialect, MetaData, TypeDecorator, event, make_url
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase
from werkzeug.local import LocalProxy

#: The host's Flask-SQLAlchemy, whoever created it: a second one on the same app would raise.
db = cast(SQLAlchemy, LocalProxy(lambda: current_app.extensions["sqlalchemy"]))

#: Seconds that a SQLite connection waits for another's write lock before it gives up.
SQLITE_BUSY_SECONDS = 15
#: Seconds that a database server has to take a connection: one that does not answer must not keep a thread for minutes.
CONNECT_SECONDS = 5
#: How a statement begins that changes something.
_WRITES = ("INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP")


class Base(DeclarativeBase):
    """Base of the portal's tables, apart from the host's models."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, aware and in UTC on both sides of the database; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def utcnow() -> datetime:
    """Return the present moment, aware and in UTC: the only clock of the portal."""
    return datetime.now(UTC)


def begin_write() -> None:
    """Start a write: leave what was read before, so that what follows is read and written as one.

    On SQLite the write lock is taken at once, which is what makes «busy» wait instead of fail, and keeps two from
    deciding on what both have read. In a database of ours a write without this call is refused, so no page can change
    anything by accident; a host's engine begins as the host likes, so there a write of no row takes the lock.
    """
    db.session.rollback()
    connection = db.session.connection(execution_options={"portal_write": "now"})
    if not connection.info.get("portal_adopted"):
        lock_writes()


def begin_staging() -> None:
    """Start a write of which only temporary tables are written until `lock_writes`: others go on writing meanwhile.

    On SQLite it must not read ours before: what was read would have to be what still stands when the lock is taken.
    """
    db.session.rollback()
    connection = db.session.connection(execution_options={"portal_write": "later"})
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite" and not driver.in_transaction:
        connection.exec_driver_sql("BEGIN")  # in a host's engine sqlite3 begins after the tables were made


def lock_writes() -> None:
    """Take the write lock of SQLite by a write of no row."""
    connection = db.session.connection()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("UPDATE portal_attempts SET count = count WHERE 1 = 0")


@contextmanager
def told_by_driver(connection: Connection) -> Iterator[None]:
    """Raise as SQLAlchemy's own the trouble that the driver tells where it was asked without SQLAlchemy."""
    driver: Any = connection.dialect.loaded_dbapi
    try:
        yield
    except driver.OperationalError as trouble:
        raise OperationalError("", None, trouble) from trouble


def is_away(fault: Exception) -> bool:
    """Tell whether the database could not do its work: out of reach, locked, full; else the fault is a bug of ours."""
    if isinstance(fault, DBAPIError):
        is_wrong_sql = getattr(fault.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
        is_trouble = isinstance(fault, OperationalError | InterfaceError) and not is_wrong_sql
        return is_trouble or fault.connection_invalidated
    return isinstance(fault, PoolTimeout)


def cause(fault: Exception) -> str:
    """Return in one line why the database did not do its work, without the statement and what it was about."""
    told = fault.orig if isinstance(fault, DBAPIError) and fault.orig is not None else fault
    return f"{type(told).__name__}: {str(told).strip().partition(chr(10))[0][:200]}"


def engine_options(address: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return how an engine of ours treats a database server: one that was restarted is noticed before it is asked.

    Statements are told without what tenants typed, in the log as in the texts of errors.
    """
    url = make_url(address)
    options: dict[str, Any] = {"hide_parameters": True, **given}
    if url.get_backend_name() == "sqlite":
        return options
    options.setdefault("pool_pre_ping", True)
    if url.get_backend_name() == "postgresql" and "connect_timeout" not in url.query:
        options["connect_args"] = {"connect_timeout": CONNECT_SECONDS, **options.get("connect_args", {})}
    return options


def configure_engine(engine: Engine) -> None:
    """Make an engine of ours safe: no write that nobody meant."""

    # SQLite's own `PRAGMA query_only` would have it prepare every statement anew, a tenth of all that a login takes.
    @event.listens_for(engine, "before_cursor_execute")
    def on_execute(connection: Connection, cursor: Any, statement: str, *more: Any) -> None:
        if statement.startswith(_WRITES) and "portal_write" not in connection.get_execution_options():
            raise RuntimeError(f"begin_write() must come before {statement.partition(' ')[0]}")

    if engine.dialect.name == "sqlite":
        _adopt_sqlite(engine)


def _adopt_sqlite(engine: Engine) -> None:
    """Take WAL, foreign keys and full sync, and begin statements under our control."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: Any) -> None:
        record.info["portal_adopted"] = True
        connection.isolation_level = None  # sqlite3 would begin too late, and DEFERRED
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_SECONDS * 1000}")
        _use_wal(cursor)
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("portal_write")
        driver = cast(sqlite3.Connection, connection.connection.driver_connection)
        try:
            driver.execute("BEGIN IMMEDIATE" if writes == "now" else "BEGIN")
        except sqlite3.OperationalError as trouble:  # at each request, so without the manager above
            raise OperationalError("", None, trouble) from trouble


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Switch to WAL; where two processes open a new file at once, SQLite fails there instead of waiting."""
    for _try in range(SQLITE_BUSY_SECONDS * 50):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as trouble:
            if trouble.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
        time.sleep(0.02)
    cursor.execute("PRAGMA journal_mode=WAL")

"""The database: metadata, UTC times, and transactions that say when they write."""

import sqlite3
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

from flask import current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, Dialect, Index, MetaData, TypeDecorator, event, make_url, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase
from werkzeug.local import LocalProxy

#: The application's Flask-SQLAlchemy: a second one would raise.
db = cast(SQLAlchemy, LocalProxy(lambda: current_app.extensions["sqlalchemy"]))

#: How long SQLite waits for another writer.
SQLITE_BUSY_SECONDS = 15
#: A server that does not answer must not keep a thread for minutes.
CONNECT_SECONDS = 5
_WRITING_STATEMENTS = ("INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP")


#: What local parts of mail addresses consist of, but for rare signs: without them the domain is left.
LOCAL_PART = "abcdefghijklmnopqrstuvwxyz0123456789.-_+&=~!#/"


class Base(DeclarativeBase):
    """Base of the portal's models, apart from the host's."""

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
    """An aware time in UTC; a naive one is refused."""

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


def addresses_index(table: str, column: str) -> tuple[Index, Index]:
    """Return the indexes that find a mail address by its beginning, and by its domain."""
    name = f"ix_{table}_{column}"
    lower = f"lower({column})"
    # On PostgreSQL the migration gives both the collation "C": here it would be one that SQLite lacks.
    return Index(f"{name}_lower", text(lower)), Index(f"{name}_domain", text(f"ltrim({lower}, '{LOCAL_PART}')"))


@contextmanager
def reading_schema() -> Iterator[None]:
    """Silence the warnings that SQLAlchemy cannot read indexes of expressions on SQLite: nothing depends on them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*expression-based index")
        yield


def utcnow() -> datetime:
    """Return the present time, aware and in UTC: the portal's only clock."""
    return datetime.now(UTC)


def begin_write() -> None:
    """Begin a write transaction. Call it before reading what you will change.

    SQLite takes its write lock now, so a second writer waits instead of failing. Our engine refuses a write without
    this call; a host's engine begins as the host likes, so `lock_writes` takes the lock.
    """
    db.session.rollback()
    connection = db.session.connection(execution_options={"portal_write": "now"})
    if not connection.info.get("portal_adopted"):
        lock_writes()


def begin_staging() -> None:
    """Begin a transaction that writes only temporary tables until `lock_writes`, while others write.

    Read none of our tables before: SQLite refuses the lock if they changed since.
    """
    db.session.rollback()
    connection = db.session.connection(execution_options={"portal_write": "later"})
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite" and not driver.in_transaction:
        connection.exec_driver_sql("BEGIN")  # in a host's engine sqlite3 would begin too late


def lock_writes() -> None:
    """Take SQLite's write lock, by updating no row."""
    connection = db.session.connection()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("UPDATE portal_attempts SET count = count WHERE 1 = 0")


@contextmanager
def translate_driver_errors(connection: Connection) -> Iterator[None]:
    """Raise the operational errors of direct driver calls as SQLAlchemy's."""
    driver: Any = connection.dialect.loaded_dbapi
    try:
        yield
    except driver.OperationalError as trouble:
        raise OperationalError("", None, trouble) from trouble


def is_away(fault: Exception) -> bool:
    """Tell whether the database is out of reach, locked or full; any other error is a bug."""
    if isinstance(fault, DBAPIError):
        is_wrong_sql = getattr(fault.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
        is_trouble = isinstance(fault, OperationalError | InterfaceError) and not is_wrong_sql
        return is_trouble or fault.connection_invalidated
    return isinstance(fault, PoolTimeout)


def cause(fault: Exception) -> str:
    """Return the reason of an error in one line, without statement and values."""
    told = fault.orig if isinstance(fault, DBAPIError) and fault.orig is not None else fault
    return f"{type(told).__name__}: {str(told).strip().partition(chr(10))[0][:200]}"


def engine_options(address: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of our engine: it notices dead connections and hides what tenants typed from logs."""
    url = make_url(address)
    options: dict[str, Any] = {"hide_parameters": True, **given}
    if url.get_backend_name() == "sqlite":
        return options
    options.setdefault("pool_pre_ping", True)
    if url.get_backend_name() == "postgresql" and "connect_timeout" not in url.query:
        options["connect_args"] = {"connect_timeout": CONNECT_SECONDS, **options.get("connect_args", {})}
    return options


def configure_engine(engine: Engine) -> None:
    """Have our engine refuse a write without `begin_write`."""

    # `PRAGMA query_only` would make SQLite prepare each statement anew, a tenth of a login.
    @event.listens_for(engine, "before_cursor_execute")
    def on_execute(connection: Connection, cursor: Any, statement: str, *more: Any) -> None:
        if statement.startswith(_WRITING_STATEMENTS) and "portal_write" not in connection.get_execution_options():
            raise RuntimeError(f"begin_write() must come before {statement.partition(' ')[0]}")

    if engine.dialect.name == "sqlite":
        _configure_sqlite(engine)


def _configure_sqlite(engine: Engine) -> None:
    """Set WAL, foreign keys and full sync, and begin transactions ourselves."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: Any) -> None:
        record.info["portal_adopted"] = True
        connection.isolation_level = None  # or sqlite3 begins too late, and DEFERRED
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
        except sqlite3.OperationalError as trouble:  # the manager above is too slow for each request
            raise OperationalError("", None, trouble) from trouble


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Switch to WAL; with two processes on a new file SQLite fails instead of waiting."""
    for _try in range(SQLITE_BUSY_SECONDS * 50):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as trouble:
            if trouble.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
        time.sleep(0.02)
    cursor.execute("PRAGMA journal_mode=WAL")

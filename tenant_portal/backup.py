"""Saving and restoring all that the portal holds: its tables and rent notices in one ZIP, the same for every database.

`tables/<name>.jsonl` has the names of the columns in its first line and a row in each other, `notices/<digest>` are the
files that rows name, and `manifest.json`, written last, tells the format of the database and what to find. Everything
is read as it stood at one moment, while tenants go on.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any, NamedTuple

from sqlalchemy import JSON, Date, DateTime, MetaData, Table, event, func, insert, select, text
from sqlalchemy.engine import Connection

from . import migrate, notices
from .db import UtcDateTime, db, utcnow
from .errors import BackupUnusable, DatabaseNotEmpty
from .i18n import gettext as _
from .whole_file import sync, written

#: The layout of the archive; a later one gets another number.
FORMAT = 1
MANIFEST = "manifest.json"
#: Rows read or written at once.
BATCH = 1000
#: What reading a broken archive may raise.
_BROKEN = (OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, zipfile.BadZipFile, zlib.error)


class Missing(NamedTuple):
    """A notice whose row stands, but whose file is lost or harmed."""

    reference: str
    period: date


@dataclass
class Saved:
    """What an archive holds."""

    #: The migration at which the database stood.
    revision: str
    at: datetime
    #: Rows and SHA-256 of each table's file.
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Names of the notices' files: the SHA-256 of each.
    documents: list[str] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Return how many rows there are in all tables."""
        return sum(table["rows"] for table in self.tables.values())


def save(path: Path) -> Saved:
    """Write everything into an archive, which takes its name only when it is whole; raise `OSError` if it cannot."""
    with (
        written(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        _one_moment() as connection,
    ):
        saved = Saved(revision=migrate.revision(connection), at=utcnow())
        tables = _tables(connection)
        for table in tables.sorted_tables:
            with archive.open(f"tables/{table.name}.jsonl", "w", force_zip64=True) as out:
                saved.tables[table.name] = _save_table(table, connection, out)
        _save_documents(tables, connection, archive, saved)
        manifest = {"format": FORMAT, "revision": saved.revision, "at": saved.at.isoformat(), "tables": saved.tables}
        archive.writestr(MANIFEST, json.dumps({**manifest, "documents": saved.documents}, indent=1))
    sync([path.parent])
    return saved


def restore(path: Path, *, force: bool = False) -> Saved:
    """Bring database and notices to what an archive holds, in one transaction, and the database to the newest format.

    Raises `DatabaseNotEmpty` where that would erase something, unless with `force`, and `BackupUnusable` for an archive
    that is harmed, not one of ours, or of a newer portal; nothing is changed then.
    """
    with _opened(path) as (archive, saved), migrate.alone() as connection:
        if not force and _holds_anything(connection):
            raise DatabaseNotEmpty
        for digest in saved.documents:
            notices.store(digest, _document(archive, digest))
        notices.settle(saved.documents)
        _everything_ours(connection).drop_all(connection)
        migrate.upgrade_on(connection, saved.revision)
        tables = _tables(connection)
        if {table.name for table in tables.sorted_tables} != set(saved.tables):
            raise BackupUnusable(_("Cette sauvegarde n'a pas les tables de son format."))
        for table in tables.sorted_tables:
            _restore_table(table, connection, archive)
            if connection.scalar(select(func.count()).select_from(table)) != saved.tables[table.name]["rows"]:
                raise BackupUnusable(_("Les lignes de la table %(name)s ne sont pas toutes revenues.", name=table.name))
        advance_sequences(connection, tables)
        migrate.upgrade_on(connection)
    return saved


def advance_sequences(connection: Connection, tables: MetaData) -> None:
    """Have PostgreSQL number new rows after those that came with their numbers; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables.sorted_tables:
        if "id" in table.columns:
            last = select(func.coalesce(func.max(table.c.id), 0) + 1).scalar_subquery()
            connection.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), last, False)))


@contextmanager
def _one_moment() -> Iterator[Connection]:
    """Give a connection that sees the database as it stands now, whatever others write meanwhile."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            driver: Any = connection.connection.driver_connection
            if connection.dialect.name == "sqlite" and not driver.in_transaction:  # a host's engine
                driver.execute("BEGIN")
            yield connection


def _tables(connection: Connection) -> MetaData:
    """Return our tables as they stand in this database, whatever its format, with values that are the same anywhere."""
    found = _everything_ours(connection)
    found.remove(found.tables[migrate.VERSION_TABLE])
    return found


def _everything_ours(connection: Connection) -> MetaData:
    found = MetaData()
    event.listen(found, "column_reflect", _read_alike)
    found.reflect(connection, only=lambda name, _metadata: name.startswith("portal_"))
    return found


def _read_alike(_inspector: Any, _table: Table, column: Any) -> None:
    if isinstance(column["type"], DateTime):
        column["type"] = UtcDateTime()
    elif isinstance(column["type"], JSON):
        column["type"] = JSON(none_as_null=True)


def _holds_anything(connection: Connection) -> bool:
    tables = (table for table in _everything_ours(connection).sorted_tables if table.name != migrate.VERSION_TABLE)
    return any(connection.execute(select(text("1")).select_from(table).limit(1)).first() for table in tables)


def _save_table(table: Table, connection: Connection, out: IO[bytes]) -> dict[str, Any]:
    digest, rows = hashlib.sha256(), -1
    for row in _lines(table, connection):
        line = json.dumps(row, default=_as_text, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        digest.update(line)
        out.write(line)
        rows += 1
    return {"rows": rows, "sha256": digest.hexdigest()}


def _lines(table: Table, connection: Connection) -> Iterator[list[Any]]:
    """Yield the names of the columns, then each row."""
    yield [column.name for column in table.columns]
    rows = select(table).order_by(*table.primary_key).execution_options(yield_per=BATCH)
    yield from map(list, connection.execute(rows))


def _as_text(value: Any) -> str:
    if isinstance(value, date):  # or a moment, which is one too
        return value.isoformat()
    raise TypeError(f"no way to save {value!r}")


def _save_documents(tables: MetaData, connection: Connection, archive: zipfile.ZipFile, saved: Saved) -> None:
    """Save the files that rows name. Each was written before its row, and none is ever taken away."""
    if "portal_notices" not in tables.tables:
        return
    notice, contract = tables.tables["portal_notices"], tables.tables["portal_contracts"]
    rows = select(notice.c.digest, contract.c.reference, notice.c.period).join(contract).order_by(notice.c.id)
    for digest, reference, period in connection.execute(rows).all():
        if digest in saved.documents:
            continue
        try:
            content = notices.content(digest)
        except OSError:
            content = b""
        if hashlib.sha256(content).hexdigest() != digest:
            saved.missing.append(Missing(reference, period))
            continue
        archive.writestr(f"notices/{digest}", content)
        saved.documents.append(digest)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, Saved]]:
    """Open an archive of which every byte has been read and found as it was written."""
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise BackupUnusable(_("Ce fichier n'existe pas.")) from None
    except _BROKEN:
        raise BackupUnusable(_("Ce n'est pas une sauvegarde du portail, ou elle n'est pas entière.")) from None
    with archive:
        try:
            manifest = json.loads(archive.read(MANIFEST))
            if manifest["format"] != FORMAT or manifest["revision"] not in migrate.known():
                raise BackupUnusable(_("Cette sauvegarde vient d'une version plus récente du portail."))
            at = datetime.fromisoformat(manifest["at"])
            saved = Saved(manifest["revision"], at, manifest["tables"], manifest["documents"])
            is_whole = all(_is_whole(archive, name, table) for name, table in saved.tables.items())
            is_whole = is_whole and all(
                hashlib.sha256(_document(archive, digest)).hexdigest() == digest for digest in saved.documents
            )
        except _BROKEN:
            is_whole = False
        if not is_whole:
            raise BackupUnusable(_("Cette sauvegarde est abîmée : son contenu n'est plus celui qui a été écrit."))
        yield archive, saved


def _is_whole(archive: zipfile.ZipFile, name: str, table: dict[str, Any]) -> bool:
    digest = hashlib.sha256()
    with archive.open(f"tables/{name}.jsonl") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest() == str(table["sha256"])


def _document(archive: zipfile.ZipFile, digest: str) -> bytes:
    return archive.read(f"notices/{digest}")


def _restore_table(table: Table, connection: Connection, archive: zipfile.ZipFile) -> None:
    with archive.open(f"tables/{table.name}.jsonl") as file:
        names = json.loads(file.readline())
        if set(names) != set(table.columns.keys()):
            raise BackupUnusable(_("Cette sauvegarde n'a pas les tables de son format."))
        readers = [(name, _reader(table.columns[name].type)) for name in names]
        batch: list[dict[str, Any]] = []
        for line in file:
            batch.append({name: read(value) for (name, read), value in zip(readers, json.loads(line), strict=True)})
            if len(batch) == BATCH:
                connection.execute(insert(table), batch)
                batch = []
        if batch:
            connection.execute(insert(table), batch)


def _reader(kind: Any) -> Any:
    """Return what makes a value of that kind from what JSON holds."""
    if isinstance(kind, UtcDateTime):
        return lambda value: value and datetime.fromisoformat(value)
    if isinstance(kind, Date):
        return lambda value: value and date.fromisoformat(value)
    return lambda value: value

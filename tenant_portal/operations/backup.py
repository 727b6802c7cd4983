"""Save and restore tables and documents as one ZIP, the same for every database.

`tables/<name>.jsonl` has the column names, then a line per row. `notices/<digest>` are the files that rows name.
`manifest.json` lists what the archive must contain.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO, Any

from sqlalchemy import JSON, DateTime, Integer, MetaData, Select, Table, event, func, select, text
from sqlalchemy.engine import Connection

from ..atomic_file import sync, written
from ..db import UtcDateTime, db, reading_schema, utcnow
from ..documents import storage
from ..documents.archive import may_be_notice
from ..documents.storage import is_digest
from ..errors import BackupUnusable, DatabaseNotEmpty
from ..i18n import gettext as _
from . import migrations
from .backup_archive import DOCUMENTS_MAX, FORMAT, MANIFEST, Archive, Missing, Saved, damaged, opened, refuse_damage
from .backup_rows import BATCH, put_rows

__all__ = ["Missing", "Saved", "advance_sequences", "restore", "save"]


def save(path: Path) -> Saved:
    """Write an archive that gets its name only when complete; raise `OSError` if it cannot."""
    with (
        written(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        _snapshot() as connection,
    ):
        saved = Saved(revision=migrations.revision(connection), at=utcnow())
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
    """Restore an archive in one transaction, and upgrade the database.

    Raises `DatabaseNotEmpty` if that would erase rows without `force`, and `BackupUnusable`. Nothing is changed then.
    """
    with opened(path) as (archive, saved), migrations.exclusive_connection() as connection:
        if not force and _holds_anything(connection):
            raise DatabaseNotEmpty
        with refuse_damage():
            _restore_tables(connection, archive, saved)
        # Last, so that a refused archive leaves no file; before the commit, so that no row lacks its file.
        with storage.storing() as store:
            for digest in saved.documents:
                store(digest, archive.document(digest))
    return saved


def advance_sequences(connection: Connection, tables: MetaData) -> None:
    """Number new rows after the restored ones, as SQLite does by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables.sorted_tables:
        if "id" in table.columns and isinstance(table.c.id.type, Integer):
            last = select(func.coalesce(func.max(table.c.id), 0) + 1).scalar_subquery()
            connection.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), last, False)))


@contextmanager
def _snapshot() -> Iterator[Connection]:
    """Yield a connection that sees one state of the database."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            driver: Any = connection.connection.driver_connection
            if connection.dialect.name == "sqlite" and not driver.in_transaction:  # a host's engine
                driver.execute("BEGIN")
            yield connection


def _tables(connection: Connection) -> MetaData:
    found = _reflected(connection)
    found.remove(found.tables[migrations.VERSION_TABLE])
    return found


def _reflected(connection: Connection) -> MetaData:
    found = MetaData()
    event.listen(found, "column_reflect", _make_portable)
    with reading_schema():
        found.reflect(connection, only=lambda name, _metadata: name.startswith("portal_"))
    return found


def _make_portable(_inspector: Any, _table: Table, column: Any) -> None:
    if isinstance(column["type"], DateTime):
        column["type"] = UtcDateTime()
    elif isinstance(column["type"], JSON):
        column["type"] = JSON(none_as_null=True)


def _holds_anything(connection: Connection) -> bool:
    tables = (table for table in _reflected(connection).sorted_tables if table.name != migrations.VERSION_TABLE)
    return any(connection.execute(select(text("1")).select_from(table).limit(1)).first() for table in tables)


def _restore_tables(connection: Connection, archive: Archive, saved: Saved) -> None:
    _reflected(connection).drop_all(connection)
    migrations.upgrade_on(connection, saved.revision)
    tables = _tables(connection)
    if {table.name for table in tables.sorted_tables} != set(saved.tables):
        raise BackupUnusable(_("Cette sauvegarde n'a pas les tables de son format."))
    for table in tables.sorted_tables:
        put_rows(table, connection, archive)
        if connection.scalar(select(func.count()).select_from(table)) != saved.tables[table.name]["rows"]:
            raise BackupUnusable(_("Les lignes de la table %(name)s ne sont pas toutes revenues.", name=table.name))
    if connection.dialect.name == "sqlite":  # checked here, as the foreign keys were off
        lost = connection.exec_driver_sql("PRAGMA foreign_key_check")
        if any(str(row[0]).startswith("portal_") for row in lost):
            raise damaged()
    _check_documents(tables, connection, archive, saved)
    advance_sequences(connection, tables)
    migrations.upgrade_on(connection)


def _check_documents(tables: MetaData, connection: Connection, archive: Archive, saved: Saved) -> None:
    """List documents without a file; raise `BackupUnusable` for one that cannot be ours."""
    files, named = set(saved.documents), set[str]()
    documents = _documents(tables)
    if documents is not None:
        with connection.execute(documents) as rows:
            for digest, size, reference, period in rows:
                if not is_digest(digest) or (digest in files and archive.document_size(digest) != size):
                    raise damaged()
                if digest in files:
                    named.add(digest)
                elif not storage.is_intact(digest):
                    saved.missing.append(Missing(reference, period))
    if named != files:
        raise damaged()


def _documents(tables: MetaData) -> Select[Any] | None:
    """Return what names files, under the table's name then or now; the first format had none."""
    named = [tables.tables[name] for name in ("portal_documents", "portal_notices") if name in tables.tables]
    if not named:
        return None
    of, contract = named[0].c, tables.tables["portal_contracts"]
    rows = select(of.digest, of.size, contract.c.reference, of.period).join_from(named[0], contract)
    return rows.order_by(of.id).execution_options(yield_per=BATCH)


def _save_table(table: Table, connection: Connection, out: IO[bytes]) -> dict[str, Any]:
    digest, rows = hashlib.sha256(), -1
    for row in _lines(table, connection):
        line = json.dumps(row, default=_as_text, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        digest.update(line)
        out.write(line)
        rows += 1
    return {"rows": rows, "sha256": digest.hexdigest()}


def _lines(table: Table, connection: Connection) -> Iterator[list[Any]]:
    yield [column.name for column in table.columns]
    rows = select(table).order_by(*table.primary_key).execution_options(yield_per=BATCH)
    yield from map(list, connection.execute(rows))


def _as_text(value: Any) -> str:
    if isinstance(value, date):  # a datetime too
        return value.isoformat()
    raise TypeError(f"no way to save {value!r}")


def _save_documents(tables: MetaData, connection: Connection, archive: zipfile.ZipFile, saved: Saved) -> None:
    """Save the files that rows name; none is ever deleted."""
    documents = _documents(tables)
    if documents is None:
        return
    seen = set[str]()
    with connection.execute(documents) as rows:
        for digest, _size, reference, period in rows:
            if digest not in seen and not _save_document(digest, archive):
                saved.missing.append(Missing(reference, period))
            elif digest not in seen:
                seen.add(digest)
                saved.documents.append(digest)
            if len(seen) > DOCUMENTS_MAX:  # `restore` would refuse it
                raise BackupUnusable(
                    _(
                        "Il y a plus de %(count)s avis d'échéance. Sauvegardez la base de données par ses propres"
                        " moyens, et le dossier des avis avec elle.",
                        count=DOCUMENTS_MAX,
                    )
                )


def _save_document(digest: str, archive: zipfile.ZipFile) -> bool:
    """Save a notice, unless it is missing or damaged."""
    try:
        content = storage.read(digest)
    except OSError:
        return False
    if hashlib.sha256(content).hexdigest() != digest or not may_be_notice(content):
        return False
    archive.writestr(f"notices/{digest}", content)
    return True

"""Import a roster: stage its rows in batches, then let the database compare and write.

A million lines fit: one batch is in memory, and no statement is sent for a single line.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sqlalchemy import Index, Select, delete, func, insert, or_, select, text, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from .. import audit
from ..contracts.sought import SearchWord
from ..db import begin_staging, begin_write, db, lock_writes, translate_driver_errors, utcnow
from ..errors import RosterUnusable
from ..i18n import gettext as _
from ..models import Contract, Import
from . import columns, doubles, harm, zeros
from .csv_reader import Roster, from_tables
from .report import Report
from .staging import Stage, stage_all

#: Makes a second import on PostgreSQL wait: « roster » in ASCII.
IMPORT_LOCK = 0x726F73746572

_contracts = Contract.metadata.tables[Contract.__tablename__]
_words = Contract.metadata.tables[SearchWord.__tablename__]
#: How a database says what its indexes are.
_CATALOGUES = {
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes"
    " WHERE schemaname = current_schema() AND tablename = :table",
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :table",
}


def take(
    rows: Roster | Iterable[Mapping[str, object]],
    *,
    name: str,
    complete: bool = False,
    force: bool = False,
    dry_run: bool = False,
    progress: Callable[[], None] = lambda: None,
) -> Report:
    """Bring the contracts to what the rows say, in one transaction that the caller commits; roll back a dry run.

    A contract that comes back runs again. Columns that the roster lacks, and the accounts, stay as they are. With
    `complete`, contracts that the roster lacks are ended. Harm in bulk is done only with `force`.
    """
    if isinstance(rows, Roster):
        roster = rows
        begin_staging()
    else:  # a host may read its rows in this transaction, which could not get the write lock after that
        roster = from_tables(rows)
        begin_write()
    connection = db.session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": IMPORT_LOCK})
    stage, titles = Stage(roster.columns, connection), roster.titles
    report = Report(columns=titles.labels, passed_over=titles.passed_over, doubles=titles.doubles)
    with translate_driver_errors(connection):
        staged = stage_all(roster, stage, report, progress)
    if not staged and not report.refused:
        raise RosterUnusable(_("Cette liste ne contient aucun contrat. Refaites l'export."))
    lock_writes()
    if _add_to_none(stage):
        report.added = staged
    else:
        _bring(roster, stage, report, staged)
        if not force:
            harm.require_little(stage, complete=complete)
        if complete:
            ending = update(_contracts).where(harm.is_lacking(stage)).values(ended_at=utcnow())
            report.ended = connection.execute(ending).rowcount
        if not report.is_without_effect:
            _note_paper(stage)
            _upsert(stage)
    _learn_words(stage)
    stage.drop()
    counts = {key: getattr(report, key) for key in ("added", "changed", "unchanged", "ended", "refused")}
    db.session.add(Import(name=columns.text(name)[:200], **counts))
    db.session.flush()
    db.session.expire_all()
    if dry_run:
        db.session.rollback()
    return report


def _add_to_none(stage: Stage) -> bool:
    """Insert all staged rows if there is no contract yet; return whether that was done.

    A reference on two lines prevents it.
    """
    connection = stage.connection
    if connection.scalar(select(_contracts.c.id).limit(1)):
        return False
    try:
        with _savepoint(connection):
            indexes = _drop_indexes(connection)  # indexing a million contracts at once is much faster
            connection.execute(insert(_contracts).from_select(stage.names, _staged(stage)))
            _run(connection, indexes)
    except IntegrityError:
        if connection.dialect.name != "postgresql":
            _run(connection, indexes)
        return False
    return True


def _drop_indexes(connection: Connection) -> list[str]:
    """Drop the indexes of the contracts but for those of keys; return what makes them anew."""
    ours = {index.name for index in _contracts.indexes}
    every = connection.execute(text(_CATALOGUES[connection.dialect.name]), {"table": _contracts.name}).all()
    found = {name: statement for name, statement in every if name in ours}
    _run(connection, [f"DROP INDEX {name}" for name in found])
    return list(found.values())


def _run(connection: Connection, statements: Iterable[str]) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement)


def _bring(roster: Roster, stage: Stage, report: Report, staged: int) -> None:
    """Leave one staged row for each contract, and find those that change something."""
    staged -= zeros.restore_references(roster, stage, report)
    if not _index_references(stage):
        staged -= doubles.settle(roster, stage, report)
    report.added, report.changed = _find_changes(stage)
    if report.changed and zeros.restore_modules(roster, stage, report):
        report.added, report.changed = _find_changes(stage)
    report.unchanged = staged - report.changed - report.added


def _index_references(stage: Stage) -> bool:
    """Index the staged references; return whether each stands on one line only."""
    name, reference = "ix_portal_staged_reference", stage.rows.c.reference
    try:
        with _savepoint(stage.connection):
            Index(name, reference, unique=True).create(stage.connection)
    except IntegrityError:
        stage.rows.indexes.clear()
        Index(name, reference).create(stage.connection)
        return False
    return True


def _find_changes(stage: Stage) -> tuple[int, int]:
    """Note the lines that change something; return how many contracts are new, and how many differ.

    A contract that had ended runs again.
    """
    of, rows, changes = _contracts.c, stage.rows, stage.changes
    differs = (of[name].is_distinct_from(rows.c[name]) for name in stage.names)
    found = select(rows.c.line, of.id).outerjoin_from(rows, _contracts, of.reference == rows.c.reference)
    found = found.where(or_(of.id.is_(None), of.ended_at.is_not(None), *differs))
    stage.connection.execute(delete(changes))
    stage.connection.execute(insert(changes).from_select(["line", "contract_id"], found))
    lines, changed = stage.connection.execute(select(func.count(), func.count(changes.c.contract_id))).one()
    return lines - changed, changed


def _note_paper(stage: Stage) -> None:
    """Note whose direct debit ends: their notices go back on paper (T23)."""
    if "is_direct_debit" in stage.names:
        of, now = _contracts.c, stage.rows.c
        whose = select(of.account_id, of.id).select_from(
            stage.changed_rows.join(_contracts, of.id == stage.changes.c.contract_id)
        )
        lost = whose.where(of.account_id.is_not(None), of.is_direct_debit, ~now.is_direct_debit)
        audit.record_each("direct_debit_ended", lost, actor="roster")


def _upsert(stage: Stage) -> None:
    """Insert the contracts that are new and update those that differ.

    Unchanged rows are left out: on PostgreSQL each would use up a number of the sequence.
    """
    source = _staged(stage).select_from(stage.changed_rows).order_by(stage.changes.c.line)
    statement = _insert(stage)(_contracts).from_select(stage.names, source)
    statement = statement.on_conflict_do_update(
        index_elements=["reference"],
        set_={name: statement.excluded[name] for name in stage.names} | {"ended_at": None, "imported_at": utcnow()},
    )
    stage.connection.execute(statement)


def _learn_words(stage: Stage) -> None:
    """Add the words of what was staged to the search."""
    source = select(stage.words.c.word, stage.words.c.value).distinct().where(true())
    stage.connection.execute(_insert(stage)(_words).from_select(["word", "value"], source).on_conflict_do_nothing())


def _insert(stage: Stage) -> Callable[..., Any]:
    """Return the dialect's insert, which has `ON CONFLICT`."""
    return postgresql.insert if stage.connection.dialect.name == "postgresql" else sqlite.insert


def _savepoint(connection: Connection) -> AbstractContextManager[object]:
    """Return a savepoint on PostgreSQL, where a failed statement would otherwise end the transaction."""
    return connection.begin_nested() if connection.dialect.name == "postgresql" else nullcontext()


def _staged(stage: Stage) -> Select[Any]:
    return select(*(stage.rows.c[name] for name in stage.names))

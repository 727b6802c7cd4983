"""Import a roster: stage its rows in batches, then let the database compare and write.

A million lines fit: one batch is in memory, and no statement is sent for a single line.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Index,
    Select,
    String,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from ..contracts import lookup
from ..db import begin_staging, begin_write, db, lock_writes, translate_driver_errors, utcnow
from ..errors import RosterUnusable
from ..i18n import gettext as _
from ..models import Contract, Import, NameWord
from . import columns
from .csv_reader import Roster, from_tables
from .report import Fault, Report
from .staging import Stage, stage_all

#: Largest share of contracts that is ended without `force`.
ENDED_SHARE_MAX = 0.2
#: Makes a second import on PostgreSQL wait: « roster » in ASCII.
IMPORT_LOCK = 0x726F73746572

_contracts = Contract.metadata.tables[Contract.__tablename__]
_words = Contract.metadata.tables[NameWord.__tablename__]
_INDEXES_OF_NAMES = {"ix_portal_contracts_last_name", "ix_portal_contracts_first_name"}


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
    `complete`, contracts that the roster lacks are ended; more than a fifth of them only with `force`.
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
    stage, report = Stage(roster.columns, connection), Report()
    with translate_driver_errors(connection):
        staged = stage_all(roster, stage, report, progress)
    if not staged and not report.refused:
        raise RosterUnusable(_("Cette liste ne contient aucun contrat. Refaites l'export."))
    lock_writes()
    if _add_to_none(stage):
        report.added = staged
    else:
        if not _index_references(stage):
            staged -= _drop_repeated(roster, stage, report)
        if complete:
            report.ended = _end_lacking(stage, force=force)
        report.added, report.changed = _upsert(stage)
        report.unchanged = staged - report.changed - report.added
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
    if _count(stage):
        return False
    connection = stage.connection
    indexes = [index for index in _contracts.indexes if index.name in _INDEXES_OF_NAMES]
    try:
        with _savepoint(connection):
            for index in indexes:  # indexing a million names at once is much faster
                index.drop(connection)
            connection.execute(insert(_contracts).from_select(stage.names, _staged(stage)))
            for index in indexes:
                index.create(connection)
    except IntegrityError:
        if connection.dialect.name != "postgresql":
            for index in indexes:
                index.create(connection)
        return False
    return True


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


def _drop_repeated(roster: Roster, stage: Stage, report: Report) -> int:
    """Delete staged rows whose reference stands on several lines; return how many.

    Equal lines count once. Of different lines none is taken.
    """
    connection, rows = stage.connection, stage.rows
    doubles = select(rows.c.reference).group_by(rows.c.reference).having(func.count() > 1)
    names = [name for name in roster.columns if name != "reference"]
    compared = {name: func.coalesce(sql_cast(rows.c[name], String), "") for name in names}
    verdict = (
        select(
            rows.c.reference,
            func.min(rows.c.line).label("first_line"),
            func.max(rows.c.line).label("last_line"),
            *((func.min(value) != func.max(value)).label(name) for name, value in compared.items()),
        )
        .where(rows.c.reference.in_(doubles))
        .group_by(rows.c.reference)
        .subquery()
    )
    told = (
        select(rows.c.line, verdict)
        .join(verdict, verdict.c.reference == rows.c.reference)
        .order_by(rows.c.line)
        .execution_options(yield_per=1_000)
    )
    label = roster.labels["reference"]
    for row in connection.execute(told).mappings():
        line, first, reference = row["line"], row["first_line"], row["reference"]
        differing = ["module"] if row["module"] else [name for name in names if row[name]]
        if differing:
            other = row["last_line"] if line == first else first
            reason = _(
                "La ligne %(other)s porte la même référence, avec un autre contenu (%(columns)s). Aucune n'est prise.",
                other=other,
                columns=", ".join(roster.labels[name] for name in differing),
            )
            report.refusals.add([Fault(line, label, reference, reason)], is_late=True)
            report.refused += 1
        elif line != first:
            reason = _("La ligne %(other)s dit la même chose : le contrat est pris une fois.", other=first)
            report.warnings.add([Fault(line, label, reference, reason)], is_late=True)
            report.repeated += 1
    refused = select(verdict.c.reference).where(or_(*(verdict.c[name] for name in names)))
    connection.execute(insert(stage.refused_references).from_select(["reference"], refused))
    dropped = connection.execute(delete(rows).where(rows.c.reference.in_(refused))).rowcount
    is_later = exists().where(verdict.c.reference == rows.c.reference, rows.c.line > verdict.c.first_line)
    dropped += connection.execute(delete(rows).where(rows.c.reference.in_(doubles), is_later)).rowcount
    return int(dropped)


def _end_lacking(stage: Stage, *, force: bool) -> int:
    """End the contracts that the roster lacks. A refused line keeps the contract that it names."""
    of, references, modules = _contracts.c, stage.refused_references.c, stage.refused_modules.c
    is_alive = and_(of.ended_at.is_(None), or_(of.ends_on.is_(None), of.ends_on >= lookup.today()))
    is_there = or_(
        exists().where(stage.rows.c.reference == of.reference),
        exists().where(references.reference == of.reference),
        exists().where(modules.module == of.module),
    )
    lacking = and_(is_alive, ~is_there)
    alive, ended = _count(stage, is_alive), _count(stage, lacking)
    if ended > alive * ENDED_SHARE_MAX and not force:
        raise RosterUnusable(
            _(
                "Ce fichier mettrait fin à %(ended)s des %(alive)s contrats en cours, plus de 20 %%."
                " Vérifiez qu'il est complet. S'il l'est, ajoutez --force.",
                ended=ended,
                alive=alive,
            )
        )
    if ended:
        stage.connection.execute(update(_contracts).where(lacking).values(ended_at=utcnow()))
    return ended


def _upsert(stage: Stage) -> tuple[int, int]:
    """Insert the contracts that are new and update those that differ; return how many of each.

    A contract that had ended runs again. Unchanged rows are left out: on PostgreSQL each would use up a number of the
    sequence.
    """
    of, rows, names = _contracts.c, stage.rows, stage.names
    differs = (of[name].is_distinct_from(rows.c[name]) for name in names)
    source = _staged(stage).outerjoin(_contracts, of.reference == rows.c.reference)
    source = source.where(or_(of.id.is_(None), of.ended_at.is_not(None), *differs)).order_by(rows.c.line)
    statement = _insert(stage)(_contracts).from_select(names, source)
    statement = statement.on_conflict_do_update(
        index_elements=["reference"],
        set_={name: statement.excluded[name] for name in names} | {"ended_at": None, "imported_at": utcnow()},
    )
    before = _count(stage)
    written = stage.connection.execute(statement.execution_options(preserve_rowcount=True)).rowcount
    added = _count(stage) - before
    return added, written - added


def _learn_words(stage: Stage) -> None:
    """Add the words of the staged names to the search."""
    source = select(stage.words.c.word, stage.words.c.name).distinct().where(true())
    stage.connection.execute(_insert(stage)(_words).from_select(["word", "name"], source).on_conflict_do_nothing())


def _insert(stage: Stage) -> Callable[..., Any]:
    """Return the dialect's insert, which has `ON CONFLICT`."""
    return postgresql.insert if stage.connection.dialect.name == "postgresql" else sqlite.insert


def _savepoint(connection: Connection) -> AbstractContextManager[object]:
    """Return a savepoint on PostgreSQL, where a failed statement would otherwise end the transaction."""
    return connection.begin_nested() if connection.dialect.name == "postgresql" else nullcontext()


def _staged(stage: Stage) -> Select[Any]:
    return select(*(stage.rows.c[name] for name in stage.names))


def _count(stage: Stage, *conditions: ColumnElement[bool]) -> int:
    counted = select(func.count()).select_from(_contracts).where(*conditions)
    return stage.connection.scalar(counted) or 0

"""Bringing the contracts to what a roster says: staged in batches, compared and taken by the database, in one go.

A file may hold a million lines: nothing here keeps more of it than one batch, and no statement is sent per line.
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
from ..db import begin_staging, begin_write, db, lock_writes, told_by_driver, utcnow
from ..errors import RosterUnusable
from ..i18n import gettext as _
from ..models import Contract, Import, Message, NameWord
from . import columns
from .csv_reader import Roster, from_tables, read
from .report import Fault, Report
from .staging import Stage, stage_all

__all__ = ["Fault", "Report", "Roster", "awaited", "read", "take"]

#: Share of the running contracts that a complete roster may end without being told that it is meant so.
ENDED_SHARE_MAX = 0.2
#: Names the lock that makes a second import on PostgreSQL wait for the first: « roster » in ASCII.
IMPORT_LOCK = 0x726F73746572

_contracts = Contract.metadata.tables[Contract.__tablename__]
_INDEXES_OF_NAMES = {"ix_portal_contracts_last_name", "ix_portal_contracts_first_name"}
_words = Contract.metadata.tables[NameWord.__tablename__]


def take(
    rows: Roster | Iterable[Mapping[str, object]],
    *,
    name: str,
    complete: bool = False,
    force: bool = False,
    dry_run: bool = False,
    progress: Callable[[], None] = lambda: None,
) -> Report:
    """Bring the contracts to what the rows say, in one transaction that the caller commits; a dry run is undone here.

    A contract that comes back runs again; columns that the roster lacks, and the accounts, stay as they are. With
    `complete`, contracts that the roster lacks are ended; more than a fifth of them only with `force`.
    """
    if isinstance(rows, Roster):
        roster = rows
        begin_staging()
    else:  # a host may read them in this very transaction, which then could no longer get the write lock
        roster = from_tables(rows)
        begin_write()
    connection = db.session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": IMPORT_LOCK})
    stage, report = Stage(roster.columns, connection), Report()
    with told_by_driver(connection):
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


def awaited() -> list[tuple[Message, Contract]]:
    """Return who asked to be told when his contract appears, and the running contract that has appeared (T05).

    Only a contract that is new since the question, and free: nobody learns by asking which references exist (X19).
    """
    waiting = select(Message).where(
        Message.topic == "waiting",
        Message.told_at.is_(None),
        Message.contract_id.is_(None),
        Message.reference != "",
        Message.email != "",
    )
    today = lookup.today()
    found = [(message, lookup.find(message.reference)) for message in db.session.scalars(waiting).all()]
    return [
        (message, contract)
        for message, contract in found
        if contract is not None and contract.account_id is None and contract.is_running(today)
    ]


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
    """Leave out the lines whose reference stands on several: the same said twice counts once, else none is guessed."""
    connection, rows, present = stage.connection, stage.rows, stage.refused_numbers
    doubles = select(rows.c.reference).group_by(rows.c.reference).having(func.count() > 1)
    names = [name for name in roster.columns if name != "reference"]
    compared = {name: func.coalesce(sql_cast(rows.c[name], String), "") for name in names}
    differs = {name: func.min(value) != func.max(value) for name, value in compared.items()}
    verdict = (
        select(
            rows.c.reference,
            func.min(rows.c.line).label("first"),
            func.max(rows.c.line).label("last"),
            *(difference.label(name) for name, difference in differs.items()),
        )
        .where(rows.c.reference.in_(doubles))
        .group_by(rows.c.reference)
        .subquery()
    )
    told = (
        select(rows.c.line, *verdict.c)
        .join(verdict, verdict.c.reference == rows.c.reference)
        .order_by(rows.c.line)
        .execution_options(yield_per=1_000)
    )
    label = roster.labels["reference"]
    for line, reference, first, last, *flags in connection.execute(told):
        other = last if line == first else first
        unlike = [roster.labels[name] for name, flag in zip(names, flags, strict=True) if flag]
        if flags[0]:
            unlike = unlike[:1]  # another module says enough
        if unlike:
            report.refusals.add([Fault(line, label, reference, _double_trouble(other, unlike))], is_late=True)
            report.refused += 1
        elif line != first:
            reason = _("La ligne %(other)s dit la même chose : le contrat est pris une fois.", other=first)
            report.warnings.add([Fault(line, label, reference, reason)], is_late=True)
            report.repeated += 1
    unlike_any = or_(*(verdict.c[name] for name in names))
    refused = select(verdict.c.reference).where(unlike_any)
    connection.execute(insert(present).from_select(["reference", "module"], refused.add_columns(text("''"))))
    gone = connection.execute(delete(rows).where(rows.c.reference.in_(refused))).rowcount
    again = select(verdict.c.first).where(verdict.c.reference == rows.c.reference, rows.c.line > verdict.c.first)
    gone += connection.execute(delete(rows).where(rows.c.reference.in_(doubles), exists(again))).rowcount
    return int(gone)


def _double_trouble(other: int, unlike: list[str]) -> str:
    return _(
        "La ligne %(other)s porte la même référence, avec un autre contenu (%(columns)s). Aucune n'est prise.",
        other=other,
        columns=", ".join(unlike),
    )


def _end_lacking(stage: Stage, *, force: bool) -> int:
    """End the contracts that the roster lacks; a line that was refused still says that its contract is there."""
    of, present = _contracts.c, stage.refused_numbers.c
    is_alive = and_(of.ended_at.is_(None), or_(of.ends_on.is_(None), of.ends_on >= lookup.today()))
    is_there = or_(
        exists().where(stage.rows.c.reference == of.reference),
        exists().where(present.reference == of.reference),
        exists().where(present.reference == "", present.module == of.module),
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
    """Add the contracts that are new and write what really differs; return how many of each.

    A contract that had been ended runs again. Only rows that differ are inserted: the others cost no write, and on
    PostgreSQL no number of the sequence.
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
    """Have the search find the names on the staged rows; what it knows already stays as it is."""
    source = select(stage.words.c.word, stage.words.c.name).distinct().where(true())
    stage.connection.execute(_insert(stage)(_words).from_select(["word", "name"], source).on_conflict_do_nothing())


def _add_to_none(stage: Stage) -> bool:
    """Add all that was staged where no contract stands yet, and tell so; no reference may stand on two lines."""
    if _count(stage):
        return False
    connection = stage.connection
    indexes = [index for index in _contracts.indexes if index.name in _INDEXES_OF_NAMES]
    try:
        with _savepoint(connection):
            for index in indexes:  # to sort a million names once costs a fraction of putting each at its place
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


def _insert(stage: Stage) -> Callable[..., Any]:
    """Return the insert statement of the database's own dialect, which knows `ON CONFLICT`."""
    return postgresql.insert if stage.connection.dialect.name == "postgresql" else sqlite.insert


def _savepoint(connection: Connection) -> AbstractContextManager[object]:
    """Return a savepoint on PostgreSQL, where a statement that fails ends the transaction otherwise."""
    return connection.begin_nested() if connection.dialect.name == "postgresql" else nullcontext()


def _staged(stage: Stage) -> Select[Any]:
    """Select what was staged; the tables are read from their beginning, in the order of the lines."""
    return select(*(stage.rows.c[name] for name in stage.names))


def _count(stage: Stage, *conditions: ColumnElement[bool]) -> int:
    counted = select(func.count()).select_from(_contracts).where(*conditions)
    return stage.connection.scalar(counted) or 0

"""Bringing the contracts to what a roster says: staged in batches, compared and taken by the database, in one go.

A file may hold a million lines: nothing here keeps more of it than one batch, and no statement is sent per line.
"""

from collections.abc import Callable, Iterable, Mapping

from sqlalchemy import Index, String, Table, and_, delete, exists, func, insert, or_, select, text, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.engine import Connection

from . import contracts, roster_cells, roster_stage
from .db import begin_write, db, utcnow
from .errors import RosterUnusable
from .i18n import gettext as _
from .models import Contract, Import, Message
from .roster_file import Roster, from_tables, read
from .roster_report import Fault, Report

__all__ = ["Fault", "Report", "Roster", "awaited", "read", "take"]

#: Share of the running contracts that a complete roster may end without being told that it is meant so.
ENDED_SHARE_MAX = 0.2
#: Names the lock that makes a second import on PostgreSQL wait for the first: « roster » in ASCII.
IMPORT_LOCK = 0x726F73746572

_contracts = Contract.metadata.tables[Contract.__tablename__]


def take(
    rows: Roster | Iterable[Mapping[str, object]],
    *,
    name: str,
    complete: bool = False,
    force: bool = False,
    dry_run: bool = False,
    progress: Callable[[], None] = lambda: None,
) -> Report:
    """Bring the contracts to what the rows say, in one write that the caller commits; a dry run is undone here.

    A contract that comes back runs again; columns that the roster lacks, and the accounts, stay as they are. With
    `complete`, contracts that the roster lacks are ended; more than a fifth of them only with `force`.
    """
    roster = rows if isinstance(rows, Roster) else from_tables(rows)
    begin_write()
    connection = db.session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": IMPORT_LOCK})
    stage, present = roster_stage.tables(roster.columns)
    stage.metadata.create_all(connection, checkfirst=False)
    report = Report()
    staged = roster_stage.stage_all(roster, stage, present, connection, report, progress)
    if not staged and not report.refused:
        raise RosterUnusable(_("Cette liste ne contient aucun contrat. Refaites l'export."))
    Index("ix_portal_staged_reference", stage.c.reference).create(connection)
    staged -= _drop_repeated(roster, stage, present, connection, report)
    if complete:
        report.ended = _end_lacking(stage, present, connection, force=force)
    report.changed = _change(stage, connection)
    report.added = _add(stage, connection)
    report.unchanged = staged - report.changed - report.added
    stage.metadata.drop_all(connection, checkfirst=False)
    counts = {key: getattr(report, key) for key in ("added", "changed", "unchanged", "ended", "refused")}
    db.session.add(Import(name=roster_cells.text(name)[:200], **counts))
    db.session.flush()
    db.session.expire_all()
    if dry_run:
        db.session.rollback()
    return report


def awaited() -> list[tuple[Message, Contract]]:
    """Return who asked to be told when his contract appears, and the running contract that has appeared (T05)."""
    waiting = select(Message).where(
        Message.topic == "waiting", Message.told_at.is_(None), Message.reference != "", Message.email != ""
    )
    today = contracts.today()
    found = [(message, contracts.find(message.reference)) for message in db.session.scalars(waiting).all()]
    return [(message, contract) for message, contract in found if contract is not None and contract.is_running(today)]


def _drop_repeated(roster: Roster, stage: Table, present: Table, connection: Connection, report: Report) -> int:
    """Leave out the lines whose reference stands on several: the same said twice counts once, else none is guessed."""
    doubles = select(stage.c.reference).group_by(stage.c.reference).having(func.count() > 1)
    if connection.execute(doubles.limit(1)).first() is None:
        return 0
    names = [name for name in roster.columns if name != "reference"]
    compared = {name: func.coalesce(sql_cast(stage.c[name], String), "") for name in names}
    differs = {name: func.min(value) != func.max(value) for name, value in compared.items()}
    verdict = (
        select(
            stage.c.reference,
            func.min(stage.c.line).label("first"),
            func.max(stage.c.line).label("last"),
            *(difference.label(name) for name, difference in differs.items()),
        )
        .where(stage.c.reference.in_(doubles))
        .group_by(stage.c.reference)
        .subquery()
    )
    told = (
        select(stage.c.line, *verdict.c)
        .join(verdict, verdict.c.reference == stage.c.reference)
        .order_by(stage.c.line)
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
    gone = connection.execute(delete(stage).where(stage.c.reference.in_(refused))).rowcount
    again = select(verdict.c.first).where(verdict.c.reference == stage.c.reference, stage.c.line > verdict.c.first)
    gone += connection.execute(delete(stage).where(stage.c.reference.in_(doubles), exists(again))).rowcount
    return int(gone)


def _double_trouble(other: int, unlike: list[str]) -> str:
    return _(
        "La ligne %(other)s porte la même référence, avec un autre contenu (%(columns)s). Aucune n'est prise.",
        other=other,
        columns=", ".join(unlike),
    )


def _end_lacking(stage: Table, present: Table, connection: Connection, *, force: bool) -> int:
    """End the contracts that the roster lacks; a line that was refused still says that its contract is there."""
    of = _contracts.c
    is_alive = and_(of.ended_at.is_(None), or_(of.ends_on.is_(None), of.ends_on >= contracts.today()))
    is_there = or_(
        exists().where(stage.c.reference == of.reference),
        exists().where(present.c.reference == of.reference),
        exists().where(present.c.reference == "", present.c.module == of.module),
    )
    lacking = and_(is_alive, ~is_there)
    alive = connection.scalar(select(func.count()).select_from(_contracts).where(is_alive)) or 0
    ended = connection.scalar(select(func.count()).select_from(_contracts).where(lacking)) or 0
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
        connection.execute(update(_contracts).where(lacking).values(ended_at=utcnow()))
    return int(ended)


def _change(stage: Table, connection: Connection) -> int:
    """Write what really differs; a contract that had been ended runs again."""
    names = [column.name for column in stage.c if column.name not in ("line", "reference")]
    differs = [_contracts.c[name].is_distinct_from(stage.c[name]) for name in names]
    statement = (
        update(_contracts)
        .where(_contracts.c.reference == stage.c.reference, or_(_contracts.c.ended_at.is_not(None), *differs))
        .values({name: stage.c[name] for name in names} | {"ended_at": None, "imported_at": utcnow()})
    )
    return int(connection.execute(statement).rowcount)


def _add(stage: Table, connection: Connection) -> int:
    names = [column.name for column in stage.c if column.name != "line"]
    unknown = (
        select(*(stage.c[name] for name in names))
        .outerjoin(_contracts, _contracts.c.reference == stage.c.reference)
        .where(_contracts.c.id.is_(None))
        .order_by(stage.c.line)
    )
    statement = insert(_contracts).from_select(names, unknown).execution_options(preserve_rowcount=True)
    return int(connection.execute(statement).rowcount)

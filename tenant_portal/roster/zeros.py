"""Leading zeros that a spreadsheet ate: the contract on file is known, and keeps its numbers."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, delete, exists, func, insert, select, union_all, update

from ..i18n import gettext as _
from ..models import Contract
from .csv_reader import Roster
from .report import Fault, Report
from .staging import Stage

_contracts = Contract.metadata.tables[Contract.__tablename__]


def restore_references(roster: Roster, stage: Stage, report: Report) -> int:
    """Give lines that are not on file the only reference that differs by leading zeros, if the module is the same.

    Lines for which two are on file are refused; return how many.
    """
    if not _has_zeros(stage):
        return 0
    connection, rows, twins = stage.connection, stage.rows, stage.twins
    of = _contracts.c
    begin_so = select(of.reference, _bare(of.reference), _bare(of.module)).where(_begins_with_zero(of.reference))
    connection.execute(insert(stage.zeros).from_select(["reference", "bare", "module"], begin_so))
    connection.execute(insert(twins).from_select(["line", "reference"], _twins(stage, rows, rows.c.line)))
    stage.refuse(_twins(stage, stage.refused_references))
    found = (
        select(twins.c.line, func.min(twins.c.reference).label("one"), func.max(twins.c.reference).label("other"))
        .group_by(twins.c.line)
        .subquery()
    )
    told = select(rows.c.line, rows.c.reference, found.c.one, found.c.other).join(found, found.c.line == rows.c.line)
    label, before = roster.titles.labels["reference"], report.refused
    report.refusals.begin_pass()
    report.warnings.begin_pass()
    for line, reference, one, other in connection.execute(
        told.order_by(rows.c.line).execution_options(yield_per=1_000)
    ):
        if one == other:
            reason = _("C'est le contrat %(one)s, à des zéros près au début : il garde ce numéro.", one=one)
            report.warnings.add([Fault(line, label, reference, reason)])
        else:
            reason = _(
                "Est-ce le contrat %(one)s ou le contrat %(other)s ? Il ne manque que des zéros au début.",
                one=one,
                other=other,
            )
            report.refusals.add([Fault(line, label, reference, reason)])
            report.refused += 1
    doubtful = select(found.c.line).where(found.c.one != found.c.other)
    stage.refuse(select(twins.c.reference).where(twins.c.line.in_(doubtful)))
    connection.execute(delete(rows).where(rows.c.line.in_(doubtful)))
    connection.execute(update(rows).where(rows.c.line == twins.c.line).values(reference=twins.c.reference))
    return report.refused - before


def restore_modules(roster: Roster, stage: Stage, report: Report) -> bool:
    """Give changed lines the module on file that differs by leading zeros alone; tell whether there are any."""
    of, rows, changes = _contracts.c, stage.rows, stage.changes
    are_same = and_(
        rows.c.line == changes.c.line,
        of.id == changes.c.contract_id,
        of.module != rows.c.module,
        _bare(of.module) == _bare(rows.c.module),
    )
    told = select(rows.c.line, rows.c.module, of.module).select_from(stage.changed_rows).where(are_same)
    told = told.order_by(changes.c.line)
    label, before = roster.titles.labels["module"], len(report.warnings)
    report.warnings.begin_pass()
    for line, module, kept in stage.connection.execute(told.execution_options(yield_per=1_000)):
        reason = _("C'est le module %(kept)s, à des zéros près au début : il garde ce numéro.", kept=kept)
        report.warnings.add([Fault(line, label, module, reason)])
    if len(report.warnings) == before:
        return False
    stage.connection.execute(update(rows).where(are_same).values(module=of.module))
    return True


def _has_zeros(stage: Stage) -> bool:
    """Tell whether a reference begins with a zero."""
    every = (_contracts.c.reference, stage.rows.c.reference, stage.refused_references.c.reference)
    return any(stage.connection.scalar(select(exists().where(_begins_with_zero(column)))) for column in every)


def _begins_with_zero(number: ColumnElement[str]) -> ColumnElement[bool]:
    return and_(number >= "0", number < "1")


def _bare(number: ColumnElement[str]) -> ColumnElement[str]:
    return func.ltrim(number, "0")


def _twins(stage: Stage, source: FromClause, *more: ColumnElement[Any]) -> Any:
    """Select references on file that differ by leading zeros alone from those of a table that are not on file.

    One of two such numbers begins with a zero. So one look goes by the index, the other at those on file that do.
    """
    of, own, zeros = _contracts.c, source.c, stage.zeros.c
    every = _contracts.alias()
    is_new = ~exists().where(every.c.reference == own.reference)
    by_index = select(*more, of.reference).join_from(source, _contracts, of.reference == _bare(own.reference))
    by_index = by_index.where(_begins_with_zero(own.reference), is_new)
    by_zero = select(*more, zeros.reference).join_from(source, stage.zeros, zeros.bare == _bare(own.reference))
    by_zero = by_zero.where(is_new)
    if "module" in own:
        by_index = by_index.where(_bare(of.module) == _bare(own.module))
        by_zero = by_zero.where(zeros.module == _bare(own.module))
    return union_all(by_index, by_zero)

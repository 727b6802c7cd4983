"""Lines of one contract: told once, joined where they name its tenants, refused where they differ otherwise."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    String,
    Table,
    and_,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
)
from sqlalchemy import cast as sql_cast

from ..i18n import gettext as _
from ..text import folded
from .csv_reader import Roster
from .report import Fault, Report
from .staging import OWN, Stage


class Person(NamedTuple):
    """A tenant of a contract, as one line names him."""

    title: str
    last_name: str
    first_name: str
    email: str


def settle(roster: Roster, stage: Stage, report: Report) -> int:
    """Leave one staged row, or none, of those with one reference; return how many are gone.

    Equal lines count once. Lines that name tenants of one contract become one. Of other lines none is taken.
    """
    connection, rows, groups = stage.connection, stage.rows, stage.groups
    _group(stage)
    differing = {name: groups.c[f"{name}_differs"] for name in roster.columns if name != "reference"}
    joined = _name_tenants(groups, differing)
    refused = and_(or_(*differing.values()), not_(joined))
    too_long = set[int]()
    stage.add_joined(_joined(stage, joined, too_long))
    told = select(rows.c.line, groups, joined.label("joined"), refused.label("refused"))
    told = told.join(groups, groups.c.reference == rows.c.reference).order_by(rows.c.line)
    report.refusals.begin_pass()
    report.warnings.begin_pass()
    for row in connection.execute(told.execution_options(yield_per=1_000)).mappings():
        _tell(row, list(differing), roster, report, is_too_long=row["line"] in too_long)
    stage.join()
    stage.refuse(select(groups.c.reference).where(refused))
    own = groups.c.reference == rows.c.reference
    gone = exists().where(own, or_(refused, rows.c.line > groups.c.first_line))
    return int(connection.execute(delete(rows).where(gone)).rowcount)


def _group(stage: Stage) -> None:
    """Note the references on several lines, with the first and the last, and whether a column differs."""
    rows, groups = stage.rows, stage.groups
    doubles = select(rows.c.reference).group_by(rows.c.reference).having(func.count() > 1)
    names = [column.name.removesuffix("_differs") for column in groups.c if column.name.endswith("_differs")]
    texts = {name: func.coalesce(sql_cast(rows.c[name], String), "") for name in names}
    found = select(
        rows.c.reference,
        func.min(rows.c.line),
        func.max(rows.c.line),
        *(func.min(text) != func.max(text) for text in texts.values()),
        func.max(texts.get("first_name", literal(""))) != "",
    )
    found = found.where(rows.c.reference.in_(doubles)).group_by(rows.c.reference)
    stage.connection.execute(insert(groups).from_select(list(groups.c), found))


def _name_tenants(groups: Table, differing: Mapping[str, ColumnElement[bool]]) -> ColumnElement[bool]:
    """Tell whether lines differ by their tenant alone; a title alone tells tenants apart if none has a first name."""
    by_name = [differing[name] for name in ("last_name", "first_name") if name in differing]
    by_title = [and_(differing["title"], not_(groups.c.has_first_names))] if "title" in differing else []
    return and_(or_(false(), *by_name, *by_title), *(not_(differing[name]) for name in differing if name not in OWN))


def _tell(row: Mapping[Any, Any], names: Sequence[str], roster: Roster, report: Report, *, is_too_long: bool) -> None:
    line, first, labels = row["line"], row["first_line"], roster.titles.labels
    differing = [name for name in names if row[f"{name}_differs"]]
    fault = Fault(line, labels["reference"], row["reference"], "")
    if row["refused"]:
        reason = _(
            "La ligne %(other)s porte la même référence, avec un autre contenu (%(columns)s). Aucune n'est prise.",
            other=row["last_line"] if line == first else first,
            columns=", ".join(labels[name] for name in (["module"] if "module" in differing else differing)),
        )
        report.refusals.add([fault._replace(reason=reason)])
        report.refused += 1
    elif line == first and is_too_long:
        reason = _("Les noms des locataires de ce contrat sont trop longs ensemble : les derniers manquent.")
        report.warnings.add([fault._replace(reason=reason)])
    elif line != first:
        if not row["joined"]:
            reason = _("La ligne %(other)s dit la même chose : le contrat est pris une fois.", other=first)
        elif "email" in differing:
            reason = _(
                "La ligne %(other)s est du même contrat : leurs locataires sont réunis, avec la première adresse mail.",
                other=first,
            )
        else:
            reason = _("La ligne %(other)s est du même contrat : leurs locataires sont réunis.", other=first)
        report.warnings.add([fault._replace(reason=reason)])
        report.repeated += 1


def _joined(stage: Stage, joined: ColumnElement[bool], too_long: set[int]) -> Iterator[dict[str, str | int]]:
    """Yield the first line of each contract with several tenants, and what it says of all; note those too long."""
    rows, groups = stage.rows, stage.groups
    own = [name for name in OWN if name in rows.c]
    several = select(rows.c.reference, rows.c.line, *(rows.c[name] for name in own))
    several = several.join(groups, groups.c.reference == rows.c.reference).where(joined)
    several = several.order_by(rows.c.reference, rows.c.line).execution_options(yield_per=1_000)
    for _reference, lines in groupby(stage.connection.execute(several).mappings(), lambda row: row["reference"]):
        tenants = list(lines)
        line = tenants[0]["line"]
        whole = together([Person(*(row.get(name, "") for name in OWN)) for row in tenants])._asdict()
        for name in own:
            longest = rows.c[name].type.length
            if len(whole[name]) > longest:
                too_long.add(line)
                whole[name] = whole[name][: longest - 1].rstrip(" ,") + "…"
        yield {"line": line, **{name: whole[name] for name in own}}


def together(tenants: Sequence[Person]) -> Person:
    """Return several tenants as one, as people write it: « Paul et Anne » MARTIN, or « MARTIN Paul et DURAND Anne »."""
    known = dict[str, Person]()
    for one in tenants:
        known.setdefault(folded(f"{one.last_name}|{one.first_name}"), one)
    people = [one for one in known.values() if one.last_name or one.first_name]
    titles = list(dict.fromkeys(one.title for one in tenants if one.title))
    email = next((one.email for one in tenants if one.email), "")
    if len({folded(one.last_name) for one in people}) <= 1:
        last_name = people[0].last_name if people else ""
        first_names = _listed([one.first_name for one in people if one.first_name])
        return Person(_listed(titles), last_name, first_names, email)
    return Person(_listed(titles), _listed([f"{one.last_name} {one.first_name}".strip() for one in people]), "", email)


def _listed(words: Sequence[str]) -> str:
    return " et ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)

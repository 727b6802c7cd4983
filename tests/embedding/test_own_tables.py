"""Contracts from a host's own tables: rules and report are those of a file."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import Column, Date, MetaData, String, Table, create_engine, insert, select

from tenant_portal import roster
from tenant_portal.db import begin_write, db
from tenant_portal.errors import RosterUnusable
from tenant_portal.models import Contract

LEASES = Table(
    "leases",
    MetaData(),
    Column("number", String, primary_key=True),
    Column("dwelling", String),
    Column("means", String),
    Column("since", Date),
)
ROWS = [
    {"number": "417201", "dwelling": "60318401", "means": "PRELEVEMENT", "since": date(2019, 3, 1)},
    {"number": "417202", "dwelling": "60318402", "means": "Chèque", "since": None},
    {"number": "4172O3", "dwelling": "60318403", "means": "Chèque", "since": None},
]
QUERY = select(
    LEASES.c.number.label("reference"),
    LEASES.c.dwelling.label("module"),
    LEASES.c.means.label("payment"),
    LEASES.c.since.label("starts_on"),
).order_by(LEASES.c.number)


@pytest.fixture
def inside(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def from_dicts() -> Iterator[dict[str, object]]:
    names = {"reference": "number", "module": "dwelling", "payment": "means", "starts_on": "since"}
    for row in ROWS:
        yield {ours: row[own] for ours, own in names.items()}


def from_own_engine() -> Iterator[dict[str, object]]:
    """Yield the leases of another database of the host."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        LEASES.create(connection)
        connection.execute(insert(LEASES), ROWS)
        yield from connection.execute(QUERY).mappings()  # type: ignore[misc]
    engine.dispose()


def from_shared_session() -> Iterable[Mapping[str, object]]:
    """Return rows of the portal's own database, read while it imports."""
    begin_write()
    LEASES.create(db.session.connection())
    db.session.execute(insert(LEASES), ROWS)
    db.session.commit()
    return db.session.execute(QUERY).mappings()  # type: ignore[return-value]


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("source", [from_dicts, from_own_engine, from_shared_session])
def test_host_brings_contracts_from_its_own_tables(source: Callable[[], Iterable[Mapping[str, object]]]) -> None:
    report = roster.take(source(), name="leases")
    db.session.commit()
    assert (report.added, report.changed, report.refused) == (2, 0, 1)
    (fault,) = report.refusals
    assert (fault.line, fault.column, fault.value) == (3, "Référence contrat", "4172O3")
    found = {row.reference: row for row in db.session.scalars(select(Contract))}
    assert set(found) == {"417201", "417202"}
    assert found["417201"].is_direct_debit and not found["417202"].is_direct_debit
    assert found["417201"].starts_on == date(2019, 3, 1)
    again = roster.take(from_dicts(), name="leases")
    db.session.commit()
    assert (again.added, again.changed, again.unchanged, again.refused) == (0, 0, 2, 1)


@pytest.mark.usefixtures("inside")
def test_host_ends_the_contracts_that_its_tables_lack() -> None:
    roster.take(from_dicts(), name="leases")
    db.session.commit()
    with pytest.raises(RosterUnusable, match="plus d.un contrat sur dix"):
        roster.take(list(from_dicts())[:1], name="leases", complete=True)
    db.session.rollback()
    assert roster.take(list(from_dicts())[:1], name="leases", complete=True, force=True).ended == 1
    db.session.commit()


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("rows", [[], [{"reference": "417201"}]])
def test_host_whose_rows_are_no_roster_is_told_so(rows: list[dict[str, object]]) -> None:
    with pytest.raises(RosterUnusable):
        roster.take(rows, name="leases")
    db.session.rollback()

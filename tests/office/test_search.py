"""The staff's search reads an index and a bounded number of rows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text

from tenant_portal import roster
from tenant_portal.db import db
from tenant_portal.office import search

from ..support.people import Roster, run

pytestmark = pytest.mark.databases("sqlite", "postgresql")

PEOPLE = [
    ("MARTIN", "Élodie"),
    ("MARTIN-DURAND", "Anne"),
    ("LE GOFF", "Jean-Pierre"),
    ("D'ALMÉÏDA", "Zoé"),
    ("Nicolas", "Noël"),
]
#: Names as contracts have them, and as a tenant or staff write them.
SPELLINGS = {
    "D'ANGELO": ("D’Angelo", "d angelo", "Dangelo", "D`ANGELO", "d'ang"),
    "LECŒUR": ("Lecoeur", "lecœur", "LE COEUR", "lecoe"),
    "LECOEURS": ("Lecœurs",),
    "LEGALL": ("Le Gall", "le-gall", "LEGALL"),
    "LE BRAS": ("Lebras", "le bras", "LE-BRAS"),
    "SAINT-ÉXUPÉRY": ("saint exupery", "Saintexupéry", "Saint‑Exupéry"),
    "DE LA TOUR": ("Delatour", "de-la-tour"),
    "O’NEILL": ("O'Neill", "oneill", "O Neill"),
    "CÆSAR": ("Caesar", "cæsar"),
}


@pytest.fixture
def people(app: Flask, tmp_path: Path) -> Roster:
    landlord = Roster(app, tmp_path)
    landlord.take([row(str(n), *names) for n, names in enumerate(PEOPLE, 1001)])
    return landlord


@pytest.fixture
def inside(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def row(reference: str, last_name: str, first_name: str, email: str = "") -> dict[str, str]:
    return {"reference": reference, "module": "7", "last_name": last_name, "first_name": first_name, "email": email}


def found(app: Flask, query: str) -> list[str]:
    with app.app_context():
        return [contract.last_name for contract in search.search(query)]


FOUND = [
    ("martin", ["MARTIN", "MARTIN-DURAND"]),
    ("Mart élo", ["MARTIN"]),
    ("elodie MARTIN", ["MARTIN"]),
    ("durand", ["MARTIN-DURAND"]),
    ("martin-durand anne", ["MARTIN-DURAND"]),
    ("goff", ["LE GOFF"]),
    ("pierre le goff jean", ["LE GOFF"]),
    ("d'alméïda", ["D'ALMÉÏDA"]),
    ("almeida", ["D'ALMÉÏDA"]),
    ("colas", []),
    ("martin zzz", []),
    ("zoé martin", []),
    ("100", ["D'ALMÉÏDA", "LE GOFF", "MARTIN", "MARTIN-DURAND", "Nicolas"]),
    ("1003", ["LE GOFF"]),
    ("01003", ["LE GOFF"]),
    ("e", ["MARTIN"]),
    ("n" * 4000, []),
    ("n " * 2000, ["Nicolas"]),
    (" ".join("abcdefghijklmnopqrstuvwxyz"), []),
    ("9" * 4000, []),
    ("a@" * 2000, []),
    *((nothing, []) for nothing in ("%", "_", "\0", "m\0x", "😀", "   ", "%@", "_@", "\0@", "'", "\\", "*")),
]


def test_staff_find_whom_the_words_mean(app: Flask, people: Roster) -> None:
    for query, names in FOUND:
        assert found(app, query) == names, query[:60]


def test_staff_find_a_name_as_people_write_it(app: Flask, tmp_path: Path) -> None:
    rows = [row(str(n), name, "Anne-Marie") for n, name in enumerate(SPELLINGS, 6001)]
    with app.app_context():
        roster.take(rows, name="x")
        db.session.commit()
    for name, typed in SPELLINGS.items():
        for query in (*typed, f"{typed[0]} anne"):
            assert name in found(app, query), query


def test_an_address_is_found_by_its_beginning(app: Flask, people: Roster) -> None:
    people.take([row("2001", "PETIT", "Paul", "Paul_P@orange.fr"), row("2002", "GRAND", "Luc", "luc@free.fr")])
    assert found(app, "PAUL_p@or") == ["PETIT"]
    assert found(app, "luc@") == ["GRAND"]
    assert found(app, "paulxp@") == []


def test_the_index_follows_what_an_import_adds_and_changes(app: Flask, people: Roster) -> None:
    people.take([row("1001", "DUBOIS", "Élodie"), row("3001", "Œuvré", "Ève")])
    assert found(app, "martin") == ["MARTIN-DURAND"]
    assert found(app, "dubois elodie") == ["DUBOIS"]
    assert found(app, "eve") == ["Œuvré"]
    assert "1 ligne" not in people.take([row("3001", "Œuvré", "Ève")]), "the same again changes nothing"
    assert found(app, "eve œuv") == ["Œuvré"]


def test_names_beyond_those_remembered_at_once_are_found(
    app: Flask, people: Roster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenant_portal.roster.staging.NAMES_MAX", 3)
    people.take([row(str(n), f"NOM{n}", "Ève") for n in range(4000, 5200)])
    assert found(app, "nom4001") == ["NOM4001"]
    assert found(app, "nom5199") == ["NOM5199"]


def test_a_dry_run_and_an_import_that_fails_teach_nothing(app: Flask, people: Roster) -> None:
    people.take([row("5001", "ESSAI", "Un")], "--dry-run")
    with app.app_context():
        assert db.session.scalar(text("SELECT count(*) FROM portal_name_words WHERE word = 'essai'")) == 0


def test_a_first_roster_with_a_double_keeps_the_indexes(app: Flask, tmp_path: Path) -> None:
    Roster(app, tmp_path).take([row("1", "A", "B"), row("1", "A", "B"), row("2", "C", "D")])
    assert found(app, "c d") == ["C"]
    assert run(app, "db", "check")[0] == 0


def test_a_search_fetches_no_more_than_it_may_show(app: Flask, inside: None) -> None:
    rows = [
        row(str(n), ("MARTIN", "Anne")[n % 2], ("Anne", "Zoé")[n % 3 == 0], f"anne{n}@x.fr")
        for n in range(12_000, 13_000)
    ]
    roster.take(rows, name="x")
    db.session.commit()
    fetched: list[int] = []

    def count(_connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, _many: Any) -> None:
        if statement.startswith("SELECT"):
            assert "LIMIT" in statement, statement
            fetched.append(len(cursor.connection.cursor().execute(statement, parameters).fetchall()))

    event.listen(db.engine, "after_cursor_execute", count)
    try:
        for query in ("anne", "a", "anne martin", "zz anne", "a b c", "12", "x@", "anne@", "e m"):
            assert len(search.search(query)) <= search.SEARCH_MAX, query
    finally:
        event.remove(db.engine, "after_cursor_execute", count)
    assert fetched and max(fetched) <= search.SEARCH_MAX


def test_names_and_references_are_read_through_their_indexes(app: Flask, inside: None) -> None:
    roster.take([row(str(n), f"NOM{n % 997}", f"Prénom{n % 89}") for n in range(10_000, 15_000)], name="x")
    db.session.commit()
    is_postgresql = db.engine.dialect.name == "postgresql"
    if is_postgresql:
        db.session.execute(text("ANALYZE"))
        db.session.execute(text("SET LOCAL enable_seqscan = off"))  # it would scan so small a table
    plans: list[str] = []

    def explain(connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith("SELECT") and "FROM portal_contracts" in statement:
            word = "EXPLAIN " if is_postgresql else "EXPLAIN QUERY PLAN "
            told = connection.connection.cursor().execute(word + statement, parameters).fetchall()
            plans.append("\n".join(str(line) for line in told))

    event.listen(db.engine, "after_cursor_execute", explain)
    try:
        for query in ("nom12", "prénom8 nom99", "nom12 prénom8", "12345", "1234"):
            search.search(query)
    finally:
        event.remove(db.engine, "after_cursor_execute", explain)
    assert plans
    for plan in plans:
        assert "SCAN portal_contracts" not in plan and "Seq Scan on portal_contracts" not in plan, plan

"""The search finds by every field, reads indexes and a bounded number of rows, and leaves no trace (G03, F26, X06)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text

from tenant_portal import roster
from tenant_portal.accounts.email_change import EmailChange
from tenant_portal.db import begin_write, db, utcnow
from tenant_portal.models import Account, Contract
from tenant_portal.office import lookups, search

from ..support.people import Roster, run

pytestmark = pytest.mark.databases("sqlite", "postgresql")

#: Last name, first name, street, city, address on the roster.
PEOPLE = [
    ("MARTIN", "Élodie", "12, rue des Lilas", "Angers", "elodie@orange.fr"),
    ("MARTIN-DURAND", "Anne", "3 bis avenue Hélène-Boucher", "Nantes", ""),
    ("LE GOFF", "Jean-Pierre", "12, place du 8 mai 1945", "Saint-Nazaire", "jp.legoff@mairie-angers.fr"),
    ("D'ALMÉÏDA", "Zoé", "127, rue des Lilas", "Nantes", ""),
    ("Nicolas", "Noël", "Résidence « Le Clos »", "Angers", "noel@orange.fr"),
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
    "MARTIN D'AIX": ("Daix", "martin daix"),
    "O’NEILL": ("O'Neill", "oneill", "O Neill"),
    "CÆSAR": ("Caesar", "cæsar"),
}
ALL = ["D'ALMÉÏDA", "LE GOFF", "MARTIN", "MARTIN-DURAND", "Nicolas"]
FOUND = [
    ("martin", ["MARTIN", "MARTIN-DURAND"]),
    ("Mart élo", ["MARTIN"]),
    ("Mme Élodie MARTIN", ["MARTIN"]),
    ("durand", ["MARTIN-DURAND"]),
    ("martin-durand anne", ["MARTIN-DURAND"]),
    ("goff", ["LE GOFF"]),
    ("pierre le goff jean", ["LE GOFF"]),
    ("d'alméïda", ["D'ALMÉÏDA"]),
    ("almeida", ["D'ALMÉÏDA"]),
    ("colas", []),
    ("martin zzz", []),
    ("zoé martin", []),
    ("e", ["MARTIN"]),
    # streets and cities, beside names
    ("lilas", ["D'ALMÉÏDA", "MARTIN"]),
    ("martin lilas", ["MARTIN"]),
    ("12 rue des lilas", ["D'ALMÉÏDA", "MARTIN"]),
    ("127 lilas", ["D'ALMÉÏDA"]),
    ("lilas, 12, angers", ["MARTIN"]),
    ("boucher 3 bis", ["MARTIN-DURAND"]),
    ("1945", ["LE GOFF"]),
    ("8 mai le goff", ["LE GOFF"]),
    ("saint nazaire", ["LE GOFF"]),
    ("nantes zoé", ["D'ALMÉÏDA"]),
    # references and modules, beside names
    ("100", ALL),
    ("1003", ["LE GOFF"]),
    ("01003", ["LE GOFF"]),
    ("L/1003", ["LE GOFF"]),
    ("l 1003", ["LE GOFF"]),
    ("60 003", ["LE GOFF"]),
    ("martin 1002", ["MARTIN-DURAND"]),
    ("martin L/1002", ["MARTIN-DURAND"]),
    ("60002 martin anne nantes", ["MARTIN-DURAND"]),
    ("martin 1003", []),
    # addresses of the roster
    ("ELODIE@or", ["MARTIN"]),
    ("@orange.fr", ["MARTIN", "Nicolas"]),
    ("martin @orange", ["MARTIN"]),
    ("<jp.legoff@mairie-angers.fr>", ["LE GOFF"]),
    ("elodie@orange.fr martin lilas 12", ["MARTIN"]),
    ("lodie@orange.fr", []),
    # whatever is typed (X06)
    ("n" * 400, []),
    ("n" * 4000, []),
    ("n " * 200, ["D'ALMÉÏDA", "LE GOFF", "MARTIN-DURAND", "Nicolas"]),
    (" ".join("abcdefghijklmnopqrstuvwxyz"), []),
    ("9" * 400, []),
    ("9 " * 200, []),
    ("a@" * 200, []),
    ("@", ["LE GOFF", "MARTIN", "Nicolas"]),
    *((nothing, []) for nothing in ("%", "_", "\0", "m\0@x", "😀", "   ", "%@", "_@", "\0@", "'", "\\", "*", "-")),
    *((nothing, []) for nothing in ("' OR 1=1 --", "SELECT * FROM portal_contracts", "m_rtin", "NULL", "M-1234-5678")),
    ("martin%", ["MARTIN", "MARTIN-DURAND"]),
]


@pytest.fixture
def people(app: Flask, tmp_path: Path) -> Roster:
    landlord = Roster(app, tmp_path)
    landlord.take([row(str(n), *facts) for n, facts in enumerate(PEOPLE, 1001)])
    return landlord


@pytest.fixture
def inside(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def row(
    reference: str, last_name: str, first_name: str, street: str = "", city: str = "", email: str = ""
) -> dict[str, str]:
    names = {"last_name": last_name, "first_name": first_name, "street": street, "city": city, "email": email}
    return {"reference": reference, "module": str(59_000 + int(reference)), **names}


def found(app: Flask, query: str) -> list[str]:
    with app.app_context():
        return [contract.last_name for contract in search.search(query).contracts]


def test_g03_staff_find_whom_the_words_mean_in_any_field(app: Flask, people: Roster) -> None:
    with app.app_context():
        for query, names in FOUND:
            assert sorted(one.last_name for one in search.search(query).contracts) == names, query[:60]
            assert not search.search(query).has_more, query[:60]


def test_staff_find_a_name_as_people_write_it(app: Flask, tmp_path: Path) -> None:
    rows = [row(str(n), name, "Anne-Marie") for n, name in enumerate(SPELLINGS, 6001)]
    with app.app_context():
        roster.take(rows, name="x")
        db.session.commit()
    for name, typed in SPELLINGS.items():
        for query in (*typed, f"{typed[0]} anne"):
            assert name in found(app, query), query


def test_g03_addresses_of_accounts_and_former_ones_find_their_contracts(app: Flask, people: Roster) -> None:
    with app.app_context():
        begin_write()
        for number, (address, former) in enumerate((("New_1@free.fr", "old@sfr.fr"), ("new_2@gmail.com", "")), 1001):
            account = Account(email=address, password_hash="-", signup_key="-")
            contract = db.session.query(Contract).filter_by(reference=str(number)).one()
            contract.account = account
            if former:
                change = EmailChange(account=account, old_email=former, new_email=address, confirmed_at=utcnow())
                db.session.add(change)
        db.session.commit()
    assert found(app, "new_1@free.fr") == ["MARTIN"]
    assert found(app, "NEW_1@") == ["MARTIN"]
    assert found(app, "newX1@") == []
    assert found(app, "@gmail.com") == ["MARTIN-DURAND"]
    assert found(app, "old@sfr.fr") == found(app, "@sfr.fr") == found(app, "martin old@") == ["MARTIN"]
    assert found(app, "durand old@") == []


def test_g03_an_exact_reference_comes_first_and_what_is_left_out_is_told(app: Flask, inside: None) -> None:
    rows = [row(str(n), "AAA", "Anne", "1, rue Haute", "Angers", f"anne{n}@orange.fr") for n in range(12_000, 12_100)]
    roster.take([*rows, row("120", "ZZZ", "Zoé")], name="x")
    db.session.commit()
    for query in ("120", "anne", "rue anne", "@orange.fr", "a", "aaa @orange.fr"):
        some = search.search(query)
        assert len(some.contracts) == search.SEARCH_MAX and some.has_more, query
        assert some == search.search(query), "the same again in the same order"
    assert search.search("120").contracts[0].last_name == "ZZZ"


def test_a_word_with_thousands_of_values_is_looked_for_in_what_the_others_find(
    app: Flask, inside: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "VALUES_MAX", 3)
    names = ("RARE", "ROUX", "RENARD", "ROSSI")
    roster.take([row(str(n), names[n % 4], f"Prénom{n}", "2, rue Basse") for n in range(100, 160)], name="x")
    db.session.commit()
    assert [one.reference for one in search.search("rare prénom100").contracts] == ["100"]
    assert [one.reference for one in search.search("prénom100 r").contracts] == ["100"]
    assert {one.last_name for one in search.search("basse ros").contracts} == {"ROSSI"}
    assert search.search("r p").has_more


def test_the_index_follows_what_an_import_adds_and_changes(app: Flask, people: Roster) -> None:
    people.take([row("1001", "DUBOIS", "Élodie"), row("3001", "Œuvré", "Ève", "7, quai Neuf", "Brest")])
    assert found(app, "martin") == ["MARTIN-DURAND"]
    assert found(app, "dubois elodie") == ["DUBOIS"]
    assert found(app, "eve") == found(app, "quai brest") == ["Œuvré"]
    assert "1 ligne" not in people.take([row("3001", "Œuvré", "Ève")]), "the same again changes nothing"
    assert found(app, "eve œuv") == ["Œuvré"]


def test_values_beyond_those_remembered_at_once_are_found(
    app: Flask, people: Roster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenant_portal.roster.staging.VALUES_MAX", 3)
    people.take([row(str(n), f"NOM{n}", "Ève") for n in range(4000, 5200)])
    assert found(app, "nom4001") == ["NOM4001"]
    assert found(app, "nom5199") == ["NOM5199"]


def test_a_dry_run_and_an_import_that_fails_teach_nothing(app: Flask, people: Roster) -> None:
    people.take([row("5001", "ESSAI", "Un")], "--dry-run")
    with app.app_context():
        assert db.session.scalar(text("SELECT count(*) FROM portal_search_words WHERE word = 'essai'")) == 0


def test_a_first_roster_with_a_double_keeps_the_indexes(app: Flask, tmp_path: Path) -> None:
    before = indexes_of(app)
    Roster(app, tmp_path).take([row("1", "A", "B"), row("1", "A", "B"), row("2", "C", "D")])
    assert found(app, "c d") == ["C"]
    assert indexes_of(app) == before
    assert run(app, "db", "check")[0] == 0


def test_each_index_of_the_tables_is_there_after_the_migrations_and_after_a_first_import(
    app: Flask, people: Roster
) -> None:
    ours = {index.name for table in Contract.metadata.tables.values() for index in table.indexes}
    assert ours <= indexes_of(app)


def indexes_of(app: Flask) -> set[str]:
    with app.app_context():
        is_postgresql = db.engine.dialect.name == "postgresql"
        every = "SELECT indexname FROM pg_indexes" if is_postgresql else "SELECT name FROM sqlite_master"
        return set(db.session.scalars(text(every)))


def test_x06_a_search_fetches_no_more_than_it_may_show_or_check(app: Flask, inside: None) -> None:
    rows = [
        row(str(n), ("MARTIN", "Anne")[n % 2], ("Anne", "Zoé")[n % 3 == 0], "1, rue A", "B", f"anne{n}@x.fr")
        for n in range(12_000, 15_000)
    ]
    roster.take(rows, name="x")
    db.session.commit()
    fetched: list[int] = []

    def count(_connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, _many: Any) -> None:
        if statement.startswith("SELECT"):
            assert "LIMIT" in statement or " IN (" in statement or "portal_messages" in statement, statement
            fetched.append(len(cursor.connection.cursor().execute(statement, parameters).fetchall()))

    event.listen(db.engine, "after_cursor_execute", count)
    try:
        for query in ("anne", "a", "anne martin", "zz anne", "a b c", "12", "x@", "anne@", "e m", "@x.fr anne rue a b"):
            assert len(search.search(query).contracts) <= search.SEARCH_MAX, query
    finally:
        event.remove(db.engine, "after_cursor_execute", count)
    assert fetched and max(fetched) <= search.CHECKED_MAX


def test_g03_each_field_is_read_through_its_index(app: Flask, inside: None) -> None:
    rows = [
        row(str(n), f"NOM{n % 997}", f"Prénom{n % 89}", f"{n % 90}, rue R{n % 50}", f"Ville{n % 40}", f"a{n}@b{n}.fr")
        for n in range(10_000, 15_000)
    ]
    roster.take(rows, name="x")
    db.session.commit()
    begin_write()
    contract = db.session.query(Contract).filter_by(reference="10001").one()
    contract.account = Account(email="new@free.fr", password_hash="-", signup_key="-")
    db.session.commit()
    is_postgresql = db.engine.dialect.name == "postgresql"
    if is_postgresql:
        db.session.execute(text("ANALYZE"))
        db.session.execute(text("SET LOCAL enable_seqscan = off"))  # it would scan so small a table
    plans: list[str] = []

    def explain(connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith("SELECT") and "portal_contracts" in statement:
            word = "EXPLAIN " if is_postgresql else "EXPLAIN QUERY PLAN "
            told = connection.connection.cursor().execute(word + statement, parameters).fetchall()
            plans.append("\n".join(str(line) for line in told))

    event.listen(db.engine, "after_cursor_execute", explain)
    try:
        for query in (
            "nom12 rue r1",
            "prénom8 nom99",
            "ville3 r12",
            "12345",
            "69001",
            "1234 r1",
            "a12@",
            "@b12",
            "new@",
        ):
            search.search(query)
    finally:
        event.remove(db.engine, "after_cursor_execute", explain)
    assert plans
    for plan in plans:
        for table in ("contracts", "accounts", "email_changes", "search_words"):
            assert f"SCAN portal_{table}" not in plan and f"Seq Scan on portal_{table}" not in plan, plan

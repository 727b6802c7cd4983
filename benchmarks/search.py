"""The office's search and a contract's page with a million contracts; `python -m benchmarks.search [contracts]` alone.

The floor is a look-up by hand: fifty contracts through the index of last names. Times are of the processor, with
PostgreSQL that of the server's process as well.
"""

import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice, product
from pathlib import Path
from typing import Any

from flask import Flask

from tenant_portal import create_app, roster
from tenant_portal.db import db
from tenant_portal.office import search
from tenant_portal.operations import migrations
from tests.support import services

from . import portal
from .roster import processor
from .table import Row, in_turns, markdown

CONTRACTS, TENANTS, ROUNDS, TIMES = 1_000_000, 200, 5, 10
#: Two of these never meet, though each tenth contract has one of them: nothing is harder to find.
APART = "Agathe", "rue des Acacias"
QUERIES = (
    *("agathe acacias", "adam agathe", "anne lilas", "martin lilas 12", "dupont 123", "anne 12 rue", "agathe 12345"),
    *("a", "a b", "rue de la", "agathe rue", "angers nantes", "le goff", "mar", " ".join("abcdefghijklmnopqrst")),
    *("@orange.fr", "martin @orange.fr", "agathe @rare12.fr", "tenant12@orange.fr", "12", "123456", "60000"),
    *("avenue helene durand angers 12 agathe", "x" * 500, "zzz", "' OR 1=1 --", "%", "introuvable anne"),
)
BY_HAND = "SELECT * FROM portal_contracts WHERE last_name = 'MARTIN' LIMIT 50"


def rows(contracts: int = CONTRACTS) -> Iterator[Row]:
    """Search, and open a contract, on SQLite and on PostgreSQL."""
    with tempfile.TemporaryDirectory() as name:
        yield from _measured(f"sqlite:///{name}/portal.sqlite3", contracts, "SQLite")
        with services.postgres(Path(name)) as server:
            yield from _measured(server.new_database(), contracts, "PostgreSQL")


def _measured(address: str, contracts: int, kind: str) -> Iterator[Row]:
    app = create_app({**portal.SETTINGS, "TESTING": True, "SQLALCHEMY_DATABASE_URI": address})
    app.extensions["portal"].options["staff"] = lambda: ("Mme Moreau", "office")
    with app.app_context():
        migrations.upgrade()
        roster.take(_town(contracts), name="town")
        db.session.commit()
        portal.open_accounts(TENANTS)
        server = _server(kind)

        def taken(work: Callable[[], Any], times: int = TIMES) -> float:
            begun = processor(server)
            for _ in range(times):
                db.session.rollback()
                db.session.expunge_all()
                work()
            return (processor(server) - begun) / times

        worst = max(QUERIES, key=lambda query: taken(partial(search.search, query), 4))
        mine, floor = in_turns(ROUNDS, lambda: taken(partial(search.search, worst)), lambda: taken(_by_hand))
        db.session.remove()
        page, floor_of_page = in_turns(ROUNDS, lambda: taken(_page(app)), lambda: taken(_by_hand))
        db.session.remove()
        db.engine.dispose()
    work = f"search of the office among {contracts:,} contracts, {kind}: the worst of {len(QUERIES)}"
    yield Row(work, "50 contracts through an index, by hand", "under 50 ms", f"{_told(mine, floor)}: « {worst} »")
    yield Row(f"a contract's page there, {kind}", "the same", "under 150 ms", _told(page, floor_of_page))


def _told(mine: float, floor: float) -> str:
    return f"**{mine * 1000:.1f} ms**, {mine / floor:.0f} times {floor * 1000:.2f} ms"


def _server(kind: str) -> int | None:
    """Return PostgreSQL's process for our connection, once its tables are as its autovacuum leaves them."""
    if kind == "SQLite":
        return None
    db.session.rollback()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(db.text("VACUUM ANALYZE"))
    return int(db.session.execute(db.text("SELECT pg_backend_pid()")).scalar_one())


def _by_hand() -> None:
    db.session.execute(db.text(BY_HAND)).all()


def _page(app: Flask) -> Callable[[], Any]:
    client = app.test_client()
    return lambda: client.get(f"/gestion/contrat/{TENANTS // 2}").get_data()


def _town(contracts: int) -> Iterator[dict[str, str]]:
    """Yield contracts with names and streets as they are spread: a few are very common, most are rare."""
    chance = random.Random(1)  # noqa: S311 (a sample)
    sounds = [a + b for a, b in product("bcdfglmnprstv", "aeiou")]
    made = ["".join(parts).title() for parts in islice(product(sounds, repeat=3), 30_000)]
    chance.shuffle(made)
    last = ["MARTIN", "DUPONT", "LE GOFF", "D'ANGELO", "LEGOFF", *(name.upper() for name in made)]
    first = ["Anne", "Jean", "Élodie", "Anne-Marie", *made[:3_000]]
    streets = ["rue des Lilas", "avenue Hélène Durand", "rue de la Paix", *(f"rue de {n}" for n in made[:5_000])]
    towns = ["Angers", "Nantes", *(f"{name}-sur-Loire" for name in made[:400])]
    domains = ["orange.fr", "orange.fr", "gmail.com", "free.fr", "sfr.fr", "laposte.net"]

    def one_of(values: list[str]) -> str:
        return values[int(len(values) * chance.random() ** 4)]

    references = chance.sample(range(10**7, 10**8), contracts)
    for number, reference in enumerate(references):
        street = APART[1] if number % 10 == 1 else one_of(streets)
        domain = f"rare{number // 2_000}.fr" if number % 2_000 == 0 else chance.choice(domains)
        yield {
            "reference": str(reference),
            "module": str(60_000_000 + number),
            "last_name": "ADAM" if number % 10 == 2 else one_of(last),
            "first_name": APART[0] if number % 10 == 0 else one_of(first),
            "street": f"{chance.randrange(1, 150)}, {street}",
            "city": one_of(towns),
            "kind": "Logement",
            "email": f"n{number}@{domain}" if number % 2 == 0 else "",
        }


if __name__ == "__main__":
    print(markdown(list(rows(*map(int, sys.argv[1:2])))))

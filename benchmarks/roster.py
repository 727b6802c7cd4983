"""The import of a roster, against what the drivers do by hand; `python -m benchmarks.roster [lines]` alone.

Each measure is a process of its own, which tells its processor time (with PostgreSQL, that of the server's process for
it as well), its time by the clock and its peak of memory.
"""

import csv
import json
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg

from tenant_portal import create_app, roster
from tenant_portal.db import db
from tenant_portal.operations import migrations
from tenant_portal.roster.words import COLUMNS
from tests.support import services

from .table import Row, markdown

LINES, ROUNDS = 1_000_000, 3
MEGABYTE = 1024 * 1024
WRITTEN = [name for name in COLUMNS if name != "is_direct_debit"]  # an export has one column of the two on payment
NAMES = (*WRITTEN, "is_direct_debit", "imported_at")
NEW = ", ".join(f"{name} = excluded.{name}" for name in NAMES if name != "reference")
UPSERT = f"INSERT INTO portal_contracts ({', '.join(NAMES)}) %s ON CONFLICT (reference) DO UPDATE SET {NEW}"  # noqa: S608


def rows(lines: int = LINES) -> Iterator[Row]:
    """Import a roster of so many lines on SQLite and on PostgreSQL, and the same once more."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "roster.csv"
        write_roster(file, lines)
        sqlite = _Sqlite(folder)
        yield from _compared(file, lines, sqlite.fresh, "SQLite", "csv reader and `sqlite3` upsert in one transaction")
        with services.postgres(folder) as server:
            fresh = _postgresql(server)
            yield from _compared(file, lines, fresh, "PostgreSQL", "COPY of the file and one upsert by hand")


def write_roster(path: Path, lines: int, *, seed: int = 1) -> None:
    """Write a roster as a program of landlords exports it: Windows-1252, dates in French, in no order of its own."""
    chance = random.Random(seed)  # noqa: S311 (a sample)
    number = chance.randrange
    first = ["Élodie", "Corinne", "Noël", "Isabelle", "Hélène", "Jean-Pierre", "Mohamed", "Zoé", "André", "Laurence"]
    last = [f"{a}{b}" for a in ("MAR", "DU", "LE", "GAR", "ROU", "BER", "FON") for b in ("TIN", "BOIS", "GOFF", "CIA")]
    kinds, towns = ["Logement"] * 8 + ["Parking", "Commerce"], [f"{n:05} Ville-sur-Loire {n}" for n in range(400)]
    ways = ["Prélèvement automatique", "Chèque", "Virement", "TIP SEPA"]
    references = chance.sample(range(10**7, 10**8), lines)
    with path.open("w", encoding="cp1252", newline="") as file:
        out = csv.writer(file, delimiter=";", lineterminator="\r\n")
        out.writerow([COLUMNS[name].label for name in WRITTEN])
        for reference in references:
            name, town = chance.choice(last), chance.choice(towns)
            day = f"{number(1, 29):02}/{number(1, 13):02}/"
            out.writerow(
                [f"{reference:08}", f"{number(10**8):08}", chance.choice(["M.", "Mme", "M. et Mme"]), name]
                + [chance.choice(first), f"{number(1, 900)}, avenue Hélène Durand", town[:5], town[6:]]
                + [chance.choice(kinds), chance.choice(ways), f"{day}{number(1975, 2026)}"]
                + [f"{day}{number(2027, 2030)}" if number(20) == 0 else ""]
                + [f"{name.lower()}{reference}@example.com" if number(2) else ""]
            )


def _compared(file: Path, lines: int, fresh: Callable[[], str], kind: str, by_hand: str) -> Iterator[Row]:
    taken: dict[str, list[dict[str, float]]] = {"ours": [], "again": [], "floor": []}
    for turn in range(ROUNDS):
        for who in ("floor", "ours") if turn % 2 else ("ours", "floor"):
            address = fresh()
            taken[who].append(_measure(who, address, file))
            if who == "ours":
                taken["again"].append(_measure("ours", address, file))
    middle = {
        who: {what: statistics.median(one[what] for one in all_) for what in all_[0]} for who, all_ in taken.items()
    }
    ours, again, floor = middle["ours"], middle["again"], middle["floor"]
    peak = max(one["peak"] for one in taken["ours"] + taken["again"]) / MEGABYTE
    work = f"import of {lines:,} contracts, {kind}"
    limit = "at most 1.5 times its time" + (", under 150 MB" if kind == "SQLite" else "")
    yield Row(work, by_hand, limit, f"{_ratio(ours, floor)}; peak {peak:.0f} MB")
    yield Row(f"the same file again, {kind}", "first import", "at most 1.0 of it", _ratio(again, ours))


def _ratio(mine: dict[str, float], theirs: dict[str, float]) -> str:
    processor, clock = (mine[what] / theirs[what] for what in ("processor", "clock"))
    return (
        f"**{processor:.2f}** of the processor's time ({mine['processor']:.1f} s against {theirs['processor']:.1f} s),"
        f" {clock:.2f} by the clock"
    )


class _Sqlite:
    """Databases in one folder, one at a time, all copies of one that is empty."""

    def __init__(self, folder: Path) -> None:
        self.empty, self.used = folder / "empty.sqlite3", folder / "used.sqlite3"
        _upgrade(f"sqlite:///{self.empty}")

    def fresh(self) -> str:
        """Return the address of an empty database."""
        for path in self.used.parent.glob("used.sqlite3*"):
            path.unlink()
        shutil.copy(self.empty, self.used)
        return f"sqlite:///{self.used}"


def _postgresql(server: services.Postgres) -> Callable[[], str]:
    def fresh() -> str:
        address = server.new_database()
        _upgrade(address)
        return address

    return fresh


def _measure(who: str, address: str, file: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.roster", who, address, str(file)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent)  # noqa: S603
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


# What happens in the process that is measured


def _app(address: str) -> Any:
    settings = {"SECRET_KEY": "a key for this measure only, forty chars.", "PORTAL_PUBLIC_URL": "http://localhost"}
    landlord = {"PORTAL_LANDLORD_NAME": "Habitat du Val", "PORTAL_LANDLORD_EMAIL": "contact@habitat-du-val.example"}
    return create_app({**settings, **landlord, "TESTING": True, "SQLALCHEMY_DATABASE_URI": address})


def _upgrade(address: str) -> None:
    with _app(address).app_context():
        migrations.upgrade()
        db.engine.dispose()


def _take(address: str, file: Path) -> None:
    app = _app(address)
    with app.app_context():
        server = db.session.execute(db.text("SELECT pg_backend_pid()")).scalar() if "postgres" in address else None
        db.session.rollback()

        def work() -> None:
            roster.take(roster.read(file), name=file.name)
            db.session.commit()

        _tell(work, server)


def _by_hand(address: str, file: Path) -> None:
    if not address.startswith("sqlite"):
        _by_copy(address.replace("+psycopg", ""), file)
        return
    day = "substr({0}, 7) || '-' || substr({0}, 4, 2) || '-' || substr({0}, 1, 2)".format
    cells = [f"?{n}" for n in range(1, 11)] + [day("?11"), f"nullif({day('?12')}, '--')", "?13", "?10 LIKE 'Pr%'"]
    statement = UPSERT % f"VALUES ({', '.join(cells)}, '2026-11-27 10:00:00')"
    connection = sqlite3.connect(address.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")

    def work() -> None:
        with file.open(encoding="cp1252", newline="") as text:
            reader = csv.reader(text, delimiter=";")
            next(reader)
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(statement, reader)
            connection.execute("COMMIT")

    _tell(work, None)


def _by_copy(address: str, file: Path) -> None:
    texts, dates = NAMES[:10], "to_date({0}, 'DD/MM/YYYY')".format
    cells = [*texts, dates("starts_on"), dates("nullif(ends_on, '')"), "email", "payment LIKE 'Pr%'", "now()"]
    columns = ", ".join(f"{name} text" for name in NAMES[:13])
    options = f"FORMAT csv, DELIMITER ';', HEADER, ENCODING 'WIN1252', FORCE_NOT_NULL ({', '.join(NAMES[:13])})"
    with psycopg.connect(address) as connection:

        def work() -> None:
            connection.execute(f"CREATE TEMPORARY TABLE staged ({columns})")
            with connection.cursor().copy(f"COPY staged FROM STDIN ({options})") as copy, file.open("rb") as content:
                while piece := content.read(1 << 16):
                    copy.write(piece)
            connection.execute(UPSERT % f"SELECT {', '.join(cells)} FROM staged WHERE true")  # noqa: S608
            connection.execute("DROP TABLE staged")
            connection.commit()

        _tell(work, connection.info.backend_pid)


def _tell(work: Callable[[], None], server: int | None) -> None:
    begun, clock = processor(server), time.perf_counter()
    work()
    taken = {"processor": processor(server) - begun, "clock": time.perf_counter() - clock}
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    print(json.dumps({**taken, "peak": peak}))


def processor(server: int | None) -> float:
    """Return the processor time of this process so far, and of the server's process for it."""
    mine = time.process_time()
    if server is None:
        return mine
    fields = Path(f"/proc/{server}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return mine + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    if sys.argv[1:2] in (["ours"], ["floor"]):
        {"ours": _take, "floor": _by_hand}[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))
    else:
        print(markdown(list(rows(*map(int, sys.argv[1:2])))))

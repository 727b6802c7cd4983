"""`python -m tests.faults.full_disk FOLDER`: a portal on a small disk, before, while and after it is full.

The folder is the mount point. A check that fails ends the program with its traceback.
"""

import errno
import logging
import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from tenant_portal import create_app
from tenant_portal.db import db
from tenant_portal.models import Mail, MailState
from tests.conftest import SETTINGS
from tests.support.people import run
from tests.support.portal_client import ANY_STATUS, Portal
from tests.support.rent_notices import in_folder, pdf
from tests.support.steps import PASSWORD, Lease, fill_login, log_in, sign_up

FIRST, SECOND = Lease("500001", "700001"), Lease("500002", "700002")
ROSTER = "Référence contrat;N° module;Nom\n"
CONTRACTS = 20_000


def main(disk: Path, elsewhere: Path) -> None:
    """Live through a full disk."""
    app = create_app(
        {**SETTINGS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{disk}/portal.sqlite3", "PORTAL_DATA_DIR": str(disk)}
    )
    small, large = elsewhere / "petite.csv", elsewhere / "grande.csv"
    few = f"{ROSTER}{FIRST.reference};{FIRST.module};MARTIN\n{SECOND.reference};{SECOND.module};DURAND\n"
    small.write_text(few, "utf-8")
    large.write_text(few + "".join(f"{n};{n};NOM{n}\n" for n in range(600_000, 600_000 + CONTRACTS)), "utf-8")
    notices = in_folder(elsewhere / "avis", {f"{FIRST.reference}_2026-11.pdf": pdf("x" * 100_000)})
    commands = (
        ("contracts", "import", str(large)),
        ("notices", "publish", str(notices)),
        ("backup", str(disk / "portail.zip")),
    )
    for command in (("db", "upgrade"), ("contracts", "import", str(small))):
        assert run(app, *command)[0] == 0
    tenant = Portal(app)
    sign_up(tenant, FIRST)
    assert fill_login(tenant.get(link(app)), FIRST.reference).click("Je me connecte").path == "/espace"
    before = rows(disk)
    heard = listen()

    with full(disk):
        page = sign_up(Portal(app), SECOND, email="claire@free.fr", status=503)
        assert page.says(SETTINGS["PORTAL_LANDLORD_PHONE"]), page.text
        assert tenant.get("/espace").says(FIRST.reference)
        assert log_in(Portal(app), FIRST.reference, PASSWORD, status=503).says(SETTINGS["PORTAL_LANDLORD_PHONE"])
        for command in commands:
            code, said = run(app, *command)
            assert code in {1, 2} and len(said.splitlines()) <= 3, (command, code, said)
            assert "full" in said or os.strerror(errno.ENOSPC) in said, said
        assert not list(disk.glob("portail*")), "half a backup was left"
    assert set(heard) == {"database_away"}, "the log tells what was not saved"
    assert rows(disk) == before

    assert sign_up(Portal(app), SECOND, email="claire@free.fr").h1 == "Consultez vos e-mails"
    assert log_in(Portal(app), FIRST.reference, PASSWORD).path == "/espace"
    for command in commands:
        code, said = run(app, *command)
        assert code == 0, said
    assert tenant.get("/espace/avis", status=ANY_STATUS).says("novembre 2026")
    assert rows(disk)["portal_contracts"] == CONTRACTS + 2


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Fill the disk to its last byte, and make room again."""
    with (disk / "autre chose").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError as trouble:
            assert trouble.errno == errno.ENOSPC, trouble
    yield
    (disk / "autre chose").unlink()


def link(app: Flask) -> str:
    """Return the link of the mail that waits."""
    with app.app_context():
        content = db.session.scalars(select(Mail.content).where(Mail.state == MailState.WAITING)).one()
        assert content is not None
        return str(content["link"])


def listen() -> list[str]:
    """Return a list that gets the name of each logged event."""
    heard: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(getattr(record, "facts", {}).get("event", record.getMessage()))

    logging.getLogger("tenant_portal").addHandler(Ear())
    return heard


def rows(disk: Path) -> dict[str, int]:
    """Return how many rows each table has, read apart from the portal."""
    with closing(sqlite3.connect(disk / "portal.sqlite3")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}  # noqa: S608


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(Path(sys.argv[1]), Path(folder))

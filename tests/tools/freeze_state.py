"""Write down the state of the newest migration: `python -m tests.tools.freeze_state`, once for each.

It comes from the portal's pages and commands, as SQL for SQLite and PostgreSQL, and is kept for ever.
"""

import json
import os
import sys
import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import time_machine
from flask import Flask
from sqlalchemy import select

from tenant_portal import create_app
from tenant_portal.db import Base, begin_write, db
from tenant_portal.mail import outbox
from tenant_portal.messages import drafts
from tenant_portal.models import Account
from tenant_portal.office.models import KeptForm
from tenant_portal.operations import migrations
from tests.support.paths import ROOT

from ..conftest import SETTINGS, upgrade
from ..support.people import Roster, must_run, open_account
from ..support.portal_client import Portal
from ..support.post import Mailbox, PostOffice
from ..support.rent_notices import in_folder, pdf, publish
from ..support.staff_steps import enrol
from ..support.steps import (
    PASSWORD,
    Lease,
    ask_email_change,
    close_account,
    log_in,
    sign_up,
    sign_up_in_english,
    write_at_home,
)

STATES = ROOT / "tests" / "data" / "states"
#: The tests' clock stands half an hour later.
MOMENT = datetime(2026, 11, 23, 9, 0, tzinfo=ZoneInfo("Europe/Paris"))

#: An account, a pending sign-up, a closed account, a free contract,
#: and one who read English as far as the mail.
FINISHED, PENDING, CLOSED, FREE, ENGLISH = (Lease(str(417201 + n), str(60318401 + n)) for n in range(5))
FINISHED_EMAIL, PENDING_EMAIL = "elodie.martin@orange.fr", "paul.petit@free.fr"
STAFF_EMAIL = "claire.moreau@habitat-du-val.example"
#: The first one's new address.
WISHED_EMAIL = "elodie.durand@laposte.net"
NOTICE = pdf("Avis de novembre")


def live(app: Flask, office: PostOffice, folder: Path) -> None:
    """Leave a row in each table; the last mail waits."""

    def deliver() -> None:
        with app.app_context():
            outbox.deliver_due(now=True)

    mailbox = Mailbox(office, deliver, landlord=SETTINGS["PORTAL_LANDLORD_EMAIL"])
    roster = Roster(app, folder)
    for lease in (FINISHED, PENDING, CLOSED, FREE, ENGLISH):
        roster.add(reference=lease.reference, module=lease.module)
    finished = open_account(Portal(app), mailbox, FINISHED, email=FINISHED_EMAIL, e_notice="Oui", commercial="Oui")
    ask_email_change(finished.browser, WISHED_EMAIL)
    log_in(Portal(app), FINISHED.reference, PASSWORD, remember=True)
    log_in(Portal(app), FINISHED.reference, "un mot de passe faux")
    leaving = open_account(Portal(app), mailbox, CLOSED, email="jean.durand@free.fr").browser
    close_account(leaving)
    form = Portal(app).get("/message").form("J'envoie mon message")
    form.choose("Quel est votre problème", "Autre chose").fill(
        "Votre message", "L'adresse\nn'est « plus » la mienne : 100 %."
    )
    form.fill("Votre adresse mail", "claire@orange.fr").click()
    sign_up(Portal(app), FREE, email="sans arobase")  # whose password waits
    page = write_at_home(finished.browser, topic="Mon logement ou une réparation", body="La porte ferme mal.")
    must_run(app, "messages", "answer", page.path[-11:], "-", stdin=b"Nous passons jeudi.")
    with app.app_context():
        drafts.keep(db.session.scalars(select(Account.id)).first() or 0, "Je ne serai pas", number=page.path[-11:])
        db.session.commit()
    owner = enrol(app, mailbox, None, STAFF_EMAIL, "Mme Moreau", "--owner").browser
    owner.get("/gestion")
    owner.get("/gestion/contrat/1")
    with app.app_context():
        begin_write()
        db.session.add(
            KeptForm(staff_id=1, path="/gestion/messages", page="/gestion/messages", fields={"body": ["Oui"]})
        )
        db.session.commit()
    sign_up_in_english(Portal(app), ENGLISH, email="grace.hopper@example.com")
    assert publish(app, in_folder(folder / "avis", {f"{FINISHED.reference}_2026-11.pdf": NOTICE}))[0] == 0
    mailbox.read_all()
    sign_up(Portal(app), PENDING, email=PENDING_EMAIL)


def written(app: Flask) -> str:
    """Return the rows of every table as SQL."""
    lines = []
    with app.app_context():
        for table in Base.metadata.sorted_tables:
            rows = db.session.execute(select(table).order_by(*table.primary_key)).all()
            assert rows, f"nothing in {table.name}: have somebody leave a row there, in `live`"
            names = ", ".join(column.name for column in table.columns)
            lines += [f"INSERT INTO {table.name} ({names}) VALUES ({', '.join(map(_literal, row))});" for row in rows]  # noqa: S608 (our own names)
    return "\n".join([*lines, ""])


def _literal(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case datetime():
            return f"'{value:%Y-%m-%d %H:%M:%S.%f}'"
        case date():
            return f"'{value}'"
        case dict():
            return _literal(json.dumps(value, ensure_ascii=False))
        case str():
            return "'" + value.replace("'", "''") + "'"
    raise TypeError(f"no SQL for {value!r}")


def main() -> None:
    """Write the file of the newest migration, unless it exists."""
    os.environ["PYTHON_DOTENV_DISABLED"] = "1"
    head = migrations.newest()
    path = STATES / f"{head}.sql"
    if path.exists():
        sys.exit(f"{path} stands already: what was released is not changed; take it away if {head} was not")
    with time_machine.travel(MOMENT, tick=True), tempfile.TemporaryDirectory() as folder, PostOffice() as office:
        config = {"MAIL_PORT": office.port, "PORTAL_DATA_DIR": folder}
        app = create_app({**SETTINGS, **config, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder}/portal.sqlite3"})
        upgrade(app)
        live(app, office, Path(folder))
        text = written(app)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()

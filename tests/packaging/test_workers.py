"""Several processes on one PostgreSQL and one Redis: what one knows, all know."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tenant_portal import create_app
from tenant_portal.db import begin_write, db, utcnow
from tenant_portal.mail import outbox
from tenant_portal.models import Mail, MailState

from ..conftest import SETTINGS, close
from ..support.far import far_portal
from ..support.live import COMMANDS, ROOT, serve
from ..support.people import Roster
from ..support.portal_client import Portal
from ..support.post import Mailbox, PostOffice
from ..support.services import Postgres
from ..support.steps import PASSWORD, fill_login, log_in, sign_up

pytestmark = pytest.mark.slow

MAILS = 200


@pytest.fixture
def place(
    postgres_server: Postgres, migrated_postgresql: str, redis_url: str, post_office: PostOffice, tmp_path: Path
) -> Iterator[dict[str, Any]]:
    """Return the settings of all processes."""
    post_office.empty()
    address = postgres_server.new_database(like=migrated_postgresql)
    yield {
        **SETTINGS,
        "TESTING": False,
        "MAIL_PORT": post_office.port,
        "PORTAL_DATA_DIR": str(tmp_path),
        "SQLALCHEMY_DATABASE_URI": address,
        "PORTAL_RATE_STORAGE_URI": redis_url,
    }
    postgres_server.drop(address)


@pytest.fixture
def app(place: dict[str, Any]) -> Iterator[Flask]:
    """Return the staff's process."""
    app = create_app(place)
    yield app
    close(app)


@pytest.fixture
def ports(place: dict[str, Any], app: Flask, tmp_path: Path) -> Iterator[tuple[int, int]]:
    """Start two servers; return their ports."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with serve(COMMANDS["granian"], folders[0], place) as one, serve(COMMANDS["granian"], folders[1], place) as two:
        yield one.port, two.port


def as_at(browser: Portal, port: int) -> Portal:
    """Return the same browser at another machine."""
    other = far_portal(port)
    other.http._cookies = browser.http._cookies
    return other


def test_tenant_is_led_from_one_machine_to_the_other_at_every_step(
    app: Flask, ports: tuple[int, int], mailbox: Mailbox, tmp_path: Path
) -> None:
    one, two = ports
    lease = Roster(app, tmp_path).add()
    browser = far_portal(one)
    assert sign_up(browser, lease).h1 == "Consultez vos e-mails"
    browser = as_at(browser, two)
    page = browser.get(mailbox.read().link)
    form = fill_login(page, lease.reference)
    assert form.click("Je me connecte").path == "/espace"
    mailbox.read()
    browser = as_at(browser, one)
    assert browser.get("/espace").says(lease.reference), "logged in at one, and known at the other"
    kept = dict(browser.http._cookies)
    as_at(browser, two).get("/espace").click("Je me déconnecte")
    browser.http._cookies = kept
    assert browser.get("/espace").h1 == "Identifiez-vous", "logged out at one, and dead at the other"


def test_failures_are_counted_over_all_machines(app: Flask, ports: tuple[int, int], tmp_path: Path) -> None:
    lease, other = (Roster(app, tmp_path).add(reference=number) for number in ("417201", "417202"))
    for number in range(4):
        assert log_in(far_portal(ports[number % 2]), lease.reference, "un mot de passe faux").says("ne correspond pas")
    log_in(far_portal(ports[0]), lease.reference, "un mot de passe faux", status=0)
    for port in ports:
        assert log_in(far_portal(port), lease.reference, PASSWORD, status=429).says("trop d'essais")
        refused = log_in(far_portal(port), other.reference, PASSWORD, status=429)
        assert refused.says("trop d'essais"), "the address of origin is counted in Redis"


def test_two_processes_deliver_two_hundred_mails_and_none_twice(
    app: Flask, place: dict[str, Any], post_office: PostOffice
) -> None:
    until = (utcnow() + timedelta(hours=1)).isoformat()
    content = {"digits": "456", "link": "https://espace.example/mot-de-passe/jeton", "until": until}
    with app.app_context():
        begin_write()
        for number in range(MAILS):
            outbox.put("reset", f"tenant{number}@orange.fr", content=content)
        db.session.commit()
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "portal", "mail", "send"]
    env = {**os.environ, **{f"FLASK_{name}": json.dumps(value) for name, value in place.items()}}
    carriers = [
        subprocess.Popen(command, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    said = [carrier.communicate(timeout=120)[0] for carrier in carriers]
    carried = [int(re.findall(r"Partis\W+(\d+)", text)[-1]) for text in said]
    assert Counter(mail.to for mail in post_office.mails) == {f"tenant{n}@orange.fr": 1 for n in range(MAILS)}
    assert sum(carried) == MAILS and min(carried) > 0, "both had their share"
    with app.app_context():
        assert set(db.session.scalars(select(Mail.state))) == {MailState.SENT}

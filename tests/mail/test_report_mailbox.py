"""The mailbox of delivery reports, read from a real IMAP server."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from ..conftest import MakeApp
from ..support.imap import PASSWORD, USERNAME, ImapServer, imap_server
from ..support.page_text import plain
from ..support.paths import DATA
from ..support.people import Tenant, must_run, run
from ..support.portal_client import Portal
from ..support.post import Mailbox
from ..support.services import free_port
from ..support.steps import forget, log_in

pytestmark = pytest.mark.program

DONE = "Rapports lus"
LETTER = b"From: a@free.fr\r\nSubject: Bonjour\r\n\r\nMerci !\r\n"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ImapServer]:
    with imap_server() as running:
        monkeypatch.setenv("SSL_CERT_FILE", str(running.certificate))
        yield running


@pytest.fixture
def office(make_app: MakeApp, server: ImapServer) -> Flask:
    """Return a portal whose reports come to that server."""
    return with_mailbox(make_app, server.port)


def with_mailbox(make_app: MakeApp, port: int, **settings: Any) -> Flask:
    own = {"PORTAL_IMAP_SERVER": "localhost", "PORTAL_IMAP_PORT": port, "PORTAL_IMAP_USERNAME": USERNAME}
    return make_app(**{**own, "PORTAL_IMAP_PASSWORD": PASSWORD, **settings})


def reports_of(office: Flask, mailbox: Mailbox, *tenants: Tenant) -> list[bytes]:
    """Return a report about a mail to each."""
    made = []
    for tenant in tenants:
        forget(Portal(office), tenant.lease.reference)
        sent = mailbox.read(to=tenant.email)
        text = (DATA / "cases" / "R14_global_status.eml").read_text()
        made.append(text.replace("<b03@bailleur.example>", sent.message["Message-ID"]).replace("\n", "\r\n").encode())
    return made


def test_new_reports_are_noted_and_put_away_and_all_else_stays(
    office: Flask, server: ImapServer, mailbox: Mailbox, an_account: Callable[..., Tenant]
) -> None:
    tenants = [an_account(email=f"tenant{number}@free.fr") for number in range(2)]
    server.deliver(LETTER, *reports_of(office, mailbox, *tenants), LETTER)
    said = plain(must_run(office, "mail", "bounce", "--imap"))
    assert said == "Rapports lus et rangés : 2. E-mails notés comme non remis : 2. Laissés en place : 2."
    assert (server.count("INBOX"), server.count("INBOX", "UNSEEN"), server.count(DONE)) == (2, 2, 2)
    for tenant in tenants:
        page = log_in(Portal(office), tenant.lease.reference)
        assert page.says(f"notre e-mail n'a pas pu être remis à {tenant.email}")
    said = plain(must_run(office, "mail", "bounce", "--imap"))
    assert said == "Rapports lus et rangés : 0. E-mails notés comme non remis : 0. Laissés en place : 0."


def test_report_that_comes_twice_is_put_away_twice(
    office: Flask, server: ImapServer, mailbox: Mailbox, an_account: Callable[..., Tenant]
) -> None:
    server.deliver(*reports_of(office, mailbox, an_account()) * 2)
    said = plain(must_run(office, "mail", "bounce", "--imap"))
    assert said == "Rapports lus et rangés : 2. E-mails notés comme non remis : 1. Laissés en place : 0."
    assert (server.count("INBOX"), server.count(DONE)) == (0, 2)


def test_mail_that_somebody_has_deleted_is_not_swept_away(office: Flask, server: ImapServer) -> None:
    server.deliver(LETTER, LETTER)
    with server.mailbox() as client:
        client.select("INBOX")
        client.store("1", "+FLAGS", r"(\Deleted)")
    must_run(office, "mail", "bounce", "--imap")
    assert server.count("INBOX") == 2


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"PORTAL_IMAP_PASSWORD": "faux"}, "AUTHENTICATIONFAILED"),
        ({"PORTAL_IMAP_FOLDER": "Absent"}, "Absent"),
        ({"PORTAL_IMAP_SERVER": "127.0.0.1"}, "certificate"),
    ],
)
def test_mailbox_that_cannot_be_read_is_told_with_its_reason(
    make_app: MakeApp, server: ImapServer, settings: dict[str, str], said: str
) -> None:
    code, told = run(with_mailbox(make_app, server.port, **settings), "mail", "bounce", "--imap")
    assert code == 1 and "ne se laisse pas lire" in told and said in told
    assert PASSWORD not in told


def test_server_that_is_away_or_not_set_is_told(make_app: MakeApp) -> None:
    code, told = run(with_mailbox(make_app, free_port()), "mail", "bounce", "--imap")
    assert code == 1 and "ne se laisse pas lire" in told
    code, told = run(make_app(), "mail", "bounce", "--imap")
    assert code == 1 and "FLASK_PORTAL_IMAP_SERVER" in told

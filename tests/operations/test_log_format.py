"""The log: one line an event; nobody forges one, and no secret, number or address stands in it."""

import io
import json
import logging
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from tenant_portal import audit
from tenant_portal.db import begin_write, db
from tenant_portal.operations.log_format import LogFormatter

from ..conftest import SETTINGS, MakeApp
from ..support.live import run_python
from ..support.portal_client import Portal
from ..support.post import Mailbox
from ..support.steps import (
    EMAIL,
    NEW_PASSWORD,
    PASSWORD,
    Lease,
    fill_login,
    forget,
    log_in,
    reset_password,
    sign_up,
)

WRONG = "un mot de passe faux"


class Log:
    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    @property
    def events(self) -> list[dict[str, Any]]:
        """Return the lines of a JSON log, parsed."""
        return [json.loads(line) for line in self.lines]

    def empty(self) -> None:
        self.stream.seek(0)
        self.stream.truncate()


def listen(name: str, form: logging.Formatter, level: int) -> Iterator[Log]:
    """Write what a logger and its children log."""
    log, logger = Log(), logging.getLogger(name)
    handler, before = logging.StreamHandler(log.stream), logger.level
    handler.setFormatter(form)
    handler.addFilter(lambda record: record.threadName != "portal-courier")  # of an earlier test
    logger.addHandler(handler)
    logger.setLevel(level)
    yield log
    logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.fixture
def log() -> Iterator[Log]:
    yield from listen("tenant_portal", LogFormatter("json"), logging.INFO)


@pytest.fixture
def words() -> Iterator[Log]:
    yield from listen("tenant_portal", LogFormatter("text"), logging.INFO)


@pytest.fixture
def everything() -> Iterator[Log]:
    """Return all that anything in this process logs."""
    yield from listen("", logging.Formatter("%(message)s"), logging.DEBUG)


def test_each_event_is_one_line_with_time_request_page_and_account(
    log: Log, portal: Portal, mailbox: Mailbox, a_contract: Callable[..., Lease]
) -> None:
    lease = a_contract()
    sign_up(portal, Lease(lease.reference, "1"))
    sign_up(portal, lease)
    portal.get(mailbox.read().link)
    for password in (WRONG, PASSWORD):
        fill_login(portal.page, lease.reference, password).click()
    mailbox.read()
    forget(portal.another_browser(), lease.reference)
    mailbox.read()
    portal.http.get("/nulle-part")
    portal.http.post("/connexion", data={"reference": "1" * 70_000})
    named = [event["event"] for event in log.events]
    assert named == [
        "signup_mismatch", "signed_up", "mail_sent", "login_refused", "activated", "finished", "logged_in",
        "mail_sent", "reset_requested", "mail_sent", "refused", "refused",
    ]  # fmt: skip
    for event in log.events:
        assert re.fullmatch(r"2026-11-23T08:\d\d:\d\d\.\d{3}Z", event["time"]) and event["level"] == "INFO"
        if event["event"] != "mail_sent":
            assert re.fullmatch(r"[0-9a-f]{10}", event["request"]) and event["origin"] == "127.0.0.0/24"
    logged_in = log.events[named.index("logged_in")]
    assert logged_in["account"] and logged_in["page"].startswith("POST portal.") and logged_in["step"] == 12
    assert [event["status"] for event in log.events if event["event"] == "refused"] == [404, 413]


def test_with_everything_told_no_secret_number_or_address_is_told(
    everything: Log,
    app: Flask,
    portal: Portal,
    mailbox: Mailbox,
    a_contract: Callable[..., Lease],
    caplog: pytest.LogCaptureFixture,
) -> None:
    lease, other = a_contract(), a_contract()
    secrets = [PASSWORD, WRONG, NEW_PASSWORD, EMAIL, str(app.config["SECRET_KEY"])]
    secrets += [number for one in (lease, other) for number in (one.reference, one.module)]
    everything.empty()  # staff read the roster, and name its file
    caplog.set_level(logging.INFO, logger="sqlalchemy.engine.Engine")  # DEBUG shows rows
    caplog.set_level(logging.WARNING, logger="mail.log")  # our own mail server
    sign_up(portal, Lease(lease.reference, other.module))
    sign_up(portal, lease)
    links = [mailbox.read().link]
    portal.get(links[0])
    for password in (WRONG, PASSWORD):
        fill_login(portal.page, lease.reference, password).click()
    mailbox.read()
    forget(portal.another_browser(), lease.reference)
    links.append(mailbox.read().link)
    reset_password(portal.another_browser(), links[1])
    mailbox.read()
    portal.another_browser().get(links[1], status=410)
    log_in(portal, lease.reference, NEW_PASSWORD, remember=True)
    secrets += [link.rsplit("/", 1)[1] for link in links]
    secrets += [value for name in ("portal_remember", "portal_device") if (value := portal.cookie(name))]
    told = everything.stream.getvalue()
    assert "logged_in" in told and "INSERT INTO portal_accounts" in told
    assert [secret for secret in secrets if secret in told] == []


def test_what_is_typed_begins_no_line_of_its_own(
    words: Log, log: Log, make_app: MakeApp, a_contract: Callable[..., Lease]
) -> None:
    forged = "2026-11-23T08:30:00.000Z INFO logged_in account=1"
    browser = Portal(make_app(PORTAL_PROXY_HOPS=1))
    headers = {"X-Request-ID": "12345678", "User-Agent": f"x\t{forged}", "X-Forwarded-For": f"203.0.113.7 {forged}"}
    browser.http.get(f"/nulle-part%0A{forged}", headers=headers)
    log_in(browser, f"1\r\n{forged}", f"x\n{forged}")
    with browser.app.app_context():
        audit.note("tried", detail=f"\r\n{forged}\x1b[2K\u2028{forged}")
        logging.getLogger("tenant_portal").warning("plain\n%s\x85\u202e", forged)
    assert len(words.lines) == len(log.lines) == 3
    assert [line for line in words.lines + log.lines if line.startswith(forged)] == []
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u202e]", "".join(words.lines + log.lines))


def test_number_of_a_request_is_in_the_answer_on_the_page_of_trouble_and_in_the_log(log: Log, portal: Portal) -> None:
    page = portal.get("/nulle-part", status=404)
    number = page.response.headers["X-Request-ID"]
    assert page.says(f"donnez ce numéro de page : {number}")
    assert log.events[-1]["request"] == number
    assert portal.get("/").response.headers["X-Request-ID"] != number


@pytest.mark.parametrize(
    ("hops", "given", "is_taken"),
    [
        (1, "6f1d0c9a2b7e4f0fa1c2d3e4f5061728", True),
        (0, "6f1d0c9a2b7e4f0fa1c2d3e4f5061728", False),
        (1, "short", False),
        (1, "x" * 65, False),
        (1, "12345678 logged_in", False),
        (1, "é2345678", False),
    ],
)
def test_number_that_a_declared_proxy_gives_is_taken(make_app: MakeApp, hops: int, given: str, is_taken: bool) -> None:
    browser = make_app(PORTAL_PROXY_HOPS=hops).test_client()
    answer = browser.get("/connexion", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) is is_taken


def test_bug_is_told_in_one_line_with_its_place_and_without_what_was_typed(
    words: Log, make_app: MakeApp, a_contract: Callable[..., Lease]
) -> None:
    app, lease = make_app(PROPAGATE_EXCEPTIONS=False), a_contract()
    with app.app_context():
        begin_write()
        db.session.execute(text("ALTER TABLE portal_attempts RENAME TO gone"))
        db.session.commit()
    page = log_in(Portal(app), lease.reference, PASSWORD, status=500)
    failed = [line for line in words.lines if " ERROR " in line]
    assert len(failed) == 1 and page.response.headers["X-Request-ID"] in failed[0]
    assert " failed " in failed[0] and "portal_attempts" in failed[0] and "rate_limits.py:" in failed[0]
    assert "POST portal.login.log_in" in failed[0]
    assert lease.reference not in failed[0] and PASSWORD not in failed[0]


def test_text_of_an_error_keeps_no_number_address_or_token(words: Log) -> None:
    token = "eyJhIjoxfQ.aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789"
    try:
        raise ValueError(f"Key (reference)=(00417201) of lea.martin@free.fr, {token}, at postgresql://u:pw@db/x")
    except ValueError:
        logging.getLogger("tenant_portal").exception("GET /activation/%s by lea.martin@free.fr", token)
    (line,) = words.lines
    assert "ValueError: Key (reference)=(…201)" in line and "test_log_format.py:" in line
    assert not [told for told in ("417", "lea", "martin", token, "pw") if told in line.partition("at=")[0]]


PROGRAM = """
import logging, sys
from tenant_portal import TenantPortal, create_app
from flask import Flask
config = {config!r}
if sys.argv[1] == "arranged":
    logging.basicConfig(format="ours %(message)s", level=logging.INFO)
if sys.argv[1] == "host":
    app = Flask("intranet")
    app.config.from_mapping(config)
    TenantPortal(app)
    print(logging.getLogger("tenant_portal").handlers, logging.getLogger().handlers, app.logger.handlers)
else:
    app = create_app({{**config, "PORTAL_LOG_FORMAT": sys.argv[1] if sys.argv[1] != "arranged" else "text"}})
    create_app(config | {{"PORTAL_LOG_FORMAT": "json"}}) if sys.argv[1] == "json" else None
app.test_client().get("/nulle-part")
"""


def ask(how: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Ask a portal in its own process for a page that does not exist."""
    config = {**SETTINGS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'p.sqlite3'}"}
    done = run_python(tmp_path, "-c", PROGRAM.format(config=config), how)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.program
def test_portal_on_its_own_writes_its_log_where_servers_and_systemd_take_it_from(tmp_path: Path) -> None:
    assert re.fullmatch(
        r"\S+Z INFO refused status=404 request=\w+ page=GET - origin=\S+\n", ask("text", tmp_path).stderr
    )
    (line,) = ask("json", tmp_path).stderr.splitlines()
    assert json.loads(line)["event"] == "refused"


@pytest.mark.program
def test_log_that_somebody_has_arranged_is_left_as_it_is(tmp_path: Path) -> None:
    assert ask("arranged", tmp_path).stderr == "ours refused status=404\n"
    host = ask("host", tmp_path)
    assert host.stdout.startswith("[] []") and "refused" not in host.stderr

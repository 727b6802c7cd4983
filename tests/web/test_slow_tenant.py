"""X05: a tenant who sends or reads byte by byte, or asks for much at once, stops nobody else."""

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tenant_portal.db import begin_write, db
from tenant_portal.web.concurrency import ACCOUNT_REQUESTS_MAX

from ..conftest import SETTINGS
from ..support.far import far_portal
from ..support.live import ANSWER_SECONDS, COMMANDS, Live, serve
from ..support.people import Tenant
from ..support.portal_client import ANY_STATUS, Portal
from ..support.post import Mailbox
from ..support.rent_notices import in_folder, pdf, publish
from ..support.work import hashing_held_back

pytestmark = pytest.mark.security

#: More than the connections of a process (15).
SLOW = 40
FORM = "application/x-www-form-urlencoded"
#: Headers and body.
BODIES = {
    "form": (f"Content-Type: {FORM}\r\nContent-Length: 40\r\n", b"device=" + b"1" * 33),
    "form in chunks": (
        f"Content-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n",
        b"28\r\ndevice=" + b"1" * 33 + b"\r\n0\r\n\r\n",
    ),
    "text": ("Content-Type: text/plain\r\nContent-Length: 40\r\n", b"1" * 40),
    "multipart": (
        "Content-Type: multipart/form-data; boundary=X\r\nContent-Length: 59\r\n",
        b'--X\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--X--\r\n',
    ),
}


def cookie_of(tenant: Tenant, live: Live) -> str:
    """Log in at the server; return the session cookie as a header."""
    browser = far_portal(live.port)
    tenant.log_in(browser)
    return f"portal_session={browser.cookie('portal_session')}"


def ask(live: Live, path: str, cookie: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", path, headers={"Cookie": cookie})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.fixture
def two_tenants(an_account: Callable[..., Tenant], roster: Any) -> tuple[Tenant, Tenant]:
    """Return a slow tenant and another."""
    return an_account(), an_account(roster.add(last_name="PETIT"), email="petit@free.fr")


@pytest.fixture(params=sorted(COMMANDS))
def live(
    request: pytest.FixtureRequest, two_tenants: tuple[Tenant, Tenant], app: Flask, tmp_path: Path
) -> Iterator[Live]:
    """Run each server that we ship, on the database of these tenants."""
    name = f"{two_tenants[0].lease.reference}_2026-11.pdf"
    assert publish(app, in_folder(tmp_path / "notices", {name: pdf("x" * 3_000_000)}))[0] == 0
    own = {
        "TESTING": False,
        "SQLALCHEMY_DATABASE_URI": app.config["SQLALCHEMY_DATABASE_URI"],
        "PORTAL_DATA_DIR": app.config["PORTAL_DATA_DIR"],
    }
    with serve(COMMANDS[request.param], tmp_path, {**SETTINGS, **own}) as server:
        yield server


@pytest.mark.slow
def test_slow_forms_of_a_tenant_keep_no_connection_to_the_database(
    live: Live, two_tenants: tuple[Tenant, Tenant], mailbox: Mailbox
) -> None:
    slow, other = (cookie_of(tenant, live) for tenant in two_tenants)
    mailbox.read_all()
    for kind, (headers, body) in BODIES.items():
        head = f"POST /espace/connexions HTTP/1.1\r\nHost: localhost\r\nCookie: {slow}\r\n{headers}\r\n"
        lines = [live.connect() for _ in range(SLOW)]
        try:
            for line in lines:
                line.sendall(head.encode() + body[:10])
            for number in range(3):
                for line in lines:
                    line.sendall(body[10 + number : 11 + number])
                assert live.get("/connexion")[0] == 200, kind
                assert ask(live, "/espace", other)[0] == 200, kind
            for line in lines:
                line.sendall(body[13:])
            answers = {line.recv(1000).split(b" ")[1] for line in lines}
        finally:
            for line in lines:
                line.close()
        refused = b"415" if kind == "multipart" else b"400"  # read to its end before it is refused
        assert answers <= {refused, b"429"} and refused in answers, (kind, answers)
        assert ask(live, "/espace", slow)[0] == 200, f"{kind}: every request was counted back"
    assert "Traceback" not in live.said()


@pytest.mark.slow
@pytest.mark.parametrize("address", ["/espace/avis/1", "/espace/avis/tout"])
def test_slow_readers_of_documents_keep_no_connection_to_the_database(
    live: Live, two_tenants: tuple[Tenant, Tenant], mailbox: Mailbox, address: str
) -> None:
    slow, other = (cookie_of(tenant, live) for tenant in two_tenants)
    mailbox.read_all()
    readers = []
    try:
        for _ in range(SLOW):
            line = socket.socket()
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.settimeout(ANSWER_SECONDS)
            line.connect(("127.0.0.1", live.port))
            line.sendall(f"GET {address} HTTP/1.1\r\nHost: localhost\r\nCookie: {slow}\r\n\r\n".encode())
            readers.append(line)
            answer = line.recv(1000)[9:12]
            # What is made while it is sent counts as running: beyond the limit of the account it is refused.
            assert answer == b"200" or (address.endswith("tout") and answer == b"429")
        assert live.get("/connexion")[0] == 200
        assert ask(live, "/espace", other)[0] == 200
    finally:
        for line in readers:
            line.close()


class SlowBody:
    """A body that waits for the test; notes whether the database was asked before."""

    def __init__(self, app: Flask) -> None:
        self.app, self.asked, self.sent = app, threading.Event(), threading.Event()
        self.held = -1

    def read(self, size: int = -1) -> bytes:
        if not self.asked.is_set():
            with self.app.app_context():
                self.held = self.app.extensions["sqlalchemy"].engine.pool.checkedout()
            self.asked.set()
            assert self.sent.wait(ANSWER_SECONDS)
            return b"device=1"
        return b""


@pytest.mark.every_home
@pytest.mark.parametrize("remembers", [False, True])
def test_body_is_read_before_the_first_look_at_the_database(
    app: Flask, an_account: Callable[..., Tenant], remembers: bool
) -> None:
    """Also in a host whose hook asks who is there before its forms are read."""
    tenant = an_account()
    browser = Portal(app)
    tenant.log_in(browser, remember=remembers)
    cookies = {key: one for key, one in browser.http._cookies.items() if ("remember" in one.key) is remembers}
    for kind in (FORM, "text/plain"):
        browser.http._cookies, body = dict(cookies), SlowBody(app)
        with ThreadPoolExecutor(1) as pool:
            more = {"wsgi.input": body, "CONTENT_LENGTH": "8"}
            answer = pool.submit(browser.http.post, "/espace/connexions", content_type=kind, environ_overrides=more)
            while not body.asked.is_set():
                assert not answer.done(), answer.result()
            body.sent.set()
            assert answer.result().status_code == 400
        assert body.held == 0, kind


def hold(pool: ThreadPoolExecutor, tenant: Tenant, app: Flask) -> "Future[Any]":
    """Send a form whose password waits to be hashed."""
    browser = Portal(app)
    browser.http._cookies = dict(tenant.browser.http._cookies)
    form = browser.get("/espace/connexions").form()
    form.fill("Mon mot de passe", tenant.password)
    return pool.submit(form.click, status=ANY_STATUS)


@pytest.mark.every_home
def test_account_gets_so_many_answers_at_once_and_nobody_else_waits(
    app: Flask, two_tenants: tuple[Tenant, Tenant], mailbox: Mailbox
) -> None:
    busy, other = two_tenants
    elsewhere = Portal(app)
    busy.log_in(elsewhere)
    mailbox.read_all()
    with ThreadPoolExecutor(ACCOUNT_REQUESTS_MAX) as pool:
        with hashing_held_back(app) as waiting:
            held = [hold(pool, busy, app) for _ in range(ACCOUNT_REQUESTS_MAX)]
            while waiting() < ACCOUNT_REQUESTS_MAX:
                assert not any(one.done() for one in held)
            refused = busy.browser.get("/espace", status=429)
            assert refused.says("Attendez un peu, puis réessayez")
            assert int(refused.response.headers["Retry-After"]) > 0
            assert elsewhere.get("/espace/connexions", status=429), "the account counts, not the device"
            assert busy.browser.get("/espace/avis/99999", status=429)
            assert busy.browser.get("/assets/nothing", status=404), "the page of another problem stays what it is"
            other.browser.get("/espace")
            Portal(app).get("/connexion")
        assert {one.result().status for one in held} == {200}
    busy.browser.get("/espace")
    mailbox.read_all()


def test_requests_that_fail_are_counted_back(app: Flask, an_account: Callable[..., Tenant]) -> None:
    browser = an_account().browser
    with app.app_context():
        begin_write()
        db.session.execute(text("DROP TABLE portal_documents"))
        db.session.commit()
    for _ in range(ACCOUNT_REQUESTS_MAX + 2):
        assert browser.http.post("/espace/connexions", data={"device": "1"}).status_code == 400
        with pytest.raises(SQLAlchemyError):
            browser.http.get("/espace/avis")
    browser.get("/espace")
    assert not app.extensions["portal"].cache["running_requests"]._counts, "nothing is kept of who is gone"


def test_zips_that_are_not_read_count_until_their_end(
    app: Flask, an_account: Callable[..., Tenant], tmp_path: Path
) -> None:
    tenant = an_account()
    publish(app, in_folder(tmp_path / "avis", {f"{tenant.lease.reference}_2026-11.pdf": pdf()}))
    waiting = [tenant.browser.http.get("/espace/avis/tout") for _ in range(ACCOUNT_REQUESTS_MAX)]
    assert {answer.status_code for answer in waiting} == {200}
    assert tenant.browser.get("/espace", status=429)
    for answer in waiting:
        answer.close()
    assert tenant.browser.get("/espace").path == "/espace"

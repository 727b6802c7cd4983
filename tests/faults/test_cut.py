"""A browser is cut off in a sign-up, before or after all was sent, on each server."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import func, select

from tenant_portal.db import db
from tenant_portal.models import Account, Mail
from tests.conftest import SETTINGS
from tests.support.live import COMMANDS, Live, serve
from tests.support.post import PostOffice
from tests.support.steps import PASSWORD, Lease

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]
PATIENCE = 30  # seconds
TYPE = "Content-Type: application/x-www-form-urlencoded"


@pytest.fixture(params=COMMANDS)
def live(request: pytest.FixtureRequest, app: Flask, tmp_path: Path, post_office: PostOffice) -> Iterator[Live]:
    """Serve the portal; mails leave after the answer."""
    own = {"MAIL_PORT": post_office.port, "PORTAL_MAIL_AFTER_RESPONSE": True, "PORTAL_DATA_DIR": str(tmp_path)}
    shared = {name: value for name, value in SETTINGS.items() if name != "TESTING"}
    own["SQLALCHEMY_DATABASE_URI"] = app.config["SQLALCHEMY_DATABASE_URI"]
    with serve(COMMANDS[request.param], tmp_path, {**shared, **own}) as server:
        yield server


def sign_up_request(live: Live, lease: Lease) -> bytes:
    """Return the request that sends the form."""
    with live.connect() as connection:
        connection.sendall(b"GET /inscription HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        page = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    token = re.findall(r'name="csrf_token" type="hidden" value="([^"]+)"', page)[0]
    cookie = re.findall(r"(?im)^set-cookie: ([^;]+)", page)[0]
    typed = {"reference": lease.reference, "module": lease.module, "email": "elodie.martin@orange.fr"}
    secret = {"password": PASSWORD, "confirmation": PASSWORD, "csrf_token": token}
    answers = {name: "non" for name in ("e_notice", "commercial", "general")}
    body = urlencode({**typed, **secret, **answers})
    head = ["POST /inscription HTTP/1.1", "Host: localhost", f"Cookie: {cookie}", f"Content-Length: {len(body)}", TYPE]
    return "\r\n".join([*head, "Connection: close", "", body]).encode()


def send(live: Live, request: bytes, *, is_read: bool) -> bytes:
    """Send part of a request; hang up, or read the answer."""
    with live.connect() as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b"")) if is_read else b""


def eventually(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def test_who_is_cut_off_sends_it_again_and_nothing_is_half_done_or_doubled(
    app: Flask, live: Live, a_contract: Callable[..., Lease], post_office: PostOffice
) -> None:
    def count() -> tuple[int, int]:
        """Count accounts and mails."""
        with app.app_context():
            accounts, mails = select(func.count(Account.id)), select(func.count(Mail.id)).where(Mail.recipient != "")
            return db.session.scalar(accounts) or 0, db.session.scalar(mails) or 0

    lease = a_contract()
    request = sign_up_request(live, lease)
    for cut in (len(request) - 20, len(request) // 2):
        send(live, request[:cut], is_read=False)
    assert live.get("/connexion")[0] == 200 and count() == (0, 0)
    send(live, request, is_read=False)  # a server may drop it, or do it
    answer = send(live, request, is_read=True)
    assert answer.split(b" ")[1] == b"302" and b"/inscription/courriel" in answer, answer
    eventually(lambda: len(post_office.mails) == 1)
    assert count() == (1, 1)
    assert "Traceback" not in live.said()

"""Mail server and database fail each other: a sent mail is noted, a doubtful one keeps its Message-ID."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tenant_portal import db as database
from tenant_portal.db import db
from tenant_portal.mail import outbox
from tenant_portal.models import Mail, MailState
from tests.conftest import Clock, MakeApp
from tests.support.portal_client import Portal
from tests.support.post import Mailbox, PostOffice
from tests.support.steps import Lease, sign_up

HOLD = 0.5  # seconds


def deliver(app: Flask) -> outbox.Delivery:
    with app.app_context():
        return outbox.deliver_due()


def state(app: Flask) -> MailState:
    """Return the state of the only mail."""
    with app.app_context():
        return db.session.scalars(select(Mail)).one().state


@pytest.mark.sqlite
def test_a_mail_that_left_while_the_database_was_locked_is_noted_and_not_sent_again(
    make_app: MakeApp,
    tmp_path: Path,
    post_office: PostOffice,
    a_contract: Callable[..., Lease],
    app: Flask,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database, "SQLITE_BUSY_SECONDS", 0)
    monkeypatch.setattr(outbox, "NOTE_PAUSES", (0, *[0.05] * 400))
    impatient = make_app()
    sign_up(Portal(app), a_contract())
    other = sqlite3.connect(tmp_path / "portal.sqlite3", isolation_level=None, check_same_thread=False)
    take = post_office.handle_DATA

    async def take_and_lock(*details: Any) -> str:
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(HOLD, other.execute, ["ROLLBACK"]).start()
        return await take(*details)

    monkeypatch.setattr(post_office, "handle_DATA", take_and_lock)
    with closing(other):
        assert deliver(impatient).sent == 1
    assert state(app) is MailState.SENT
    clock.move(minutes=10)
    assert deliver(app) == outbox.Delivery() and len(post_office.mails) == 1


@pytest.mark.parametrize("mood", ["hangs up", "falls silent"])
def test_a_server_that_is_lost_after_the_mail_gets_it_again_under_the_same_name(
    app: Flask,
    portal: Portal,
    post_office: PostOffice,
    a_contract: Callable[..., Lease],
    mailbox: Mailbox,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    mood: str,
) -> None:
    sign_up(portal, a_contract())
    app.extensions["mail"].timeout = 0.3
    take = post_office.handle_DATA

    async def take_and_be_lost(server: Any, session: Any, envelope: Any) -> str:
        said = await take(server, session, envelope)
        if mood == "hangs up":
            server.transport.abort()
        else:
            server.transport.pause_reading()
            server.push = _say_nothing
        return said

    with monkeypatch.context() as patch:
        patch.setattr(post_office, "handle_DATA", take_and_be_lost)
        assert deliver(app) == outbox.Delivery(failed=1, waiting=1, is_down=True)
    clock.move(minutes=2)
    assert deliver(app).sent == 1 and state(app) is MailState.SENT
    first, again = (mailbox.read() for _ in range(2))
    assert first.message["Message-ID"] == again.message["Message-ID"]
    assert first.link == again.link


async def _say_nothing(status: Any) -> None:
    """Leave the other side without its answer."""

"""Delivery: nothing is lost or doubled, and no page waits."""

import signal
import socket
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from tenant_portal.db import begin_write, db, utcnow
from tenant_portal.mail import bounces, contents, courier, fates, outbox
from tenant_portal.models import Account, Mail, MailState
from tests.support.examples import few
from tests.support.paths import ROOT

from ..conftest import SETTINGS, Clock
from ..support.certificates import serving_as
from ..support.live import start_python
from ..support.post import PostOffice
from ..support.services import free_port

CONTENT = {"digits": "456", "link": "https://espace.example/mot-de-passe/jeton"}
PATIENCE = 20  # seconds


def put(app: Flask, *recipients: str, until: datetime | None = None, kind: str = "reset") -> None:
    """Write a mail to each, each with an account."""
    with app.app_context():
        begin_write()
        for recipient in recipients:
            account = Account(email=recipient, password_hash="-", signup_key="-")
            db.session.add(account)
            db.session.flush()
            end = (until or utcnow() + timedelta(days=30)).isoformat()
            outbox.put(kind, recipient, account=account, content={**CONTENT, "until": end})
        db.session.commit()


def deliver(app: Flask, *, now: bool = False) -> outbox.Delivery:
    """Deliver once."""
    with app.app_context():
        return outbox.deliver_due(now=now)


def rows(app: Flask) -> dict[str, Mail]:
    """Return the outbox by recipient."""
    with app.app_context():
        found = {row.recipient: row for row in db.session.scalars(select(Mail).order_by(Mail.id))}
        db.session.expunge_all()
        return found


def has_failed(app: Flask, address: str) -> bool:
    with app.app_context():
        return db.session.scalars(select(Account).where(Account.email == address)).one().email_failed_at is not None


def eventually(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, "it never came"
        threading.Event().wait(0.03)


@contextmanager
def hanging_server() -> Iterator[int]:
    """Accept connections and stay silent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def answer(app: Flask, *recipients: str) -> None:
    """Answer a request that writes these mails."""
    with app.test_request_context("/"):
        begin_write()
        for recipient in recipients:
            outbox.put("reset", recipient, content={**CONTENT, "until": (utcnow() + timedelta(days=1)).isoformat()})
        db.session.commit()
        courier.deliver_after(app.make_response("Consultez vos e-mails"))


@pytest.fixture
def web_app(make_app: Callable[..., Flask]) -> Iterator[Callable[..., Flask]]:
    """Return a function that makes a portal which delivers after the answer; its couriers end with the test."""
    made: list[Flask] = []

    def make(**options: Any) -> Flask:
        made.append(make_app(PORTAL_MAIL_AFTER_RESPONSE=True, **options))
        return made[-1]

    yield make
    for app in made:
        with app.app_context():
            begin_write()
            for row in db.session.scalars(select(Mail)):
                row.state = MailState.NOBODY
            db.session.commit()
        for each in couriers(app):
            each.wake()
            eventually(lambda each=each: each._thread is None)


def couriers(app: Flask) -> list[courier.Courier]:
    return [c for c in app.extensions["portal"].cache.values() if isinstance(c, courier.Courier)]


def test_a_mail_that_left_holds_no_link(app: Flask, post_office: PostOffice) -> None:
    put(app, "a@orange.fr", "b@free.fr")
    assert deliver(app) == outbox.Delivery(sent=2)
    assert [mail.to for mail in post_office.mails] == ["a@orange.fr", "b@free.fr"]
    row = rows(app)["a@orange.fr"]
    assert (row.state, row.taken_by, row.error, row.attempts) == (MailState.SENT, "127.0.0.1", "", 1) and row.sent_at
    assert row.content is not None and row.content["link"] == contents.BLACKED and "://" not in str(row.content)
    assert deliver(app, now=True) == outbox.Delivery() and len(post_office.mails) == 2


def test_a_mail_of_a_transaction_that_failed_never_leaves(app: Flask, post_office: PostOffice) -> None:
    with app.app_context():
        begin_write()
        outbox.put("reset", "a@orange.fr", content=CONTENT)
        db.session.flush()
        db.session.rollback()
    assert deliver(app, now=True) == outbox.Delivery() and not post_office.mails


@pytest.mark.parametrize("said", ["550 5.1.1 nobody@orange.fr: unknown", "553 no such box", "550 unknown"])
def test_t09_server_refuses_a_recipient_for_good_and_the_others_get_theirs(
    app: Flask, post_office: PostOffice, said: str
) -> None:
    post_office.answers["nobody@orange.fr"] = said
    put(app, "nobody@orange.fr", "b@free.fr")
    assert deliver(app) == outbox.Delivery(sent=1, refused=1)
    row = rows(app)["nobody@orange.fr"]
    assert row.state is MailState.REFUSED and "://" not in str(row.content)
    assert row.error.startswith("gone: 55") and "@" not in row.error
    assert has_failed(app, "nobody@orange.fr") and not has_failed(app, "b@free.fr")


def test_t09_a_refused_address_that_was_put_right_meanwhile_is_not_blamed(app: Flask, post_office: PostOffice) -> None:
    post_office.answers["nobody@orange.fr"] = "550 unknown"
    put(app, "nobody@orange.fr")
    with app.app_context():
        begin_write()
        db.session.scalars(select(Account)).one().email = "somebody@orange.fr"
        db.session.commit()
    assert deliver(app).refused == 1 and not has_failed(app, "somebody@orange.fr")


@pytest.mark.parametrize(
    ("said", "noted"),
    [
        ("451 4.7.1 later", "later: 451 4.7.1"),
        ("550 5.7.1 relaying denied", "about us, relay: 550 5.7.1"),
        ("530 login", "about us, login: 530"),
        ("552 5.2.2 full", "full: 552 5.2.2"),
    ],
)
def test_t41_what_may_pass_is_tried_again_at_growing_distance(
    app: Flask, post_office: PostOffice, clock: Clock, said: str, noted: str
) -> None:
    post_office.answers["*"] = said
    put(app, "a@orange.fr")
    for minutes in (1, 5, 10, 15, 30, 60, 120):
        assert deliver(app) == outbox.Delivery(failed=1, waiting=1)
        assert rows(app)["a@orange.fr"].error == noted
        clock.move(minutes=minutes, seconds=-10)
        assert deliver(app) == outbox.Delivery(waiting=1)
        clock.move(seconds=20)
    post_office.answers.clear()
    assert deliver(app) == outbox.Delivery(sent=1) and not has_failed(app, "a@orange.fr")


def test_a_box_that_is_full_for_days_is_given_up_and_not_blamed(
    app: Flask, post_office: PostOffice, clock: Clock
) -> None:
    post_office.answers["a@orange.fr"] = "452 4.2.2 full"
    put(app, "a@orange.fr")
    clock.move(days=4)
    assert deliver(app).failed == 1
    clock.move(days=2)
    assert deliver(app).refused == 1 and not has_failed(app, "a@orange.fr")


def test_t41_server_is_dead_and_the_round_stops_at_the_first_mail(make_app: Any, clock: Clock) -> None:
    app = make_app(MAIL_PORT=free_port())
    put(app, "a@orange.fr", "b@free.fr", "c@free.fr")
    assert deliver(app) == outbox.Delivery(failed=1, waiting=3, is_down=True)
    assert [row.attempts for row in rows(app).values()] == [1, 0, 0]
    assert deliver(app).is_down and [row.attempts for row in rows(app).values()] == [1, 1, 0]
    assert rows(app)["a@orange.fr"].error == "server not usable: ConnectionRefusedError"
    with app.app_context():
        clock.move(minutes=20)
        age = outbox.oldest_waiting_age()
        assert age is not None and timedelta(minutes=20) <= age < timedelta(minutes=21)


def test_server_that_takes_one_mail_per_connection_gets_them_all(make_app: Any) -> None:
    class Impatient(PostOffice):
        async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
            if getattr(session, "has_sent", False):
                return "421 4.7.0 one mail a connection"
            session.has_sent, envelope.mail_from = True, address
            return "250 OK"

    with Impatient() as office:
        app = make_app(MAIL_PORT=office.port)
        put(app, "a@orange.fr", "b@free.fr", "c@free.fr")
        assert deliver(app) == outbox.Delivery(sent=3)
        assert Counter(mail.to for mail in office.mails) == Counter(["a@orange.fr", "b@free.fr", "c@free.fr"])


def test_a_mail_that_cannot_be_composed_holds_up_no_other(app: Flask, post_office: PostOffice) -> None:
    put(app, "a@orange.fr", kind="no_such_mail")
    put(app, "b@free.fr")
    assert deliver(app) == outbox.Delivery(sent=1, failed=1, waiting=1)
    assert rows(app)["a@orange.fr"].error == "not composed: TemplateNotFound"


def test_t10_a_link_that_died_while_waiting_is_not_sent(app: Flask, post_office: PostOffice, clock: Clock) -> None:
    put(app, "a@orange.fr", until=utcnow() + timedelta(hours=1))
    clock.move(hours=2)
    assert deliver(app) == outbox.Delivery(refused=1) and not post_office.mails
    assert (rows(app)["a@orange.fr"].error, has_failed(app, "a@orange.fr")) == ("expired", False)


def test_server_with_an_unknown_certificate_gets_nothing(make_app: Any, tmp_path: Path) -> None:
    controller = Controller(
        Sink(), hostname="127.0.0.1", port=free_port(), tls_context=serving_as(tmp_path, "localhost")
    )
    controller.start()
    try:
        app = make_app(MAIL_PORT=controller.port, MAIL_USE_TLS=True)
        put(app, "a@orange.fr")
        assert deliver(app) == outbox.Delivery(failed=1, waiting=1, is_down=True)
        assert rows(app)["a@orange.fr"].error == "server not usable: SSLCertVerificationError"
    finally:
        controller.stop()


def test_mail_leaves_by_itself_after_the_answer(web_app: Any, post_office: PostOffice) -> None:
    app = web_app()
    answer(app, "a@orange.fr", "b@free.fr")
    eventually(lambda: len(post_office.mails) == 2)
    eventually(lambda: couriers(app)[0]._thread is None)
    answer(app)
    assert couriers(app)[0]._thread is None  # nobody is woken


@pytest.mark.parametrize("mood", ["refuses", "hangs", "is dead"])
def test_t41_tenant_waits_for_no_mail_server(web_app: Any, post_office: PostOffice, clock: Clock, mood: str) -> None:
    post_office.answers["*"] = "451 4.3.0 later"
    with hanging_server() as silent:
        port = {"refuses": post_office.port, "hangs": silent, "is dead": free_port()}[mood]
        app = web_app(MAIL_PORT=port)
        app.extensions["mail"].timeout = 0.3
        answer(app, "a@orange.fr")
        assert rows(app)["a@orange.fr"].state is MailState.WAITING, "the answer is there, the mail is not away yet"
        eventually(lambda: rows(app)["a@orange.fr"].error not in {"", fates.CLAIMED})
        assert rows(app)["a@orange.fr"].state is MailState.WAITING and not post_office.mails
    post_office.answers.clear()
    app.extensions["mail"].state.port = post_office.port
    clock.move(minutes=2)
    answer(app, "b@free.fr")
    eventually(lambda: len(post_office.mails) == 2)


def test_first_request_after_a_restart_sends_what_was_promised(
    web_app: Any, app: Flask, post_office: PostOffice
) -> None:
    put(app, "a@orange.fr")
    restarted = web_app()
    with restarted.test_client() as browser:
        browser.get("/assets/portal.js").close()
        browser.get("/healthz").close()
    eventually(lambda: len(post_office.mails) == 1)


def test_portal_that_leaves_mails_to_the_command_starts_no_thread(app: Flask, post_office: PostOffice) -> None:
    answer(app, "a@orange.fr")
    assert not couriers(app) and not post_office.mails
    assert deliver(app).sent == 1


def test_several_couriers_at_once_send_each_mail_once(make_app: Any, post_office: PostOffice) -> None:
    apps = [make_app() for _ in range(3)]
    everybody = [f"tenant{number}@orange.fr" for number in range(15)]
    put(apps[0], *everybody)
    threads = [threading.Thread(target=deliver, args=(app,), kwargs={"now": app is apps[0]}) for app in apps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert Counter(mail.to for mail in post_office.mails) == Counter(everybody)
    assert {row.state for row in rows(apps[0]).values()} == {MailState.SENT}


@pytest.mark.program
def test_process_is_killed_and_each_promised_mail_leaves_once(
    app: Flask, post_office: PostOffice, clock: Clock
) -> None:
    with hanging_server() as silent:
        config = {**SETTINGS, "MAIL_PORT": silent}
        config["SQLALCHEMY_DATABASE_URI"] = app.config["SQLALCHEMY_DATABASE_URI"]
        content = {**CONTENT, "until": (utcnow() + timedelta(days=1)).isoformat()}
        program = f"""
            import time_machine
            from tenant_portal import create_app
            from tenant_portal.db import begin_write, db
            from tenant_portal.mail import outbox
            with time_machine.travel({utcnow().isoformat()!r}), create_app({config!r}).app_context():
                begin_write()
                outbox.put("reset", "first@orange.fr", content={content!r})
                outbox.put("reset", "second@orange.fr", content={content!r})
                db.session.commit()
                outbox.deliver_due()
        """
        process = start_python(ROOT, "-c", textwrap.dedent(program))
        try:
            eventually(lambda: any(row.error == fates.CLAIMED for row in rows(app).values()))
        finally:
            process.kill()
            assert process.wait(PATIENCE) == -signal.SIGKILL
    clock.move(seconds=30)
    assert deliver(app).sent == 0 and deliver(app, now=True).sent == 0, "both were claimed, and may be on their way"
    clock.move(minutes=5)
    assert deliver(app).sent == 2 and deliver(app, now=True) == outbox.Delivery()
    assert [mail.to for mail in post_office.mails] == ["first@orange.fr", "second@orange.fr"]
    ids = [mail.message["Message-ID"] for mail in post_office.mails]
    assert ids == [rows(app)["first@orange.fr"].message_id, rows(app)["second@orange.fr"].message_id]


@pytest.mark.program
def test_process_is_killed_in_the_middle_and_one_batch_at_most_is_repeated_under_the_same_names(
    app: Flask, post_office: PostOffice, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = [f"tenant{number:02}@orange.fr" for number in range(25)]
    put(app, *everybody)
    config = {**SETTINGS, "MAIL_PORT": post_office.port}
    config["SQLALCHEMY_DATABASE_URI"] = app.config["SQLALCHEMY_DATABASE_URI"]
    program = f"""
        import os, signal, time_machine
        from tenant_portal import create_app
        from tenant_portal.mail import outbox
        outbox.BATCH = 10
        hand_over, count = outbox.hand_over, iter(range(100))
        def die_at_the_seventeenth(row, server):
            if next(count) == 16:
                os.kill(os.getpid(), signal.SIGKILL)
            return hand_over(row, server)
        outbox.hand_over = die_at_the_seventeenth
        with time_machine.travel({utcnow().isoformat()!r}), create_app({config!r}).app_context():
            outbox.deliver_due()
    """
    assert start_python(ROOT, "-c", textwrap.dedent(program)).wait(PATIENCE) == -signal.SIGKILL
    assert len(post_office.mails) == 16
    clock.move(minutes=6)
    assert deliver(app) == outbox.Delivery(sent=15)
    sent = Counter(mail.message["Message-ID"] for mail in post_office.mails)
    assert set(sent) == {row.message_id for row in rows(app).values()}
    assert Counter(sent.values()) == {1: 19, 2: 6}, "the six of the batch that was under way, and no other"


def test_watch_delivers_until_it_is_asked_to_stop(app: Flask, post_office: PostOffice) -> None:
    former = signal.getsignal(signal.SIGTERM)
    rounds: list[outbox.Delivery] = []

    def report(done: outbox.Delivery) -> None:
        rounds.append(done)
        if len(rounds) == 1:
            put(app, "b@free.fr")
        else:
            signal.raise_signal(signal.SIGTERM)

    put(app, "a@orange.fr")
    with app.app_context():
        courier.watch(every=0.01, report=report)
    assert [done.sent for done in rounds] == [1, 1] and len(post_office.mails) == 2
    assert signal.getsignal(signal.SIGTERM) is former


REPORT = """\
From: MAILER-DAEMON@mx.example
To: contact@habitat-du-val.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: Mon, 23 Nov 2026 10:30:00 +0100

Final-Recipient: rfc822; a@orange.fr
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 unknown

--b
{returned}
--b--
"""
WHOLE = "Content-Type: message/rfc822\n\nMessage-ID: {id}\nSubject: x\n\nBonjour\n"
HEADERS = "Content-Type: text/rfc822-headers\n\nSubject: x\nMessage-ID: {id}\n"
NOTHING = "Content-Type: text/plain\nX-Original-Message-ID: {id}\n\n"


def report(returned: str = WHOLE, *, action: str = "failed", status: str = "5.1.1") -> str:
    return REPORT.replace("{action}", action).replace("{status}", status).replace("{returned}", returned)


@pytest.mark.parametrize("returned", [WHOLE, HEADERS, NOTHING])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_t09_a_mail_that_came_back_is_noted_with_its_account(
    app: Flask, post_office: PostOffice, returned: str, line_end: str
) -> None:
    put(app, "a@orange.fr", "b@free.fr")
    deliver(app)
    raw = report(returned).replace("{id}", rows(app)["a@orange.fr"].message_id).replace("\n", line_end).encode()
    with app.app_context():
        assert outbox.note_report(raw) == 1 and outbox.note_report(raw) == 0
    assert {name: row.state for name, row in rows(app).items()} == {
        "a@orange.fr": MailState.BOUNCED,
        "b@free.fr": MailState.SENT,
    }
    assert has_failed(app, "a@orange.fr") and not has_failed(app, "b@free.fr")


@pytest.mark.parametrize(("action", "status"), [("delayed", "4.4.1"), ("relayed", "2.0.0"), ("delivered", "2.0.0")])
def test_a_report_of_something_else_changes_nothing(app: Flask, action: str, status: str) -> None:
    put(app, "a@orange.fr")
    deliver(app)
    raw = report(action=action, status=status).replace("{id}", rows(app)["a@orange.fr"].message_id).encode()
    with app.app_context():
        assert outbox.note_report(raw) is None
    assert rows(app)["a@orange.fr"].state is MailState.SENT


def test_an_answer_of_a_tenant_is_no_report(app: Flask) -> None:
    put(app, "a@orange.fr")
    deliver(app)
    message_id = rows(app)["a@orange.fr"].message_id
    raw = (
        f"From: a@orange.fr\nIn-Reply-To: {message_id}\nReferences: {message_id}\n\nMerci !\nAction: failed\n".encode()
    )
    with app.app_context():
        assert outbox.note_report(raw) is None


@few(1)
@given(
    st.one_of(
        st.binary(max_size=400),
        st.builds(
            lambda at, noise, length: report().encode()[:at] + noise + report().encode()[at + length :],
            st.integers(0, 900),
            st.binary(max_size=30),
            st.integers(0, 60),
        ),
    )
)
def test_whatever_is_read_as_a_report_nothing_breaks(raw: bytes) -> None:
    assert (found := bounces.read(raw)) is None or all(each.isascii() and len(each) < 510 for each in found.message_ids)


def test_a_report_within_reports_without_end_breaks_nothing() -> None:
    assert bounces.read(b"Content-Type: message/rfc822\n\n" * 5000) is None


def test_moments_of_the_outbox_are_aware(app: Flask) -> None:
    put(app, "a@orange.fr")
    assert rows(app)["a@orange.fr"].due_at.tzinfo is UTC
    with app.app_context():
        assert outbox.oldest_waiting_age() is not None
        outbox.deliver_due()
        assert outbox.oldest_waiting_age() is None

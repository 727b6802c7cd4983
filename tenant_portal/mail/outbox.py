"""Mails as rows, written in the transaction of what they report, delivered after the response.

A courier claims a row, sends the mail outside of any transaction, then records the outcome. Other couriers skip a
claimed row until its claim expires.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from flask import Flask, Response, current_app, g
from sqlalchemy import ColumnElement, Table, and_, func, insert, or_, select
from sqlalchemy.exc import OperationalError

from .. import audit
from ..db import begin_write, cause, db, is_away, utcnow
from ..models import Account, Contract, Mail, MailState
from ..settings import settings, state
from . import bounces, rendering
from .smtp import Failure, SmtpSession, hand_over

#: A claim lasts longer than all timeouts of a mail together.
LEASE = timedelta(minutes=5)
#: The `error` of a claimed row.
CLAIMED = "on its way"
#: Minutes to wait after each failure; the last one repeats.
RETRY_MINUTES = (1, 5, 15, 60, 240, 720, 1440)
#: Longest seconds between rounds while mails wait, and in `watch`.
LOOK_SECONDS, WATCH_SECONDS = 300, 5
#: Shortest seconds between rounds, and seconds while the mail server or database is down.
LEAST_SECONDS, DOWN_SECONDS = 0.2, 60
#: Seconds before each try to record an outcome, as a mail without it is sent again.
NOTE_PAUSES = (0, 1, 5, 15)

#: Added to the turn of mails that nobody awaits. Lower turns leave first.
NEWS_TURN = 100
NEWS = frozenset({"notice_published", "message_to_landlord", "message_received", "contract_ready"})

_ROW = insert(cast(Table, Mail.__table__))

log = logging.getLogger("tenant_portal")


@dataclass
class Delivery:
    """What one round did, in numbers of mails."""

    sent: int = 0
    failed: int = 0
    refused: int = 0
    waiting: int = 0
    is_down: bool = False


def put(
    kind: str,
    recipient: str,
    *,
    content: dict[str, Any],
    account: Account | None = None,
    contract: Contract | None = None,
    language: str = "",
    turn: int = 0,
) -> None:
    """Write a mail into the outbox, in the caller's transaction.

    A mail without recipient is written too, so that response time reveals nothing (F9). `turn` counts the mails that
    its sender caused before: a flood leaves last (X07).
    """
    row = {
        "kind": kind,
        "recipient": recipient,
        "language": language or (account.language if account is not None else "fr"),
        "content": content,
        "turn": min(turn, NEWS_TURN) + (NEWS_TURN if kind in NEWS else 0),
        "message_id": rendering.new_message_id(),
        "account_id": account.id if account is not None else None,
        "contract_id": contract.id if contract is not None else None,
    }
    db.session.execute(_ROW, row)
    g.portal_has_mail = True


def deliver_due(*, now: bool = False, stop: threading.Event | None = None) -> Delivery:
    """Deliver due mails by turn; with `now` every waiting mail once, oldest first."""
    done, server, last = Delivery(), SmtpSession(), 0
    try:
        while not done.is_down and not (stop is not None and stop.is_set()):
            row = _claim(after=last if now else None)
            if row is None:
                break
            last = row.id
            if row.state is MailState.WAITING:
                _deliver(row, server, done)
            elif row.state is MailState.REFUSED:
                done.refused += 1
    finally:
        server.close()
    done.waiting = db.session.scalar(select(func.count()).select_from(Mail).where(_waits())) or 0
    db.session.rollback()
    return done


def oldest_waiting_age() -> timedelta | None:
    """Return how long the oldest mail has waited, or None."""
    oldest = db.session.scalar(select(func.min(Mail.created_at)).where(_waits()))
    return utcnow() - oldest if oldest is not None else None


def bounce(raw: bytes) -> int:
    """Record the mails that a delivery report returns; return their number."""
    found = bounces.returned_message_ids(raw)
    if not found:
        return 0
    begin_write()
    rows = db.session.scalars(select(Mail).where(Mail.message_id.in_(found), Mail.state != MailState.BOUNCED)).all()
    for row in rows:
        row.state, row.content, row.error = MailState.BOUNCED, None, "returned"
        _mark_address_failed(row)
    db.session.commit()
    return len(rows)


def watch(*, every: float = WATCH_SECONDS, report: Callable[[Delivery], None] | None = None) -> None:
    """Deliver due mails until SIGTERM or Ctrl-C; the current mail is finished first."""
    stop = threading.Event()
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    former = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        while not stop.is_set():
            pause = _round(app, longest=every, stop=stop, report=report)
            stop.wait(every if pause is None else pause)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def deliver_after(response: Response) -> None:
    """Wake the courier if this request wrote a mail, or is the first of the process.

    A browser that hangs up while it reads the response cannot hold mails back.
    """
    if response.direct_passthrough:
        return  # a file
    has_mail = g.pop("portal_has_mail", False)
    if settings.mail_after_response and (has_mail or _courier_key() not in state.cache):
        courier: Courier = state.cache.setdefault(
            _courier_key(),
            Courier(current_app._get_current_object()),  # type: ignore[attr-defined]
        )
        courier.wake()


class Courier:
    """The thread that delivers mails, from a wake-up until none waits."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._call = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Start a round now, in the background."""
        with self._lock:
            self._call.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._carry, name="portal-courier", daemon=True)
                self._thread.start()

    def _carry(self) -> None:
        while True:
            self._call.clear()
            pause = _round(self._app)
            with self._lock:
                if pause is None and not self._call.is_set():
                    self._thread = None
                    return
            self._call.wait(pause)


def _courier_key() -> str:
    return f"courier:{os.getpid()}"  # a fork has no threads


def _round(
    app: Flask,
    *,
    longest: float = LOOK_SECONDS,
    stop: threading.Event | None = None,
    report: Callable[[Delivery], None] | None = None,
) -> float | None:
    """Deliver once; return the seconds until the next round, or None if no mail waits."""
    try:
        with app.app_context():
            done = deliver_due(stop=stop)
            if report is not None:
                report(done)
            next_due = db.session.scalar(select(func.min(Mail.due_at)).where(_waits()))
            if next_due is None:
                return None
            least = DOWN_SECONDS if done.is_down else LEAST_SECONDS
            return max(least, min((next_due - utcnow()).total_seconds(), longest))
    except Exception as trouble:  # the courier must outlive a database that is away
        if is_away(trouble):
            log.warning("the outbox cannot be read: %s", cause(trouble))
        else:
            log.exception("the outbox cannot be read")
        return DOWN_SECONDS


def _waits() -> ColumnElement[bool]:
    return Mail.state == MailState.WAITING


def _claim(*, after: int | None) -> Mail | None:
    """Claim and detach the next mail; one without recipient or expired is settled here."""
    begin_write()
    moment = utcnow()
    is_due = Mail.due_at <= moment
    waiting = select(Mail).where(_waits()).limit(1).with_for_update(skip_locked=True)
    if after is None:
        waiting = waiting.where(is_due).order_by(Mail.turn, Mail.due_at, Mail.id)
    else:
        waiting = waiting.where(and_(Mail.id > after, or_(is_due, Mail.error != CLAIMED))).order_by(Mail.id)
    row = db.session.scalars(waiting).first()
    if row is None:
        db.session.rollback()
        return None
    if not row.recipient:
        row.state, row.content = MailState.NOBODY, None
    elif _is_expired(row, moment):
        row.state, row.content, row.error = MailState.REFUSED, None, "expired"
    else:
        row.attempts, row.due_at, row.error = row.attempts + 1, moment + LEASE, CLAIMED
    db.session.flush()
    db.session.expunge(row)
    db.session.commit()
    return row


def _is_expired(row: Mail, moment: datetime) -> bool:
    until = (row.content or {}).get("until")
    return until is not None and datetime.fromisoformat(until) <= moment


def _deliver(row: Mail, server: SmtpSession, done: Delivery) -> None:
    failure = hand_over(row, server)
    if failure is None:
        fate, done.sent = "mail_sent", done.sent + 1
    elif failure.is_final:
        fate, done.refused = "mail_refused", done.refused + 1
    else:
        fate, done.failed, done.is_down = "mail_failed", done.failed + 1, failure.is_down
    audit.note(fate, mail=row.id, kind=row.kind, account=row.account_id, error=failure.error if failure else "")
    for pause in NOTE_PAUSES:
        time.sleep(pause)
        try:
            return _record_outcome(row.id, failure)
        except OperationalError:
            log.warning("the fate of mail %s cannot be noted yet", row.id)
    _record_outcome(row.id, failure)


def _record_outcome(mail_id: int, failure: Failure | None) -> None:
    begin_write()
    row = db.session.get(Mail, mail_id, with_for_update=True)
    if row is None or row.state is not MailState.WAITING:
        db.session.rollback()
        return
    row.error = failure.error if failure is not None else ""
    if failure is None:
        row.state, row.sent_at, row.content = MailState.SENT, utcnow(), None
    elif failure.is_final:
        row.state, row.content = MailState.REFUSED, None
        _mark_address_failed(row)
    else:
        minutes = RETRY_MINUTES[min(row.attempts, len(RETRY_MINUTES)) - 1]
        row.due_at = utcnow() + timedelta(minutes=minutes)
    db.session.commit()


def _mark_address_failed(row: Mail) -> None:
    """Mark the account's address as failed; the next page tells the tenant (T09)."""
    account = db.session.get(Account, row.account_id, with_for_update=True) if row.account_id is not None else None
    if account is not None and account.email.lower() == row.recipient.lower():
        account.email_failed_at = utcnow()

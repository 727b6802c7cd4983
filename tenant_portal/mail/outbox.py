"""Mails as rows, written in the transaction of what they report, delivered after the response.

A round claims a batch of rows, sends them outside of any transaction, then notes what became of them. Other processes
skip a claimed row until its claim expires. A crash repeats one batch at the most, with the same Message-IDs.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from flask import g
from sqlalchemy import CursorResult, Table, and_, bindparam, exists, func, insert, or_, select, text, update
from sqlalchemy.exc import OperationalError

from .. import audit
from ..accounts import signed_links
from ..accounts.authentication import AuthenticatedAccount, KnownContract
from ..db import begin_write, db, utcnow
from ..errors import PortalError
from ..messages import answers
from ..models import TROUBLED, Account, Contract, Mail, MailState
from . import bounces, contents, rendering
from .fates import CLAIMED, EXPIRED
from .smtp import UNUSABLE, Failure, SmtpSession, hand_over, server_name
from .verdicts import Cause, Verdict

#: Mails of a claim, and the longest seconds of delivering them before their fate is noted.
BATCH, BATCH_SECONDS = 100, 2.0
#: A claim lasts longer than a batch, all timeouts of its last mail and the tries to note it.
LEASE = timedelta(minutes=5)
#: Minutes to wait after each failure, about half of what the mail has waited by then; the last one repeats.
RETRY_MINUTES = (1, 5, 10, 15, 30, 60, 120, 240, 720)
#: So many recipients with the same answer about us end a round.
SAME_ANSWERS = 3
#: Seconds before each try to note the fates, as a mail without one is sent again.
NOTE_PAUSES = (0, 1, 5, 15)

#: Added to the turn of mails that nobody awaits. Lower turns leave first.
NEWS_TURN = 100
NEWS = frozenset(
    {
        *("notice_published", "receipt_published", "documents_ending"),
        *("message_to_landlord", "message_received", "contract_ready"),
    }
)

# Built once: to build a statement takes as long as to run it.
_mails = cast(Table, Mail.__table__)
_earlier = _mails.alias()
_ROW = insert(_mails)
_THESE = _mails.c.id.in_(bindparam("ids", expanding=True))
_IS_WAITING = _mails.c.state == MailState.WAITING
_CLAIM = update(_mails).where(_THESE)
_CLAIM = _CLAIM.values(attempts=_mails.c.attempts + 1, due_at=bindparam("until"), error=CLAIMED)
_SENT = update(_mails).where(_mails.c.id == bindparam("number"), _IS_WAITING)
_SENT = _SENT.values(state=MailState.SENT, sent_at=bindparam("moment"), taken_by=bindparam("server"), error="")
_SENT = _SENT.values(content=bindparam("kept"))
_REPEATED = select(_mails.c.id).where(
    _THESE,
    exists().where(
        _earlier.c.account_id == _mails.c.account_id, _earlier.c.kind == _mails.c.kind, _earlier.c.id < _mails.c.id
    ),
)
_DUE = select(Mail).where(_IS_WAITING, Mail.due_at <= bindparam("moment"))
_DUE = _DUE.order_by(Mail.turn, Mail.due_at, Mail.id).limit(bindparam("most")).with_for_update(skip_locked=True)
_MET_NO_SERVER = and_(_mails.c.error.startswith(UNUSABLE), _mails.c.due_at > bindparam("moment"))
_WAITING = select(func.count(), func.min(_mails.c.due_at), func.count().filter(_MET_NO_SERVER)).where(_IS_WAITING)

log = logging.getLogger("tenant_portal")


@dataclass
class Delivery:
    """What one round did, in numbers of mails."""

    sent: int = 0
    failed: int = 0
    refused: int = 0
    waiting: int = 0
    is_down: bool = False
    #: Why nothing could leave, or the round ended early.
    trouble: str = field(default="", compare=False)
    #: When the next mail is due, if one waits.
    next_due_at: datetime | None = field(default=None, compare=False)


class Trouble(NamedTuple):
    """Mails that the server refused because of us, for one cause."""

    cause: Cause
    waiting: int
    given_up: int


def put(
    kind: str,
    recipient: str,
    *,
    content: dict[str, Any],
    account: Account | AuthenticatedAccount | None = None,
    contract: Contract | KnownContract | None = None,
    language: str = "",
    turn: int = 0,
    not_before: datetime | None = None,
) -> int:
    """Write a mail into the outbox, in the caller's transaction, and return its number.

    A mail without recipient is written too, so that response time reveals nothing (F9). `turn` counts the mails that
    its sender caused before: a flood leaves last (X07). It does not leave before `not_before`, whoever asks.
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
    if not_before is not None:
        row["due_at"] = not_before
    number = cast(CursorResult[Any], db.session.execute(_ROW, row)).inserted_primary_key
    g.portal_has_mail = True
    assert number is not None
    return int(number[0])


def has_new_mail() -> bool:
    """Tell, once, whether this request has written a mail."""
    return bool(g.pop("portal_has_mail", False))


def deliver_due(*, now: bool = False, stop: threading.Event | None = None) -> Delivery:
    """Deliver due mails by turn; with `now` also, once, those that wait after a failure, oldest first."""
    done, server, last, is_done = Delivery(), SmtpSession(), 0, False
    try:
        while not (is_done or done.is_down or stop is not None and stop.is_set()):
            batch = _claim(after=last if now else None)
            done.refused += sum(row.state is MailState.REFUSED for row in batch)
            tried = _deliver(batch, server, done, stop)
            last, is_done = (batch[tried - 1].id if tried else last), tried == len(batch) < BATCH
    finally:
        server.close()
    moment = utcnow()
    done.waiting, done.next_due_at, held_back = db.session.execute(_WAITING, {"moment": moment}).one()
    db.session.rollback()
    if done.sent and held_back and not done.is_down:
        begin_write()
        done.next_due_at = moment
        db.session.execute(update(_mails).where(_IS_WAITING, _MET_NO_SERVER).values(due_at=moment), {"moment": moment})
        db.session.commit()
    return done


def oldest_waiting_age() -> timedelta | None:
    """Return how long the oldest mail has waited, or None."""
    oldest = db.session.scalar(select(func.min(Mail.created_at)).where(_IS_WAITING))
    return utcnow() - oldest if oldest is not None else None


def troubles() -> list[Trouble]:
    """Return what the landlord must mend: mails refused because of him, by cause."""
    counts = {cause: [0, 0] for cause in Cause}
    refused = select(Mail.error, Mail.state, func.count()).where(
        text(TROUBLED), Mail.error.startswith(Verdict.ABOUT_US)
    )
    for error, fate, count in db.session.execute(refused.group_by(Mail.error, Mail.state)):
        cause = Cause(error.partition(", ")[2].partition(":")[0])
        counts[cause][0 if fate is MailState.WAITING else 1] += count
    return [Trouble(cause, *both) for cause, both in counts.items() if any(both)]


def note_report(raw: bytes) -> int | None:
    """Record the mails that a delivery report returns; return how many were not known as returned.

    Only a report that speaks of the mailbox marks the address of its account. None for what is no report of ours.
    """
    returned = bounces.read(raw)
    if returned is None:
        return None
    ids = {*returned.message_ids, *map(rendering.message_id_of, returned.marks)}
    begin_write()
    found = db.session.scalars(select(Mail).where(Mail.message_id.in_(ids)).order_by(Mail.id).with_for_update()).all()
    rows = [row for row in found if row.state is not MailState.BOUNCED]
    for row in rows:
        _settle(row, MailState.BOUNCED, f"{returned.reason}: returned")
        if returned.verdict is Verdict.GONE:
            _mark_address_failed(row)
    _reopen_messages(rows)
    db.session.commit()
    return len(rows) if found else None


def _claim(*, after: int | None) -> list[Mail]:
    """Claim and detach the next mails; one without recipient, or with a dead link, is settled here."""
    begin_write()
    moment = utcnow()
    waiting = _DUE
    if after is not None:
        # An untried mail that is not due must not leave yet: it can still be recalled.
        is_free = or_(Mail.due_at <= bindparam("moment"), and_(Mail.attempts > 0, Mail.error != CLAIMED))
        waiting = select(Mail).where(_IS_WAITING, Mail.id > after, is_free).order_by(Mail.id)
        waiting = waiting.limit(bindparam("most")).with_for_update(skip_locked=True)
    batch = list(db.session.scalars(waiting, {"moment": moment, "most": BATCH}))
    if not batch:
        db.session.rollback()
        return batch
    for row in batch:
        if not row.recipient:
            row.state, row.content = MailState.NOBODY, None
        elif not _has_live_link(row, moment):
            _settle(row, MailState.REFUSED, EXPIRED)
        else:
            _renew_not_me(row, moment)
    db.session.flush()
    _name_repeated(batch)
    claimed = [row.id for row in batch if row.state is MailState.WAITING]
    db.session.execute(_CLAIM, {"ids": claimed, "until": moment + LEASE})
    for row in batch:
        db.session.expunge(row)
    db.session.commit()
    return batch


def _has_live_link(row: Mail, moment: datetime) -> bool:
    """Make the link of a mail anew once half its time is over; tell whether it can still be used (T10)."""
    content = row.content or {}
    if "until" not in content:
        return True
    ends_at = datetime.fromisoformat(content["until"])
    if row.kind in signed_links.LINK_KINDS and ends_at - moment < signed_links.lifetime(row.kind) / 2:
        with suppress(PortalError):
            link = signed_links.renewed(row.kind, content["link"])
            ends_at = signed_links.expires_at(row.kind)
            row.content = {**content, "link": link, "until": ends_at.isoformat()}
    return ends_at > moment


def _renew_not_me(row: Mail, moment: datetime) -> None:
    """Make « Ce n'est pas moi » anew once half its time is over; leave it out where its reader may say it no more."""
    content = row.content or {}
    if not content.get("not_me"):
        return
    if datetime.fromisoformat(content["not_me_until"]) - moment < signed_links.lifetime("not_me") / 2:
        link = ""
        with suppress(PortalError):
            link = signed_links.renewed("not_me", content["not_me"])
        row.content = {**content, "not_me": link, "not_me_until": signed_links.expires_at("not_me").isoformat()}


def _name_repeated(batch: list[Mail]) -> None:
    """Have the subject of a link that was asked for again say when: mail programs fold equal subjects."""
    asked = {row.id: row for row in batch if row.kind in signed_links.LINK_KINDS and row.content is not None}
    for number in db.session.scalars(_REPEATED, {"ids": list(asked)}) if asked else ():
        asked[number].content = {**(asked[number].content or {}), "is_repeated": True}


def _deliver(batch: list[Mail], server: SmtpSession, done: Delivery, stop: threading.Event | None) -> int:
    """Deliver a batch and note its fates; return how many of its rows need no other look in this round."""
    fates: dict[int, Failure | None] = {}
    answers: Counter[str] = Counter()
    end = time.monotonic() + BATCH_SECONDS
    todo = [row for row in batch if row.state is MailState.WAITING]
    while len(fates) < len(todo) and not done.is_down and time.monotonic() < end:
        row = todo[len(fates)]
        failure = fates[row.id] = hand_over(row, server)
        if failure is None:
            fate, done.sent = "mail_sent", done.sent + 1
        elif failure.is_final:
            fate, done.refused = "mail_refused", done.refused + 1
        else:
            fate, done.failed, done.trouble = "mail_failed", done.failed + 1, failure.error
            answers[failure.error] += failure.verdict is Verdict.ABOUT_US
            done.is_down = failure.is_down or answers[failure.error] >= SAME_ANSWERS
        audit.note(fate, mail=row.id, kind=row.kind, account=row.account_id, error=failure.error if failure else "")
        if stop is not None and stop.is_set():
            break
    left = todo[len(fates) :]
    if todo:
        _note(fates, todo)
    return batch.index(left[0]) if left else len(batch)


def _note(fates: dict[int, Failure | None], todo: list[Mail]) -> None:
    """Record what became of each mail, however long the database is away; give back those that were not tried."""
    for pause in NOTE_PAUSES:
        time.sleep(pause)
        try:
            return _record(fates, todo)
        except OperationalError:
            log.warning("the fate of %s mails cannot be noted yet", len(fates))
    _record(fates, todo)


def _record(fates: dict[int, Failure | None], todo: list[Mail]) -> None:
    begin_write()
    moment, server, left = utcnow(), server_name(), todo[len(fates) :]
    sent = [
        {"number": row.id, "kept": contents.kept(row.kind, row.content), "moment": moment, "server": server}
        for row in todo
        if row.id in fates and fates[row.id] is None
    ]
    if sent:
        db.session.connection().execute(_SENT, sent)
    former = [{"id": row.id, "attempts": row.attempts, "due_at": row.due_at, "error": row.error} for row in left]
    if former:
        db.session.execute(update(Mail), former)
    failed = [number for number, failure in fates.items() if failure is not None]
    whose = select(Mail).where(Mail.id.in_(failed), _IS_WAITING).with_for_update() if failed else None
    rows = db.session.scalars(whose).all() if whose is not None else ()
    for row in rows:
        failure = fates[row.id]
        assert failure is not None
        row.error = failure.error
        if failure.is_final:
            _settle(row, MailState.REFUSED, failure.error)
            if failure.verdict is Verdict.GONE:
                _mark_address_failed(row)
        else:
            minutes = RETRY_MINUTES[min(row.attempts, len(RETRY_MINUTES)) - 1]
            row.due_at = moment + timedelta(minutes=minutes)
    _reopen_messages(rows)
    db.session.commit()


def _reopen_messages(rows: Sequence[Mail]) -> None:
    """Give the answers among these mails back to the office that did not arrive."""
    lost = {row.id for row in rows if row.kind == "message_answered" and row.state is not MailState.WAITING}
    if lost:
        answers.reopen(lost)


def _settle(row: Mail, state: MailState, error: str) -> None:
    row.state, row.content, row.error = state, contents.kept(row.kind, row.content), error


def _mark_address_failed(row: Mail) -> None:
    """Mark the account's address as failed; the next page tells the tenant (T09)."""
    account = db.session.get(Account, row.account_id, with_for_update=True) if row.account_id is not None else None
    if account is not None and account.email.lower() == row.recipient.lower():
        account.email_failed_at = utcnow()
